//! The reference evaluator: what expressions mean. Whatever the kernel decides must agree with it.
//!
//! Conditions have three values, as in SQL: a comparison with null is null, `false and null` is false, `true or null` is
//! true, and a condition that is null does not hold. Numbers are exact; what overflows or divides by zero is null.
//! A name of the machine is null as long as the plan is not bound, and so is an aggregate but those over a request's children.

mod children;
pub(crate) mod number;
mod test;
#[cfg(test)]
mod tests;
mod text;

use std::cmp::Ordering;

use iotq_probes::catalogue::Type;

use crate::ir::{CompareOp, Expr, ExprKind, FieldRef, Function};
use crate::value::{Const, Record, Value};

pub use text::matches;

/// The value of an expression for a record.
pub fn eval<'a, R: Record + ?Sized>(expr: &'a Expr, record: &'a R) -> Value<'a> {
    match &expr.kind {
        ExprKind::Const(value) => constant(value),
        ExprKind::Field(field) => record.value(*field),
        ExprKind::Member(bit) => {
            let mask = 1u64.checked_shl(u32::from(*bit)).unwrap_or(0);
            Value::Bool(record.members() & mask != 0)
        }
        ExprKind::Arith(op, left, right) => {
            let fraction = expr.ty == Type::Float;
            number::arith(*op, &eval(left, record), &eval(right, record), fraction)
        }
        ExprKind::Neg(inner) => number::negative(&eval(inner, record)),
        ExprKind::Call(function, args) => call(*function, args, record),
        ExprKind::Aggregate(aggregate, args) => {
            children::reduce(*aggregate, args, expr.ty == Type::Float, record)
        }
        _ => truth(condition(expr, record)),
    }
}

/// Whether a condition holds for a record: is true, neither false nor null.
pub fn holds<R: Record + ?Sized>(expr: &Expr, record: &R) -> bool {
    condition(expr, record) == Some(true)
}

/// A record without any value, for expressions that read none.
pub struct NoRecord;

impl Record for NoRecord {
    fn value(&self, _: FieldRef) -> Value<'_> {
        Value::Null
    }

    fn members(&self) -> u64 {
        0
    }
}

/// The truth of a condition; none for null.
fn condition<R: Record + ?Sized>(expr: &Expr, record: &R) -> Option<bool> {
    match &expr.kind {
        ExprKind::And(list) => junction(list, record, true),
        ExprKind::Or(list) => junction(list, record, false),
        ExprKind::Not(inner) => condition(inner, record).map(|holds| !holds),
        ExprKind::Compare(op, left, right) => {
            compare(*op, &eval(left, record), &eval(right, record))
        }
        ExprKind::In(value, set) => among(&eval(value, record), set),
        ExprKind::Between(value, low, high) => {
            let value = eval(value, record);
            let above = compare(CompareOp::Ge, &value, &eval(low, record));
            let below = compare(CompareOp::Le, &value, &eval(high, record));
            both(above, below)
        }
        ExprKind::Glob(value, glob) => {
            let value = eval(value, record);
            Some(matches(glob.as_bytes(), text::bytes(&value)?))
        }
        ExprKind::Is(..) | ExprKind::Under(..) | ExprKind::Children(_) => None,
        ExprKind::Const(_)
        | ExprKind::Field(_)
        | ExprKind::Member(_)
        | ExprKind::Arith(..)
        | ExprKind::Neg(_)
        | ExprKind::Aggregate(..)
        | ExprKind::Call(..) => match eval(expr, record) {
            Value::Bool(holds) => Some(holds),
            _ => None,
        },
    }
}

fn constant(value: &Const) -> Value<'_> {
    match value {
        Const::Bool(value) => Value::Bool(*value),
        Const::Int(value) => Value::Int(*value),
        Const::Float(value) => Value::Float(*value),
        Const::Text(text) => Value::Text(text.as_bytes()),
    }
}

fn truth<'a>(truth: Option<bool>) -> Value<'a> {
    truth.map_or(Value::Null, Value::Bool)
}

/// `and` where `all`, else `or`: decided by the first operand that decides, else null by one that is null.
fn junction<R: Record + ?Sized>(list: &[Expr], record: &R, all: bool) -> Option<bool> {
    let mut result = Some(all);
    for expr in list {
        match condition(expr, record) {
            Some(holds) if holds == all => {}
            Some(holds) => return Some(holds),
            None => result = None,
        }
    }
    result
}

fn both(left: Option<bool>, right: Option<bool>) -> Option<bool> {
    match (left, right) {
        (Some(false), _) | (_, Some(false)) => Some(false),
        (Some(true), Some(true)) => Some(true),
        _ => None,
    }
}

fn compare(op: CompareOp, left: &Value, right: &Value) -> Option<bool> {
    let order = order(left, right)?;
    Some(match op {
        CompareOp::Eq => order.is_eq(),
        CompareOp::Ne => order.is_ne(),
        CompareOp::Lt => order.is_lt(),
        CompareOp::Le => order.is_le(),
        CompareOp::Gt => order.is_gt(),
        CompareOp::Ge => order.is_ge(),
    })
}

/// The order of two values of one type: of text that of its bytes, of files that of device and inode. None with null.
pub fn order(left: &Value, right: &Value) -> Option<Ordering> {
    if let (Some(left), Some(right)) = (text::bytes(left), text::bytes(right)) {
        return Some(left.cmp(right));
    }
    match (left, right) {
        (Value::Bool(left), Value::Bool(right)) => Some(left.cmp(right)),
        (
            Value::File { dev, inode },
            Value::File {
                dev: other,
                inode: same,
            },
        ) => Some((dev, inode).cmp(&(other, same))),
        _ => number::order(left, right),
    }
}

fn among(value: &Value, set: &[Const]) -> Option<bool> {
    let equal = |item| compare(CompareOp::Eq, value, &constant(item));
    match value {
        Value::Null => None,
        _ => Some(set.iter().any(|item| equal(item) == Some(true))),
    }
}

fn call<'a, R: Record + ?Sized>(function: Function, args: &'a [Expr], record: &'a R) -> Value<'a> {
    let mut values = args.iter().map(|arg| eval(arg, record));
    let mut next = || values.next().unwrap_or(Value::Null);
    match function {
        Function::Abs => number::absolute(&next()),
        Function::Bucket => number::bucket(&next(), &next()),
        Function::Lower => text::lower(&next()),
        Function::Length => text::length(&next()),
        Function::Least => extreme(values, Ordering::Less),
        Function::Greatest => extreme(values, Ordering::Greater),
        Function::Coalesce => values
            .find(|value| *value != Value::Null)
            .unwrap_or(Value::Null),
    }
}

/// The value that stands in this order to all others; null if one of them is.
fn extreme<'a>(mut values: impl Iterator<Item = Value<'a>>, wanted: Ordering) -> Value<'a> {
    let first = values.next().unwrap_or(Value::Null);
    values
        .try_fold(first, |best, value| {
            let order = order(&value, &best)?;
            Some(if order == wanted { value } else { best })
        })
        .unwrap_or(Value::Null)
}
