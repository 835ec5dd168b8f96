//! Every code. A family has a file of its own: E01 syntax, E02 names, E03 types and units, E04 statements, E05
//! parameters and arguments, E06 not in this build, E07 this machine or user, E08 while running, E09 guests and hosts.

/// Defines the codes of a family, whose exit code is 2: the query or the command line is wrong.
macro_rules! codes {
    ($($name:ident $id:literal $title:literal $page:literal)*) => {
        $(
            #[doc = $title]
            pub static $name: crate::diag::Code = crate::diag::Code {
                id: $id,
                title: $title,
                page: $page,
                exit: 2,
            };
        )*

        /// The family.
        pub static ALL: &[&crate::diag::Code] = &[$(&$name),*];
    };
}

pub mod build;
pub mod link;
pub mod machine;
pub mod names;
pub mod params;
pub mod run;
pub mod statements;
pub mod syntax;
pub mod types;

use super::Code;

/// All codes, in order.
pub fn all() -> impl Iterator<Item = &'static Code> {
    let families = [
        syntax::ALL,
        names::ALL,
        types::ALL,
        statements::ALL,
        params::ALL,
        build::ALL,
        machine::ALL,
        run::ALL,
        link::ALL,
    ];
    families.into_iter().flatten().copied()
}

/// A code by its id, in any case.
pub fn find(id: &str) -> Option<&'static Code> {
    all().find(|code| code.id.eq_ignore_ascii_case(id))
}
