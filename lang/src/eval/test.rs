//! The kernel's tests, as they must come out in the kernel.

use crate::plan::{Clause, Operand, Term, Test};
use crate::value::{Record, Value};

use super::text;

impl Clause {
    /// Whether one of its terms holds for a record.
    pub fn holds<R: Record + ?Sized>(&self, record: &R) -> bool {
        self.0.iter().any(|term| term.holds(record))
    }
}

impl Term {
    /// Whether it holds for a record. On a null value it does not, negated or not; nor does a name before binding.
    pub fn holds<R: Record + ?Sized>(&self, record: &R) -> bool {
        self.passes(record)
            .is_some_and(|passes| passes != self.negate)
    }

    fn passes<R: Record + ?Sized>(&self, record: &R) -> Option<bool> {
        let value = match self.operand {
            Operand::Members => Value::Int(record.members().into()),
            Operand::Field { .. } => record.value(self.operand.reads()?),
        };
        match (&self.test, &value) {
            (Test::Range(low, high), Value::Int(value)) => Some(low <= value && value <= high),
            (Test::Bit(mask), Value::Int(value)) => Some(value & i128::from(*mask) != 0),
            (Test::Bit(_), Value::Bool(value)) => Some(*value),
            (Test::Set(items), Value::Int(value)) => Some(items.contains(value)),
            (Test::Text(expected), _) => Some(text::bytes(&value)? == expected.as_bytes()),
            (Test::Prefix(prefix), _) => Some(text::bytes(&value)?.starts_with(prefix.as_bytes())),
            _ => None,
        }
    }
}
