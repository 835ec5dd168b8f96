//! `max(block[].lat)`: aggregates over what a request has on a layer.

use super::number;
use crate::ir::{Aggregate, ArithOp, CompareOp, Expr, ExprKind};
use crate::value::{Record, Value};

/// The aggregate of the children's values. Those that are null do not count; without any it is null, a count zero.
/// `fraction`: the result has one.
pub(super) fn reduce<'a, R: Record + ?Sized>(
    aggregate: Aggregate,
    args: &'a [Expr],
    fraction: bool,
    record: &'a R,
) -> Value<'a> {
    let Some(ExprKind::Children(field)) = args.first().map(|arg| &arg.kind) else {
        return Value::Null;
    };
    let mut values = record.children(*field);
    values.retain(|value| *value != Value::Null);
    let count = values.len();
    if aggregate == Aggregate::Count {
        return Value::Int(count as i128);
    }
    let Some(first) = values.first().cloned() else {
        return Value::Null;
    };
    match aggregate {
        Aggregate::Sum => sum(&values),
        Aggregate::Avg => number::arith(
            ArithOp::Div,
            &sum(&values),
            &Value::Int(count as i128),
            fraction,
        ),
        Aggregate::Min => extreme(values, first, CompareOp::Lt),
        Aggregate::Max => extreme(values, first, CompareOp::Gt),
        Aggregate::Quantile(share) => {
            values.sort_by(|a, b| super::order(a, b).unwrap_or(std::cmp::Ordering::Equal));
            let place = (share * count as f64).ceil() as usize;
            values.swap_remove(place.clamp(1, count) - 1)
        }
        Aggregate::Stddev => stddev(&values, fraction),
        // The checker refuses the others.
        _ => Value::Null,
    }
}

fn sum<'a>(values: &[Value<'a>]) -> Value<'a> {
    values.iter().fold(Value::Int(0), |sum, value| {
        let fraction = matches!(value, Value::Float(_));
        number::arith(ArithOp::Add, &sum, value, fraction)
    })
}

fn extreme<'a>(values: Vec<Value<'a>>, first: Value<'a>, wanted: CompareOp) -> Value<'a> {
    values.into_iter().fold(first, |best, value| {
        if super::compare(wanted, &value, &best) == Some(true) {
            value
        } else {
            best
        }
    })
}

/// That of the whole, not of a sample.
fn stddev<'a>(values: &[Value<'a>], fraction: bool) -> Value<'a> {
    let numbers: Vec<f64> = values
        .iter()
        .filter_map(|value| match value {
            Value::Int(value) => Some(*value as f64),
            Value::Float(value) => Some(*value),
            _ => None,
        })
        .collect();
    let count = numbers.len() as f64;
    let mean = numbers.iter().sum::<f64>() / count;
    let variance = numbers.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / count;
    let deviation = variance.sqrt();
    if fraction {
        Value::Float(deviation)
    } else {
        Value::Int(deviation.round() as i128)
    }
}
