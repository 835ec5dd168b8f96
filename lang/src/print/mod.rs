//! Canonical text of the compiler's stages, for `iotq explain` and for tests.

mod checked;
mod constant;
mod expr;
mod plan;
mod term;
#[cfg(test)]
mod tests;

use std::fmt::{Display, Formatter, Result};

pub use constant::Constant;

use crate::ir::{Expr, Name};
use crate::plan::{Clause, Term};

/// Something to be printed in which names of the machine may occur.
pub struct Named<'a, T> {
    what: &'a T,
    names: &'a [Name],
    /// Fields are read through their layer: `block.lat`.
    qualified: bool,
}

impl<'a, T> Named<'a, T> {
    fn of<U>(&self, what: &'a U) -> Named<'a, U> {
        Named {
            what,
            names: self.names,
            qualified: self.qualified,
        }
    }

    fn name(&self, id: usize) -> &'a str {
        self.names.get(id).map_or("?", |name| &name.text)
    }
}

impl Expr {
    /// For printing, with the names of its program.
    pub fn display<'a>(&'a self, names: &'a [Name]) -> Named<'a, Expr> {
        Named {
            what: self,
            names,
            qualified: false,
        }
    }
}

impl Clause {
    /// For printing, with the names of its plan.
    pub fn display<'a>(&'a self, names: &'a [Name]) -> Named<'a, Clause> {
        Named {
            what: self,
            names,
            qualified: false,
        }
    }
}

impl Term {
    /// For printing, with the names of its plan.
    pub fn display<'a>(&'a self, names: &'a [Name]) -> Named<'a, Term> {
        Named {
            what: self,
            names,
            qualified: false,
        }
    }
}

/// The items with a separator between them.
fn list<T: Display>(
    out: &mut Formatter<'_>,
    items: impl IntoIterator<Item = T>,
    separator: &str,
) -> Result {
    for (index, item) in items.into_iter().enumerate() {
        if index > 0 {
            out.write_str(separator)?;
        }
        write!(out, "{item}")?;
    }
    Ok(())
}

/// A name of the machine: without quotes where it needs none.
fn bare(name: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | ':' | '$');
    if !name.is_empty() && name.chars().all(plain) {
        name.to_owned()
    } else {
        format!("{name:?}")
    }
}

/// An expression under its name, which goes without saying if it is the expression itself.
fn column(expr: &impl Display, name: &str) -> String {
    let expr = expr.to_string();
    if expr == name {
        expr
    } else {
        format!("{expr} as {}", bare(name))
    }
}
