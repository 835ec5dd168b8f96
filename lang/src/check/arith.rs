//! Arithmetic: units, and the folding of constants.
//!
//! `+ -` take equal units; a unit times or divided by a number keeps it; a unit divided by the same unit is a `float`;
//! `%` takes equal units and keeps them; a time less a time is a duration. A constant must fit in 64 bits.

use iotq_probes::catalogue::Type;

use super::types::{a, is_numeric};
use super::{Checker, Res};
use crate::diag::Diagnostic;
use crate::diag::codes::types::{ARITHMETIC, OVERFLOW};
use crate::ir::{ArithOp, Expr, ExprKind};
use crate::source::Span;
use crate::syntax::ast::{self, BinaryOp};
use crate::value::Const;

/// The type of a result, if there is one.
fn result(op: ArithOp, left: Type, right: Type) -> Option<Type> {
    use Type::*;
    let unit = |ty| matches!(ty, Duration | Bytes);
    let number = |ty| matches!(ty, Int | Float);
    match (op, left, right) {
        (ArithOp::Rem, Float, _) | (ArithOp::Rem, _, Float) => None,
        (ArithOp::Sub, Time, Time) => Some(Duration),
        (ArithOp::Add | ArithOp::Sub, Time, Duration) | (ArithOp::Add, Duration, Time) => {
            Some(Time)
        }
        (_, Int, Int) => Some(Int),
        (_, left, right) if number(left) && number(right) => Some(Float),
        (ArithOp::Add | ArithOp::Sub | ArithOp::Rem, left, right) => {
            (left == right && unit(left)).then_some(left)
        }
        (ArithOp::Mul, left, right) if unit(left) && number(right) => Some(left),
        (ArithOp::Mul, left, right) if number(left) && unit(right) => Some(right),
        (ArithOp::Div, left, right) if unit(left) && number(right) => Some(left),
        (ArithOp::Div, left, right) if unit(left) && left == right => Some(Float),
        _ => None,
    }
}

impl Checker<'_> {
    /// `left op right`
    pub(super) fn arithmetic(&mut self, it: &ast::Binary, span: Span) -> Res<Expr> {
        let op = match it.op.node {
            BinaryOp::Add => ArithOp::Add,
            BinaryOp::Sub => ArithOp::Sub,
            BinaryOp::Mul => ArithOp::Mul,
            BinaryOp::Div => ArithOp::Div,
            _ => ArithOp::Rem,
        };
        let (left, right) = (self.infer(&it.left), self.infer(&it.right));
        let (left, right) = (self.scalar(left?)?, self.scalar(right?)?);
        let (left, right) = zeros(op, left, right);
        let Some(ty) = result(op, left.ty, right.ty) else {
            return Err(self.no_arithmetic(op, it, &left, &right));
        };
        self.fold(op, left, right, ty, span)
    }

    fn no_arithmetic(
        &mut self,
        op: ArithOp,
        it: &ast::Binary,
        left: &Expr,
        right: &Expr,
    ) -> super::Reported {
        let sum = matches!(op, ArithOp::Add | ArithOp::Sub);
        for (number, other) in [(left, right), (right, left)] {
            let unit = matches!(other.ty, Type::Duration | Type::Bytes);
            if let (true, true, ExprKind::Const(Const::Int(value)), Type::Int) =
                (sum, unit, &number.kind, number.ty)
            {
                return self.missing_unit(*value, number.span, other);
            }
        }
        let message = format!("`{}` does not take these operands", it.op.node.text());
        let help = match op {
            _ if !is_numeric(left.ty) || !is_numeric(right.ty) => {
                "arithmetic is for numbers, durations and sizes"
            }
            ArithOp::Add | ArithOp::Sub => "sums and differences need equal units",
            ArithOp::Mul => "a unit can be multiplied by a number",
            ArithOp::Div => "a unit can be divided by a number or by the same unit",
            ArithOp::Rem => "a remainder needs whole values of equal units",
        };
        let error = Diagnostic::new(&ARITHMETIC, message)
            .label(it.op.span, "here")
            .label(left.span, format!("this is {}", a(left.ty)))
            .label(right.span, format!("this is {}", a(right.ty)))
            .help(help);
        self.report(error)
    }

    /// The result, computed if both operands are constants.
    fn fold(&mut self, op: ArithOp, left: Expr, right: Expr, ty: Type, span: Span) -> Res<Expr> {
        if let (ExprKind::Const(a), ExprKind::Const(b)) = (&left.kind, &right.kind) {
            let Some(value) = compute(op, a, b, ty) else {
                let zero = matches!(b, Const::Int(0)) && matches!(op, ArithOp::Div | ArithOp::Rem);
                let message = match zero {
                    true => "a division by zero",
                    false => "the result does not fit in 64 bits",
                };
                let error = Diagnostic::new(&OVERFLOW, message).label(span, "in this expression");
                return Err(self.report(error));
            };
            return Ok(super::expr::constant(value, ty, span));
        }
        let kind = ExprKind::Arith(op, Box::new(left), Box::new(right));
        Ok(Expr { kind, ty, span })
    }

    /// `-operand`
    pub(super) fn negative(&mut self, operand: &ast::Expr, span: Span) -> Res<Expr> {
        let value = self.infer(operand)?;
        let mut value = self.scalar(value)?;
        if !is_numeric(value.ty) {
            let error = Diagnostic::new(&ARITHMETIC, "`-` does not take this operand")
                .label(value.span, format!("this is {}", a(value.ty)));
            return Err(self.report(error));
        }
        if negate(&mut value) {
            return Ok(Expr { span, ..value });
        }
        let ty = value.ty;
        let kind = ExprKind::Neg(Box::new(value));
        Ok(Expr { kind, ty, span })
    }
}

/// Turns a constant into its negative; false for other expressions.
pub(super) fn negate(value: &mut Expr) -> bool {
    match &mut value.kind {
        ExprKind::Const(Const::Int(value)) => *value = -*value,
        ExprKind::Const(Const::Float(value)) => *value = -*value,
        _ => return false,
    }
    true
}

/// The literal 0 beside a unit has that unit.
fn zeros(op: ArithOp, mut left: Expr, mut right: Expr) -> (Expr, Expr) {
    let zero = |it: &Expr| it.ty == Type::Int && matches!(it.kind, ExprKind::Const(Const::Int(0)));
    if matches!(op, ArithOp::Add | ArithOp::Sub) {
        let unit = |ty| matches!(ty, Type::Duration | Type::Bytes);
        if zero(&left) && unit(right.ty) {
            left.ty = right.ty;
        } else if zero(&right) && unit(left.ty) {
            right.ty = left.ty;
        }
    }
    (left, right)
}

/// The value of an operation on constants; `None` if it has none.
fn compute(op: ArithOp, a: &Const, b: &Const, ty: Type) -> Option<Const> {
    if let (Const::Int(a), Const::Int(b), true) = (a, b, ty != Type::Float) {
        let value = match op {
            ArithOp::Add => a.checked_add(*b),
            ArithOp::Sub => a.checked_sub(*b),
            ArithOp::Mul => a.checked_mul(*b),
            ArithOp::Div => a.checked_div(*b),
            ArithOp::Rem => a.checked_rem(*b),
        }?;
        let fits = (i128::from(i64::MIN)..=i128::from(u64::MAX)).contains(&value);
        return fits.then_some(Const::Int(value));
    }
    let number = |it: &Const| match it {
        Const::Int(value) => Some(*value as f64),
        Const::Float(value) => Some(*value),
        _ => None,
    };
    let (a, b) = (number(a)?, number(b)?);
    let value = match op {
        ArithOp::Add => a + b,
        ArithOp::Sub => a - b,
        ArithOp::Mul => a * b,
        ArithOp::Div => a / b,
        ArithOp::Rem => a % b,
    };
    if ty == Type::Float {
        return value.is_finite().then_some(Const::Float(value));
    }
    // A unit by a fraction: rounded to whole nanoseconds or bytes.
    let whole = value.round();
    let fits = whole.is_finite() && whole.abs() < 1.8e19;
    fits.then_some(Const::Int(whole as i128))
}
