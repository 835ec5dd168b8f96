//! Literals as terms: the tests that the kernel can do.

use std::ops::RangeInclusive;

use iotq_probes::abi;
use iotq_probes::catalogue::{Known, Side, Slot, Type};

use crate::ir::{CompareOp, Expr, ExprKind, FieldRef};
use crate::plan::{Operand, Term, Test};
use crate::value::Const;

/// Larger sets are looked up in a map rather than tested one by one.
const MAX_SPREAD: usize = 4;

/// The bytes at the start of a text that the kernel compares.
const TEXT_WINDOW: usize = 16;

/// The term that means the same as a literal, if the kernel can decide it.
pub(super) fn term(literal: &Expr) -> Option<Term> {
    match &literal.kind {
        ExprKind::Const(Const::Bool(holds)) => Some(Term {
            negate: *holds,
            ..positive(Operand::Members, Test::Bit(0))
        }),
        ExprKind::Not(inner) => term(inner).map(opposite),
        ExprKind::Field(field) => bit(field),
        ExprKind::Compare(op, left, right) => match (&left.kind, &right.kind) {
            (ExprKind::Field(field), _) => comparison(field, *op, &constant(right)?),
            (_, ExprKind::Field(field)) => comparison(field, mirrored(*op), &constant(left)?),
            _ => None,
        },
        ExprKind::In(value, set) => membership(field(value)?, set),
        ExprKind::Between(value, low, high) => {
            let (Const::Int(low), Const::Int(high)) = (constant(low)?, constant(high)?) else {
                return None;
            };
            range(field(value)?, low, high)
        }
        ExprKind::Glob(value, glob) => prefix(field(value)?, glob),
        ExprKind::Is(field, name) => Some(positive(operand(field)?, Test::Name(name.0))),
        ExprKind::Under(field, name) => Some(positive(operand(field)?, Test::Under(name.0))),
        ExprKind::Member(bit) => {
            let mask = 1u64.checked_shl(u32::from(*bit))?;
            Some(positive(Operand::Members, Test::Bit(mask)))
        }
        _ => None,
    }
}

/// Whether membership in a set costs the kernel less as one comparison for each item.
pub(super) fn is_better_spread(value: &Expr, set: &[Const]) -> bool {
    let Some(Operand::Field { slot, .. }) = field(value).and_then(operand) else {
        return false;
    };
    let most = match slot {
        Slot::Text { .. } => abi::IOTQ_MAX_TEXTS as usize,
        _ => MAX_SPREAD,
    };
    (1..=most).contains(&set.len())
}

/// Whether the term can be decided when the operation starts.
pub(super) fn is_known_at_start(term: &Term) -> bool {
    match term.operand {
        Operand::Members => true,
        Operand::Field { .. } => term
            .operand
            .field()
            .is_some_and(|field| field.known == Known::Start),
    }
}

fn positive(operand: Operand, test: Test) -> Term {
    Term {
        operand,
        test,
        negate: false,
    }
}

fn opposite(term: Term) -> Term {
    Term {
        negate: !term.negate,
        ..term
    }
}

fn field(expr: &Expr) -> Option<&FieldRef> {
    match &expr.kind {
        ExprKind::Field(field) => Some(field),
        _ => None,
    }
}

/// The value of an expression that reads no record; none for null, which is left to the evaluator.
fn constant(expr: &Expr) -> Option<Const> {
    use crate::eval::{NoRecord, eval};
    use crate::value::Value;

    if !expr.is_constant() {
        return None;
    }
    match eval(expr, &NoRecord) {
        Value::Bool(value) => Some(Const::Bool(value)),
        Value::Int(value) => Some(Const::Int(value)),
        Value::Text(text) => Some(Const::Text(str::from_utf8(text).ok()?.to_owned())),
        Value::Owned(text) => Some(Const::Text(String::from_utf8(text).ok()?)),
        Value::Float(_) | Value::Null | Value::File { .. } => None,
    }
}

/// A field that the kernel can read. Times are of another clock there than what a query compares them with.
pub(super) fn operand(field: &FieldRef) -> Option<Operand> {
    if field.field.side != Side::Kernel || field.field.ty == Type::Time {
        return None;
    }
    Some(Operand::Field {
        layer: field.layer.name,
        field: field.field.name,
        slot: field.field.slot?,
    })
}

fn slot(field: &FieldRef) -> Option<Slot> {
    operand(field).and(field.field.slot)
}

fn bit(field: &FieldRef) -> Option<Term> {
    match slot(field)? {
        Slot::Bit { mask, .. } => Some(positive(operand(field)?, Test::Bit(mask))),
        _ => None,
    }
}

fn comparison(field: &FieldRef, op: CompareOp, with: &Const) -> Option<Term> {
    match with {
        Const::Int(value) => {
            let all = domain(slot(field)?)?;
            match op {
                CompareOp::Eq => range(field, *value, *value),
                CompareOp::Ne => range(field, *value, *value).map(opposite),
                CompareOp::Lt => range(field, *all.start(), value.saturating_sub(1)),
                CompareOp::Le => range(field, *all.start(), *value),
                CompareOp::Gt => range(field, value.saturating_add(1), *all.end()),
                CompareOp::Ge => range(field, *value, *all.end()),
            }
        }
        Const::Bool(value) => match op {
            CompareOp::Eq => bit(field).map(|bit| if *value { bit } else { opposite(bit) }),
            CompareOp::Ne => bit(field).map(|bit| if *value { opposite(bit) } else { bit }),
            _ => None,
        },
        Const::Text(text) => match op {
            CompareOp::Eq => exact(field, text),
            CompareOp::Ne => exact(field, text).map(opposite),
            _ => None,
        },
        Const::Float(_) => None,
    }
}

fn mirrored(op: CompareOp) -> CompareOp {
    match op {
        CompareOp::Lt => CompareOp::Gt,
        CompareOp::Le => CompareOp::Ge,
        CompareOp::Gt => CompareOp::Lt,
        CompareOp::Ge => CompareOp::Le,
        CompareOp::Eq | CompareOp::Ne => op,
    }
}

/// The values that a slot can hold.
pub(crate) fn domain(slot: Slot) -> Option<RangeInclusive<i128>> {
    match slot {
        Slot::Uint { width, .. } => {
            let bits = 8 * u32::try_from(width).ok()?;
            Some(0..=1i128.checked_shl(bits)? - 1)
        }
        Slot::Int { .. } => Some(i128::from(i64::MIN)..=i128::from(i64::MAX)),
        Slot::Bit { .. } | Slot::Text { .. } | Slot::File { .. } => None,
    }
}

/// A range within what the slot can hold. One outside of it holds for no value, and its opposite for every one.
fn range(field: &FieldRef, low: i128, high: i128) -> Option<Term> {
    let all = domain(slot(field)?)?;
    let (low, high) = (low.max(*all.start()), high.min(*all.end()));
    let test = if low <= high {
        Test::Range(low, high)
    } else {
        Test::NEVER
    };
    Some(positive(operand(field)?, test))
}

fn membership(field: &FieldRef, set: &[Const]) -> Option<Term> {
    let all = domain(slot(field)?)?;
    let mut items = Vec::with_capacity(set.len());
    for item in set {
        let Const::Int(item) = item else { return None };
        if all.contains(item) {
            items.push(*item);
        }
    }
    items.sort_unstable();
    items.dedup();
    Some(positive(operand(field)?, Test::Set(items)))
}

/// Exact where the text and the NUL behind it lie in the window, or where the text fills the slot.
fn exact(field: &FieldRef, text: &str) -> Option<Term> {
    let Slot::Text { len, .. } = slot(field)? else {
        return None;
    };
    let fits = text.len() < TEXT_WINDOW.min(len) || (text.len() == len && len <= TEXT_WINDOW);
    (fits && is_stored(text)).then_some(())?;
    Some(positive(operand(field)?, Test::Text(text.to_owned())))
}

fn prefix(field: &FieldRef, glob: &str) -> Option<Term> {
    let Some(prefix) = glob.strip_suffix('*') else {
        let plain = !glob.contains(['*', '?']);
        return plain.then(|| exact(field, glob)).flatten();
    };
    let Slot::Text { len, .. } = slot(field)? else {
        return None;
    };
    let fits = prefix.len() <= TEXT_WINDOW.min(len) && !prefix.contains(['*', '?']);
    (fits && is_stored(prefix)).then_some(())?;
    Some(positive(operand(field)?, Test::Prefix(prefix.to_owned())))
}

/// Whether a record can hold the text: an empty one is null, and a NUL ends it.
fn is_stored(text: &str) -> bool {
    !text.is_empty() && !text.contains('\0')
}
