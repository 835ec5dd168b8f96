//! Numbers: exact integers, or fractions as soon as one operand is a fraction.

use std::cmp::Ordering;

use crate::ir::ArithOp;
use crate::value::Value;

/// A sum, difference, product, quotient or remainder; with `fraction`, integers are divided as fractions, too.
pub(crate) fn arith<'a>(op: ArithOp, left: &Value, right: &Value, fraction: bool) -> Value<'a> {
    match (left, right) {
        (Value::Int(left), Value::Int(right)) if !fraction => integer(match op {
            ArithOp::Add => left.checked_add(*right),
            ArithOp::Sub => left.checked_sub(*right),
            ArithOp::Mul => left.checked_mul(*right),
            ArithOp::Div => left.checked_div(*right),
            ArithOp::Rem => left.checked_rem(*right),
        }),
        _ => match (float(left), float(right)) {
            (Some(left), Some(right)) => finite(match op {
                ArithOp::Add => left + right,
                ArithOp::Sub => left - right,
                ArithOp::Mul => left * right,
                ArithOp::Div => left / right,
                ArithOp::Rem => left % right,
            }),
            _ => Value::Null,
        },
    }
}

/// `-x`
pub(super) fn negative<'a>(value: &Value) -> Value<'a> {
    match value {
        Value::Int(value) => integer(value.checked_neg()),
        Value::Float(value) => finite(-value),
        _ => Value::Null,
    }
}

/// `abs(x)`
pub(super) fn absolute<'a>(value: &Value) -> Value<'a> {
    match value {
        Value::Int(value) => integer(value.checked_abs()),
        Value::Float(value) => finite(value.abs()),
        _ => Value::Null,
    }
}

/// `bucket(x, width)`: rounded down, so that the buckets below zero are as wide as those above.
pub(super) fn bucket<'a>(value: &Value, width: &Value) -> Value<'a> {
    match (value, width) {
        (Value::Int(value), Value::Int(width)) if *width > 0 => {
            integer(value.checked_sub(value.rem_euclid(*width)))
        }
        (Value::Int(_), Value::Int(_)) => Value::Null,
        _ => match (float(value), float(width)) {
            (Some(value), Some(width)) if width > 0.0 => finite((value / width).floor() * width),
            _ => Value::Null,
        },
    }
}

/// The order of two numbers; none if one is not a number.
pub(crate) fn order(left: &Value, right: &Value) -> Option<Ordering> {
    match (left, right) {
        (Value::Int(left), Value::Int(right)) => Some(left.cmp(right)),
        _ => float(left)?.partial_cmp(&float(right)?),
    }
}

fn integer<'a>(value: Option<i128>) -> Value<'a> {
    value.map_or(Value::Null, Value::Int)
}

fn finite<'a>(value: f64) -> Value<'a> {
    if value.is_finite() {
        Value::Float(value)
    } else {
        Value::Null
    }
}

fn float(value: &Value) -> Option<f64> {
    match value {
        Value::Int(value) => Some(*value as f64),
        Value::Float(value) => Some(*value),
        _ => None,
    }
}
