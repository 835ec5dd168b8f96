//! Expressions, each with its native code if it has any.

use iotq_lang::eval;
use iotq_lang::ir::Expr;
use iotq_lang::value::Value;

use super::Unsupported;
use super::entry::Function;
use crate::RawRecord;

/// An expression over records of one layer.
#[derive(Clone)]
pub struct Computed {
    expr: Expr,
    native: Result<Function, Unsupported>,
}

impl Computed {
    pub(super) fn new(expr: &Expr, native: Result<Function, Unsupported>) -> Self {
        let expr = expr.clone();
        Self { expr, native }
    }

    /// Whether a condition holds for a record of the layer.
    pub fn holds(&self, record: &RawRecord) -> bool {
        match &self.native {
            Ok(native) => native.holds(record.bytes()),
            Err(_) => eval::holds(&self.expr, record),
        }
    }

    /// The value for a record of the layer.
    pub fn value<'a>(&'a self, record: &'a RawRecord) -> Value<'a> {
        match &self.native {
            Ok(native) => native.value(record.bytes()),
            Err(_) => eval::eval(&self.expr, record),
        }
    }

    /// What it computes.
    pub fn expr(&self) -> &Expr {
        &self.expr
    }

    /// Why it has no native code, if it has none.
    pub fn left(&self) -> Option<&Unsupported> {
        self.native.as_ref().err()
    }
}
