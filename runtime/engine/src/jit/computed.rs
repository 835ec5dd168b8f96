//! Expressions, each with its native code if it has any.

use iotq_lang::eval;
use iotq_lang::ir::Expr;
use iotq_lang::value::Value;

use super::Unsupported;
use super::entry::Function;
use crate::RawRecord;

/// A condition on records of one layer.
#[derive(Clone)]
pub struct Condition {
    pub(super) expr: Expr,
    pub(super) native: Result<Function, Unsupported>,
}

/// A value of records of one layer.
#[derive(Clone)]
pub struct Computed {
    pub(super) expr: Expr,
    pub(super) native: Result<Function, Unsupported>,
}

impl Condition {
    /// Whether it holds for a record of the layer.
    #[inline]
    pub fn holds(&self, record: &RawRecord) -> bool {
        let native = self.native.as_ref().ok();
        native
            .and_then(|native| native.holds(record.bytes()))
            .unwrap_or_else(|| eval::holds(&self.expr, record))
    }

    /// What it means.
    pub fn expr(&self) -> &Expr {
        &self.expr
    }

    /// Why it is left to the evaluator, if it is.
    pub fn left(&self) -> Option<&Unsupported> {
        self.native.as_ref().err()
    }
}

impl Computed {
    /// The value for a record of the layer.
    #[inline]
    pub fn value<'a>(&'a self, record: &'a RawRecord) -> Value<'a> {
        let native = self.native.as_ref().ok();
        native
            .and_then(|native| native.value(record.bytes()))
            .unwrap_or_else(|| eval::eval(&self.expr, record))
    }

    /// What it means.
    pub fn expr(&self) -> &Expr {
        &self.expr
    }

    /// Why it is left to the evaluator, if it is.
    pub fn left(&self) -> Option<&Unsupported> {
        self.native.as_ref().err()
    }
}
