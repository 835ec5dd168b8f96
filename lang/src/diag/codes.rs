//! Every code. A family has a file of its own: E01 syntax, E02 names, E03 types and units, E04 statements, E05
//! parameters and arguments, E06 not in this build, E07 this machine or user, E08 while running.

pub mod build;
pub mod machine;
pub mod run;

use super::Code;

/// All codes, in order.
pub fn all() -> impl Iterator<Item = &'static Code> {
    [build::ALL, machine::ALL, run::ALL].into_iter().flatten().copied()
}

/// A code by its id, in any case.
pub fn find(id: &str) -> Option<&'static Code> {
    all().find(|code| code.id.eq_ignore_ascii_case(id))
}
