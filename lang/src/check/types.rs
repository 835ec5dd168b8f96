//! Types in messages, and how the types of two operands are made one.
//!
//! The literal 0 fits every unit. An `int` becomes a `float` beside one, and a `pid` beside one. Nothing else converts.

use iotq_probes::catalogue::{Named, Type};

use super::{Checker, Res};
use crate::diag::Diagnostic;
use crate::diag::codes::types::{COMPARE, HISTOGRAM, UNIT_MISSING};
use crate::ir::{Aggregate, ArithOp, Expr, ExprKind};
use crate::source::Span;
use crate::value::Const;

/// A type in a sentence.
pub(super) fn a(ty: Type) -> String {
    match ty {
        Type::Int => "a number".into(),
        Type::Float => "a number with a fraction".into(),
        Type::Bool => "a truth value".into(),
        Type::Duration => "a duration".into(),
        Type::Bytes => "a size in bytes".into(),
        Type::Time => "a time".into(),
        Type::Text => "text".into(),
        Type::Enum(list) => format!("one of the names of `{}`", list.name),
        Type::Dev | Type::OfHost(Named::Dev) => "a device".into(),
        Type::File | Type::OfHost(Named::File) => "a file".into(),
        Type::Cgroup | Type::OfHost(Named::Cgroup) => "a control group".into(),
        Type::Pid => "a process".into(),
    }
}

/// Whether values of a type have an order.
pub(super) fn is_ordered(ty: Type) -> bool {
    use Type::*;
    matches!(ty, Int | Float | Duration | Bytes | Time | Pid)
}

/// Whether a type is a number with or without a unit.
pub(super) fn is_numeric(ty: Type) -> bool {
    use Type::*;
    matches!(ty, Int | Float | Duration | Bytes)
}

/// An expression as a value of another type, if it can be one without loss.
fn fit(mut it: Expr, ty: Type) -> Result<Expr, Expr> {
    let zero = matches!(it.kind, ExprKind::Const(Const::Int(0)));
    match (it.ty, ty) {
        (from, to) if from == to => Ok(it),
        (Type::Int, Type::Duration | Type::Bytes | Type::Time) if zero => {
            it.ty = ty;
            Ok(it)
        }
        (Type::Int, Type::Pid) => {
            it.ty = ty;
            Ok(it)
        }
        (Type::Int, Type::Float) => Ok(float(it)),
        _ => Err(it),
    }
}

/// An `int` as a `float`: there is no conversion in the IR but the product with 1.0.
fn float(it: Expr) -> Expr {
    let span = it.span;
    let make = |kind| Expr {
        kind,
        ty: Type::Float,
        span,
    };
    match it.kind {
        ExprKind::Const(Const::Int(value)) => make(ExprKind::Const(Const::Float(value as f64))),
        _ => {
            let one = make(ExprKind::Const(Const::Float(1.0)));
            make(ExprKind::Arith(ArithOp::Mul, Box::new(it), Box::new(one)))
        }
    }
}

impl Checker<'_> {
    /// Two operands as values of one type.
    pub(super) fn unify(&mut self, a: Expr, b: Expr, verb: &str) -> Res<(Expr, Expr)> {
        let (a, b) = (self.scalar(a)?, self.scalar(b)?);
        let (to_a, to_b) = (a.ty, b.ty);
        let b = match fit(b, to_a) {
            Ok(b) => return Ok((a, b)),
            Err(b) => b,
        };
        match fit(a, to_b) {
            Ok(a) => Ok((a, b)),
            Err(a) => Err(self.mismatch(&a, &b, verb)),
        }
    }

    /// An operand as a value of a given type.
    pub(super) fn expect(&mut self, it: Expr, ty: Type, why: Span, verb: &str) -> Res<Expr> {
        let it = self.scalar(it)?;
        fit(it, ty).map_err(|it| {
            let other = Expr {
                kind: ExprKind::Const(Const::Bool(true)),
                ty,
                span: why,
            };
            self.mismatch(&other, &it, verb)
        })
    }

    fn mismatch(&mut self, a: &Expr, b: &Expr, verb: &str) -> super::Reported {
        let (plain, united) = if b.ty == Type::Int { (b, a) } else { (a, b) };
        let unit = matches!(united.ty, Type::Duration | Type::Bytes);
        if let (Type::Int, true, ExprKind::Const(Const::Int(value))) = (plain.ty, unit, &plain.kind)
        {
            return self.missing_unit(*value, plain.span, united);
        }
        let message = format!("{} cannot be {verb} {}", self::a(a.ty), self::a(b.ty));
        let mut error = Diagnostic::new(&COMPARE, message)
            .label(b.span, format!("this is {}", self::a(b.ty)))
            .label(a.span, format!("this is {}", self::a(a.ty)));
        if let (Type::Enum(_), ExprKind::Const(Const::Text(text))) = (a.ty, &b.kind) {
            error = error.help(format!("names of a list stand without quotes: `{text}`"));
        }
        self.report(error)
    }

    /// `lat > 5`
    pub(super) fn missing_unit(
        &mut self,
        value: i128,
        span: Span,
        other: &Expr,
    ) -> super::Reported {
        let help = match other.ty {
            Type::Duration => format!("write `{value}ns`, `{value}us` or `{value}ms`"),
            _ if value % 1024 == 0 => format!("write `{value}B` or `{}KiB`", value / 1024),
            _ => format!("write `{value}B`, `{value}KiB` or `{value}MiB`"),
        };
        let error = Diagnostic::new(&UNIT_MISSING, "this number needs a unit")
            .label(span, "a number without a unit")
            .label(other.span, format!("this is {}", a(other.ty)))
            .help(help);
        self.report(error)
    }

    /// An operand that is a single value, not a histogram.
    pub(super) fn scalar(&mut self, it: Expr) -> Res<Expr> {
        if let ExprKind::Aggregate(Aggregate::Hist | Aggregate::Heat | Aggregate::Lhist, _) =
            it.kind
        {
            let error = Diagnostic::new(&HISTOGRAM, "a histogram is not a single value")
                .label(it.span, "it can be emitted, and nothing else")
                .help("to compare or calculate, use `p50`, `p99`, `quantile`, `avg`, `max` …");
            return Err(self.report(error));
        }
        Ok(it)
    }
}
