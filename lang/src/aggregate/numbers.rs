//! Numbers of a group: how many, their sum, the extremes, the spread, the histogram.

use std::cmp::Ordering;

use super::{Histogram, Parts, Scale};
use crate::eval::number::{arith, order};
use crate::ir::ArithOp;
use crate::value::Value;

/// What is kept of them. What is not asked for stays as it began.
#[derive(Clone, Debug, PartialEq)]
pub struct Numbers {
    /// How many there are.
    pub count: u64,
    /// Their sum.
    pub sum: Value<'static>,
    /// The smallest.
    pub min: Value<'static>,
    /// The largest.
    pub max: Value<'static>,
    /// The sum of their squares.
    pub squares: Value<'static>,
    /// Their log-linear histogram.
    pub histogram: Histogram,
}

impl Default for Numbers {
    fn default() -> Self {
        Self {
            count: 0,
            sum: Value::Int(0),
            min: Value::Null,
            max: Value::Null,
            squares: Value::Int(0),
            histogram: Histogram::new(Scale::Log),
        }
    }
}

impl Numbers {
    /// Takes a value; null is none.
    pub fn add(&mut self, parts: Parts, value: &Value) {
        if !matches!(value, Value::Int(_) | Value::Float(_)) {
            return;
        }
        self.count += 1;
        if parts.sum {
            self.sum = sum(&self.sum, value);
        }
        if parts.min {
            replace(&mut self.min, value, Ordering::Less);
        }
        if parts.max {
            replace(&mut self.max, value, Ordering::Greater);
        }
        if parts.squares {
            self.squares = sum(&self.squares, &product(value, value));
        }
        if let (true, Value::Int(value)) = (parts.histogram, value) {
            self.histogram.add(*value);
        }
    }

    /// Takes all that another one has.
    pub fn merge(&mut self, other: &Self) {
        self.count = self.count.saturating_add(other.count);
        self.sum = sum(&self.sum, &other.sum);
        replace(&mut self.min, &other.min, Ordering::Less);
        replace(&mut self.max, &other.max, Ordering::Greater);
        self.squares = sum(&self.squares, &other.squares);
        self.histogram.merge(&other.histogram);
    }

    /// A quantile: within the extremes, where they are kept.
    pub fn quantile(&self, share: f64) -> Option<i128> {
        let mut value = self.histogram.quantile(share)?;
        if let Value::Int(min) = self.min {
            value = value.max(min);
        }
        if let Value::Int(max) = self.max {
            value = value.min(max);
        }
        Some(value)
    }

    /// The mean.
    pub fn mean(&self) -> Option<f64> {
        (self.count > 0).then_some(())?;
        Some(float(&self.sum)? / self.count as f64)
    }

    /// The standard deviation of a sample: none of fewer than two values.
    pub fn deviation(&self) -> Option<f64> {
        let degrees = self.count.checked_sub(1).filter(|it| *it > 0)?;
        let squares = match (&self.sum, &self.squares) {
            (Value::Int(sum), Value::Int(squares)) => exact(*sum, *squares, self.count)?,
            (sum, squares) => {
                let (sum, squares) = (float(sum)?, float(squares)?);
                (squares - sum * sum / self.count as f64).max(0.0)
            }
        };
        Some((squares / degrees as f64).sqrt())
    }
}

/// The sum of the squared distances to the mean: exactly to its whole part first, so that nothing cancels out.
fn exact(sum: i128, squares: i128, count: u64) -> Option<f64> {
    let n = i128::from(count);
    let (whole, rest) = (sum.div_euclid(n), sum.rem_euclid(n));
    let twice = sum.checked_mul(whole)?.checked_mul(2)?;
    let around = whole.checked_mul(whole)?.checked_mul(n)?;
    let distances = squares.checked_sub(twice)?.checked_add(around)?;
    let rest = rest as f64;
    Some((distances as f64 - rest * (rest / n as f64)).max(0.0))
}

fn sum(left: &Value, right: &Value) -> Value<'static> {
    arith(ArithOp::Add, left, right, false)
}

fn product(left: &Value, right: &Value) -> Value<'static> {
    arith(ArithOp::Mul, left, right, false)
}

fn replace(kept: &mut Value<'static>, value: &Value, wanted: Ordering) {
    let better = *kept == Value::Null || order(value, kept) == Some(wanted);
    match value {
        Value::Int(value) if better => *kept = Value::Int(*value),
        Value::Float(value) if better => *kept = Value::Float(*value),
        _ => {}
    }
}

fn float(value: &Value) -> Option<f64> {
    match value {
        Value::Int(value) => Some(*value as f64),
        Value::Float(value) => Some(*value),
        _ => None,
    }
}
