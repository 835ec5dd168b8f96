//! Expressions whose type comes from themselves.

use iotq_probes::catalogue::Type;

use super::fields::Lookup;
use super::types::a;
use super::{Checker, Place, Res};
use crate::diag::Diagnostic;
use crate::diag::codes::types::{CONDITION, MISPLACED, NAME_MISPLACED};
use crate::ir::{CompareOp, Expr, ExprKind};
use crate::source::Span;
use crate::syntax::ast::{self, BinaryOp, Quantity, UnaryOp};
use crate::value::Const;

/// A constant of a type.
pub(super) fn constant(value: Const, ty: Type, span: Span) -> Expr {
    Expr {
        kind: ExprKind::Const(value),
        ty,
        span,
    }
}

/// A number of the source.
pub(super) fn quantity(value: Quantity, span: Span) -> Expr {
    match value {
        Quantity::Int(value) => constant(Const::Int(value.into()), Type::Int, span),
        Quantity::Float(value) => constant(Const::Float(value), Type::Float, span),
        Quantity::Duration(value) => constant(Const::Int(value.into()), Type::Duration, span),
        Quantity::Bytes(value) => constant(Const::Int(value.into()), Type::Bytes, span),
    }
}

/// A truth value.
pub(super) fn truth(kind: ExprKind, span: Span) -> Expr {
    Expr {
        kind,
        ty: Type::Bool,
        span,
    }
}

impl Checker<'_> {
    /// The typed form of an expression that nothing is known about.
    pub(super) fn infer(&mut self, it: &ast::Expr) -> Res<Expr> {
        self.nested(it.span, |checker| checker.infer_kind(it))
    }

    fn infer_kind(&mut self, it: &ast::Expr) -> Res<Expr> {
        let span = it.span;
        match &it.node {
            ast::ExprKind::Number(number) => Ok(quantity(number.value, span)),
            ast::ExprKind::Text(text) => Ok(constant(Const::Text(text.clone()), Type::Text, span)),
            ast::ExprKind::Bool(value) => Ok(constant(Const::Bool(*value), Type::Bool, span)),
            ast::ExprKind::Arg(index) => self.arg_value(*index, span),
            ast::ExprKind::Device(_) | ast::ExprKind::Child => Err(self.misplaced_name(it)),
            _ if self.is_any(it) => Err(self.any_misplaced(span)),
            ast::ExprKind::Any => Err(super::Reported),
            ast::ExprKind::Path(path) => self.path(path, span),
            ast::ExprKind::Call(name, args) => self.call(name, args, span),
            ast::ExprKind::Set(_) => Err(self.misplaced(span, "a set stands behind `in`")),
            ast::ExprKind::Unary(UnaryOp::Neg, operand) => self.negative(operand, span),
            ast::ExprKind::Unary(UnaryOp::Not, operand) => {
                let operand = self.condition(operand)?;
                Ok(truth(ExprKind::Not(Box::new(operand)), span))
            }
            ast::ExprKind::Binary(binary) => self.binary(binary, span),
            ast::ExprKind::And(all) => {
                let all = self.conditions(all)?;
                let flat = all.into_iter().flat_map(|one| match one.kind {
                    ExprKind::And(inner) => inner,
                    _ => vec![one],
                });
                Ok(truth(ExprKind::And(flat.collect()), span))
            }
            ast::ExprKind::Or(all) => {
                let all = self.conditions(all)?;
                let flat = all.into_iter().flat_map(|one| match one.kind {
                    ExprKind::Or(inner) => inner,
                    _ => vec![one],
                });
                Ok(truth(ExprKind::Or(flat.collect()), span))
            }
        }
    }

    fn binary(&mut self, it: &ast::Binary, span: Span) -> Res<Expr> {
        let (left, right) = (&*it.left, &*it.right);
        if it.op.node.is_comparison() && (self.is_any(left) || self.is_any(right)) {
            return self.unrestricted(left, right, span);
        }
        let compare = |op| (op, left, right);
        let (op, left, right) = match it.op.node {
            BinaryOp::Eq => compare(CompareOp::Eq),
            BinaryOp::Ne => compare(CompareOp::Ne),
            BinaryOp::Lt => compare(CompareOp::Lt),
            BinaryOp::Le => compare(CompareOp::Le),
            BinaryOp::Gt => compare(CompareOp::Gt),
            BinaryOp::Ge => compare(CompareOp::Ge),
            BinaryOp::Glob => return self.glob(left, right, span),
            BinaryOp::NotGlob => return self.glob(left, right, span).map(not),
            BinaryOp::In => return self.within(left, right, span),
            BinaryOp::NotIn => return self.within(left, right, span).map(not),
            BinaryOp::Under => return self.under(left, right, span),
            BinaryOp::Range => return Err(self.misplaced(span, "a range stands behind `in`")),
            _ => return self.arithmetic(it, span),
        };
        self.compare(op, it.op.span, left, right, span)
    }

    /// Whether an expression is a parameter that restricts nothing, by whatever name.
    pub(super) fn is_any(&self, it: &ast::Expr) -> bool {
        if !self.scope.any {
            return false;
        }
        let mut body = match &it.node {
            ast::ExprKind::Any => return true,
            ast::ExprKind::Path(path) => self.definition(path),
            _ => None,
        };
        for _ in 0..super::MAX_DEPTH {
            match body.as_deref().map(|it| &it.node) {
                Some(ast::ExprKind::Any) => return true,
                Some(ast::ExprKind::Path(path)) => body = self.definition(path),
                _ => break,
            }
        }
        false
    }

    pub(super) fn any_misplaced(&mut self, span: Span) -> super::Reported {
        self.misplaced(span, "it is `any`, which stands only in comparisons")
    }

    /// A comparison with `any` holds, whatever it compares.
    fn unrestricted(&mut self, left: &ast::Expr, right: &ast::Expr, span: Span) -> Res<Expr> {
        for side in [left, right] {
            if !self.is_any(side) && !self.is_open(side) && !self.is_collection(side) {
                self.infer(side)?;
            }
        }
        Ok(constant(Const::Bool(true), Type::Bool, span))
    }

    fn path(&mut self, path: &ast::Path, span: Span) -> Res<Expr> {
        if path.list.is_some() {
            self.children(path, span)?;
            return Err(self.misplaced(span, "the list of a layer is reduced: `max(block[].lat)`"));
        }
        if let Some(result) = self.expand(path, span, |checker, body| checker.infer(body)) {
            return result.map(|it| Expr { span, ..it });
        }
        match self.lookup(path, span) {
            Lookup::Found(field) => {
                if matches!(self.env.place, Place::Column | Place::Having) {
                    self.env.tally.plain.get_or_insert(span);
                }
                let ty = field.field.ty;
                let kind = ExprKind::Field(field);
                Ok(Expr { kind, ty, span })
            }
            Lookup::Wrong(error) => Err(self.report(*error)),
            Lookup::Unknown => Err(self.unknown(path, span)),
        }
    }

    /// An expression that is true or false.
    pub(super) fn condition(&mut self, it: &ast::Expr) -> Res<Expr> {
        let value = self.infer(it)?;
        if value.ty == Type::Bool {
            return Ok(value);
        }
        let mut error = Diagnostic::new(&CONDITION, "a condition is true or false")
            .label(value.span, format!("this is {}", a(value.ty)));
        if let ExprKind::Field(field) = value.kind {
            let name = field.field.name;
            error = error.help(match value.ty {
                Type::Duration => format!("compare it: `{name} > 1ms`"),
                Type::Bytes => format!("compare it: `{name} >= 4KiB`"),
                _ => format!("compare it: `{name} == …`"),
            });
        }
        Err(self.report(error))
    }

    fn conditions(&mut self, all: &[ast::Expr]) -> Res<Vec<Expr>> {
        let all: Vec<_> = all.iter().map(|one| self.condition(one)).collect();
        all.into_iter().collect()
    }

    /// A form that has no value of its own.
    pub(super) fn misplaced(&mut self, span: Span, why: &str) -> super::Reported {
        let error = Diagnostic::new(&MISPLACED, "this is not a value").label(span, why);
        self.report(error)
    }

    pub(super) fn misplaced_name(&mut self, it: &ast::Expr) -> super::Reported {
        let (what, help) = match it.node {
            ast::ExprKind::Child => (
                "`$child` is a process",
                "compare a `pid` with it: `pid == $child`, `pid under $child`",
            ),
            ast::ExprKind::Device(_) => (
                "this is a device by its numbers",
                "compare a device with it: `dev == 253:0`",
            ),
            _ => (
                "this is a name of the machine",
                "compare a field with it: `dev == vda`",
            ),
        };
        let error = Diagnostic::new(&NAME_MISPLACED, "a name of the machine is not a value here")
            .label(it.span, what)
            .help(help);
        self.report(error)
    }
}

/// The opposite.
pub(super) fn not(it: Expr) -> Expr {
    let span = it.span;
    truth(ExprKind::Not(Box::new(it)), span)
}
