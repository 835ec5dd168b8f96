//! One group: its rows, and what is kept of their values.

use iotq_probes::catalogue::Type;

use super::{Histogram, Keep, Measure, Numbers, Scale, of_group};
use crate::eval::{NoRecord, eval, holds};
use crate::ir::{Aggregate, Expr};
use crate::value::{Const, Record, Value};

/// What is kept of a group.
#[derive(Clone, Debug, PartialEq)]
pub struct Totals {
    /// How many rows it has.
    pub rows: u64,
    /// One for each measure.
    pub states: Vec<State>,
}

/// What is kept of the values of one measure.
#[derive(Clone, Debug, PartialEq)]
pub enum State {
    /// Numbers.
    Numbers(Numbers),
    /// A histogram of equal steps.
    Linear(Histogram),
    /// For how many rows the condition holds.
    Truth(u64),
}

/// What a column of a group shows.
#[derive(Clone, Debug, PartialEq)]
pub enum Emitted<'a> {
    /// A value.
    Value(Value<'a>),
    /// A histogram.
    Histogram(&'a Histogram),
}

impl State {
    /// Of no values.
    pub fn new(keep: Keep) -> Self {
        match keep {
            Keep::Numbers(_) => State::Numbers(Numbers::default()),
            Keep::Linear(linear) => State::Linear(Histogram::new(Scale::Linear(linear))),
            Keep::Truth => State::Truth(0),
        }
    }

    fn add<R: Record + ?Sized>(&mut self, measure: &Measure, record: &R) {
        match (self, measure.keep) {
            (State::Numbers(numbers), Keep::Numbers(parts)) => {
                numbers.add(parts, &eval(&measure.of, record));
            }
            (State::Linear(histogram), _) => {
                if let Value::Int(value) = eval(&measure.of, record) {
                    histogram.add(value);
                }
            }
            (State::Truth(count), _) => *count += u64::from(holds(&measure.of, record)),
            (State::Numbers(_), _) => {}
        }
    }

    fn merge(&mut self, other: &Self) {
        match (self, other) {
            (State::Numbers(own), State::Numbers(other)) => own.merge(other),
            (State::Linear(own), State::Linear(other)) => own.merge(other),
            (State::Truth(own), State::Truth(other)) => *own = own.saturating_add(*other),
            _ => {}
        }
    }
}

impl Totals {
    /// A group without rows.
    pub fn new(measures: &[Measure]) -> Self {
        let states = measures.iter().map(|measure| State::new(measure.keep));
        Self {
            rows: 0,
            states: states.collect(),
        }
    }

    /// Takes a row.
    pub fn add<R: Record + ?Sized>(&mut self, measures: &[Measure], record: &R) {
        self.rows += 1;
        for (state, measure) in self.states.iter_mut().zip(measures) {
            state.add(measure, record);
        }
    }

    /// Takes all rows of another group with the same measures.
    pub fn merge(&mut self, other: &Self) {
        self.rows = self.rows.saturating_add(other.rows);
        for (state, other) in self.states.iter_mut().zip(&other.states) {
            state.merge(other);
        }
    }

    /// What a column shows of the group, whose rows came within so many seconds.
    pub fn emit(&self, measures: &[Measure], expr: &Expr, seconds: f64) -> Emitted<'_> {
        if let Some((Aggregate::Hist | Aggregate::Heat | Aggregate::Lhist, _)) = of_group(expr) {
            return match self.state(measures, expr) {
                Some(State::Numbers(numbers)) => Emitted::Histogram(&numbers.histogram),
                Some(State::Linear(histogram)) => Emitted::Histogram(histogram),
                _ => Emitted::Value(Value::Null),
            };
        }
        let known = self.known(measures, expr, seconds);
        Emitted::Value(match eval(&known, &NoRecord) {
            Value::Null => Value::Null,
            Value::Bool(value) => Value::Bool(value),
            Value::Int(value) => Value::Int(value),
            Value::Float(value) => Value::Float(value),
            Value::Text(text) => Value::Owned(text.to_vec()),
            Value::Owned(text) => Value::Owned(text),
            Value::File { dev, inode } => Value::File { dev, inode },
        })
    }

    /// Whether a condition on the group holds.
    pub fn meets(&self, measures: &[Measure], condition: &Expr, seconds: f64) -> bool {
        holds(&self.known(measures, condition, seconds), &NoRecord)
    }

    /// An expression with the values of its aggregates. One that has none stays, and is null by that.
    fn known(&self, measures: &[Measure], expr: &Expr, seconds: f64) -> Expr {
        expr.rewrite(&mut |expr| {
            let (aggregate, _) = of_group(expr)?;
            let value = match self.value(measures, aggregate, expr, seconds)? {
                Value::Int(value) => Const::Int(value),
                Value::Float(value) => Const::Float(value),
                _ => return None,
            };
            Some(Expr::constant(value, expr.ty, expr.span))
        })
    }

    fn value(
        &self,
        measures: &[Measure],
        aggregate: Aggregate,
        expr: &Expr,
        seconds: f64,
    ) -> Option<Value<'static>> {
        let numbers = || match self.state(measures, expr) {
            Some(State::Numbers(numbers)) => Some(numbers),
            _ => None,
        };
        let fraction = |value: Option<f64>| Some(in_unit(value?, expr.ty));
        match aggregate {
            Aggregate::Count => Some(Value::Int(self.rows.into())),
            Aggregate::Sum => Some(numbers()?.sum.clone()),
            Aggregate::Min => Some(numbers()?.min.clone()),
            Aggregate::Max => Some(numbers()?.max.clone()),
            Aggregate::Avg => fraction(numbers()?.mean()),
            Aggregate::Stddev => fraction(numbers()?.deviation()),
            Aggregate::Quantile(share) => numbers()?.quantile(share).map(Value::Int),
            Aggregate::Rate => {
                let sum = match numbers() {
                    Some(numbers) => match numbers.sum {
                        Value::Int(sum) => sum as f64,
                        Value::Float(sum) => sum,
                        _ => return None,
                    },
                    None => self.rows as f64,
                };
                fraction((seconds > 0.0).then_some(sum / seconds))
            }
            Aggregate::Ratio => match self.state(measures, expr)? {
                State::Truth(count) if self.rows > 0 => {
                    Some(Value::Float(*count as f64 / self.rows as f64))
                }
                _ => None,
            },
            Aggregate::Hist | Aggregate::Heat | Aggregate::Lhist => None,
        }
    }

    /// What is kept for an aggregate.
    fn state(&self, measures: &[Measure], expr: &Expr) -> Option<&State> {
        let (aggregate, args) = of_group(expr)?;
        let wanted = Measure::of(aggregate, args)?;
        let same = |measure: &Measure| {
            let numbers = |keep| matches!(keep, Keep::Numbers(_));
            let alike =
                measure.keep == wanted.keep || numbers(measure.keep) && numbers(wanted.keep);
            alike && measure.of == wanted.of
        };
        self.states.get(measures.iter().position(same)?)
    }
}

/// A fraction of whole nanoseconds or bytes is rounded.
fn in_unit(value: f64, ty: Type) -> Value<'static> {
    match ty {
        Type::Duration | Type::Bytes => Value::Int(value.round() as i128),
        _ => Value::Float(value),
    }
}
