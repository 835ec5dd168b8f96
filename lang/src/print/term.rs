//! Clauses and terms, as the conditions that they stand for.

use std::fmt::{Display, Formatter, Result};
use std::ops::RangeInclusive;

use iotq_probes::catalogue::Type;

use super::{Constant, Named, bare, list};
use crate::lower::term::domain;
use crate::plan::{Clause, Operand, Term, Test};
use crate::value::Const;

impl Display for Named<'_, Clause> {
    fn fmt(&self, out: &mut Formatter<'_>) -> Result {
        list(out, self.what.0.iter().map(|term| self.of(term)), " or ")
    }
}

impl Display for Named<'_, Term> {
    fn fmt(&self, out: &mut Formatter<'_>) -> Result {
        let Term {
            operand,
            test,
            negate,
        } = self.what;
        let (name, ty) = match operand {
            Operand::Members => ("members", Type::Int),
            Operand::Field { field, .. } => {
                (*field, operand.field().map_or(Type::Int, |field| field.ty))
            }
        };
        let (is, not) = if *negate { ("!=", "not ") } else { ("==", "") };
        match test {
            Test::Range(low, high) => self.range(out, name, ty, (*low, *high)),
            Test::Bit(0) => write!(out, "{negate}"),
            Test::Bit(mask) if *operand == Operand::Members => {
                write!(out, "{not}member({})", mask.trailing_zeros())
            }
            Test::Bit(_) => write!(out, "{not}{name}"),
            Test::Text(text) => write!(out, "{name} {is} {text:?}"),
            Test::Prefix(prefix) => write!(out, "{not}{name} ~ {:?}", format!("{prefix}*")),
            Test::Set(items) => {
                write!(out, "{not}{name} in {{")?;
                let items: Vec<Const> = items.iter().map(|&item| Const::Int(item)).collect();
                list(out, items.iter().map(|item| Constant(item, ty)), ", ")?;
                out.write_str("}")
            }
            Test::Name(id) => write!(out, "{name} {is} {}", bare(self.name(*id))),
            Test::Under(id) => write!(out, "{not}{name} under {}", bare(self.name(*id))),
        }
    }
}

impl Named<'_, Term> {
    /// As the comparison that made it.
    fn range(&self, out: &mut Formatter<'_>, name: &str, ty: Type, bounds: (i128, i128)) -> Result {
        let Term {
            operand, negate, ..
        } = self.what;
        let all = match operand {
            Operand::Field { slot, .. } => domain(*slot),
            Operand::Members => None,
        };
        let (first, last) = all.map_or((i128::MIN, i128::MAX), RangeInclusive::into_inner);
        let pick = |plain, negated| if *negate { negated } else { plain };
        let text = |value| Constant(&Const::Int(value), ty).to_string();
        match bounds {
            (low, high) if low > high => {
                write!(out, "{name} is {}", pick("impossible", "not null"))
            }
            (low, high) if (low, high) == (first, last) => {
                write!(out, "{name} is {}", pick("not null", "impossible"))
            }
            (low, high) if low == high => write!(out, "{name} {} {}", pick("==", "!="), text(low)),
            (low, high) if low == first => {
                let (next, value) = (text(high + 1), text(high));
                let (op, value) = shorter((pick("<", ">="), next), (pick("<=", ">"), value));
                write!(out, "{name} {op} {value}")
            }
            (low, high) if high == last => {
                let (previous, value) = (text(low - 1), text(low));
                let (op, value) = shorter((pick(">", "<="), previous), (pick(">=", "<"), value));
                write!(out, "{name} {op} {value}")
            }
            (low, high) => write!(
                out,
                "{}{name} in {}..{}",
                pick("", "not "),
                text(low),
                text(high)
            ),
        }
    }
}

/// Of two ways to write a comparison, the one with the rounder number: `lat > 1ms`, not `lat >= 1000001ns`.
fn shorter<'a>(strict: (&'a str, String), plain: (&'a str, String)) -> (&'a str, String) {
    if strict.1.len() < plain.1.len() {
        strict
    } else {
        plain
    }
}
