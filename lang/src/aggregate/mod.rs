//! What aggregates mean: what is kept of a group's values, and what is told of it.
//!
//! Null is not a value: it counts in `count()` and `rate()`, which count rows, and in nothing else. The sum of no values
//! is 0, all else of no values is null. Numbers are exact as long as operands are; what overflows is null.

mod histogram;
mod numbers;
#[cfg(test)]
mod tests;
mod totals;

pub use histogram::{Bucket, Histogram, Linear, Scale};
pub use numbers::Numbers;
pub use totals::{Emitted, State, Totals};

use crate::ir::{Aggregate, Expr, ExprKind};
use crate::value::Const;

/// What is kept of a group's values of one expression.
#[derive(Clone, Debug, PartialEq)]
pub struct Measure {
    /// The expression, without its place in the source.
    pub of: Expr,
    /// What is kept.
    pub keep: Keep,
}

/// What is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    /// Of numbers, how many there are and these parts.
    Numbers(Parts),
    /// A histogram of equal steps.
    Linear(Linear),
    /// How often the condition holds.
    Truth,
}

/// Parts of what is kept of numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Parts {
    /// Their sum.
    pub sum: bool,
    /// The smallest.
    pub min: bool,
    /// The largest.
    pub max: bool,
    /// The sum of their squares.
    pub squares: bool,
    /// Their log-linear histogram.
    pub histogram: bool,
}

impl Measure {
    /// What an aggregate needs to be kept; none if it counts rows.
    pub fn of(aggregate: Aggregate, args: &[Expr]) -> Option<Self> {
        let of = args.first()?.unplaced();
        let none = Parts::default();
        let keep = match aggregate {
            Aggregate::Count => return None,
            Aggregate::Sum | Aggregate::Avg | Aggregate::Rate => {
                Keep::Numbers(Parts { sum: true, ..none })
            }
            Aggregate::Min => Keep::Numbers(Parts { min: true, ..none }),
            Aggregate::Max => Keep::Numbers(Parts { max: true, ..none }),
            Aggregate::Stddev => Keep::Numbers(Parts {
                sum: true,
                squares: true,
                ..none
            }),
            Aggregate::Hist | Aggregate::Heat | Aggregate::Quantile(_) => Keep::Numbers(Parts {
                histogram: true,
                ..none
            }),
            Aggregate::Lhist => Keep::Linear(linear(args)?),
            Aggregate::Ratio => Keep::Truth,
        };
        Some(Self { of, keep })
    }

    /// The measures of all aggregates in some expressions, each once.
    pub fn all<'a>(exprs: impl IntoIterator<Item = &'a Expr>) -> Vec<Self> {
        let mut all: Vec<Self> = Vec::new();
        let mut add = |expr: &Expr| {
            let Some((aggregate, args)) = of_group(expr) else {
                return;
            };
            let Some(new) = Self::of(aggregate, args) else {
                return;
            };
            if !all.iter_mut().any(|old| old.take(&new)) {
                all.push(new);
            }
        };
        exprs.into_iter().for_each(|expr| expr.walk(&mut add));
        all
    }

    /// Keeps what another one keeps, too, if both are of the same values.
    fn take(&mut self, other: &Self) -> bool {
        if self.of != other.of {
            return false;
        }
        match (&mut self.keep, other.keep) {
            (Keep::Numbers(parts), Keep::Numbers(more)) => {
                parts.sum |= more.sum;
                parts.min |= more.min;
                parts.max |= more.max;
                parts.squares |= more.squares;
                parts.histogram |= more.histogram;
                true
            }
            (keep, other) => *keep == other,
        }
    }
}

/// An aggregate over a group; one over `layer[]` is reduced within a request.
fn of_group(expr: &Expr) -> Option<(Aggregate, &[Expr])> {
    let ExprKind::Aggregate(aggregate, args) = &expr.kind else {
        return None;
    };
    let reduction = args
        .first()
        .is_some_and(|arg| matches!(arg.kind, ExprKind::Children(_)));
    (!reduction).then_some((*aggregate, args))
}

/// The steps of `lhist(x, low, high, step)`.
fn linear(args: &[Expr]) -> Option<Linear> {
    let number = |index: usize| match args.get(index)?.kind {
        ExprKind::Const(Const::Int(value)) => Some(value),
        _ => None,
    };
    Linear::new(number(1)?, number(2)?, number(3)?)
}
