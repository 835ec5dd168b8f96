//! Comparisons, `in`, `under` and globs.
//!
//! Both ends of a range belong to it.

use iotq_probes::catalogue::Type;

use super::expr::{not, truth};
use super::operand::Operand;
use super::types::{a, is_ordered};
use super::{Checker, Place, Res};
use crate::diag::Diagnostic;
use crate::diag::codes::types::{
    EMPTY, MISPLACED, NAME_MISPLACED, NO_ORDER, NO_UNDER, NOT_CONSTANT, TEXT_WANTED,
};
use crate::ir::{CompareOp, Expr, ExprKind, FieldRef, NameKind};
use crate::source::Span;
use crate::syntax::ast::{self, Binary, BinaryOp};
use crate::value::Const;

impl Checker<'_> {
    /// `left op right`
    pub(super) fn compare(
        &mut self,
        op: CompareOp,
        op_span: Span,
        left: &ast::Expr,
        right: &ast::Expr,
        span: Span,
    ) -> Res<Expr> {
        if let Some(side) = [left, right].into_iter().find(|it| self.is_collection(it)) {
            let error = Diagnostic::new(&MISPLACED, "a set or range is not compared")
                .label(side.span, "not a single value")
                .help("write `x in {a, b}` or `x in a..b`");
            return Err(self.report(error));
        }
        // The side that has a type of its own gives the other one its meaning.
        let swapped = self.is_open(left) && !self.is_open(right);
        let (first, second) = if swapped {
            (right, left)
        } else {
            (left, right)
        };
        let value = self.infer(first);
        let Ok(value) = value else {
            // Its own errors are shown all the same, but for names that only the first would explain.
            if !self.is_open(second) {
                let _ = self.infer(second);
            }
            return Err(super::Reported);
        };
        let equality = matches!(op, CompareOp::Eq | CompareOp::Ne);
        if !equality && !is_ordered(value.ty) {
            return Err(self.no_order(&value, op_span));
        }
        match self.operand(second, value.ty)? {
            Operand::Name(kind, text) => {
                let field = self.named_field(&value, second.span)?;
                let id = self.intern(kind, text, second.span);
                let is = truth(ExprKind::Is(field, id), span);
                if !equality {
                    return Err(self.no_order(&value, op_span));
                }
                Ok(if op == CompareOp::Ne { not(is) } else { is })
            }
            Operand::Value(other) => {
                let (value, other) = self.unify(value, other, "compared with")?;
                let (left, right) = if swapped {
                    (other, value)
                } else {
                    (value, other)
                };
                let kind = ExprKind::Compare(op, Box::new(left), Box::new(right));
                Ok(truth(kind, span))
            }
        }
    }

    fn no_order(&mut self, value: &Expr, op: Span) -> super::Reported {
        let error = Diagnostic::new(&NO_ORDER, "these values have no order")
            .label(op, "smaller or larger means nothing here")
            .label(value.span, format!("this is {}", a(value.ty)))
            .help("compare with `==`, `!=` or `in {…}`");
        self.report(error)
    }

    /// Only a field can be compared with a name of the machine: the kernel does it.
    fn named_field(&mut self, value: &Expr, name: Span) -> Res<FieldRef> {
        if let ExprKind::Field(field) = value.kind {
            return Ok(field);
        }
        let error = Diagnostic::new(&NAME_MISPLACED, "only a field can be compared with a name")
            .label(name, "a name of the machine")
            .label(value.span, "not a field");
        Err(self.report(error))
    }

    /// Whether it is a set or a range, which have no value.
    pub(super) fn is_collection(&self, it: &ast::Expr) -> bool {
        match &it.node {
            ast::ExprKind::Set(_) => true,
            ast::ExprKind::Binary(it) => it.op.node == BinaryOp::Range,
            ast::ExprKind::Path(path) => self.definition(path).is_some_and(|body| {
                let range =
                    matches!(&body.node, ast::ExprKind::Binary(it) if it.op.node == BinaryOp::Range);
                range || matches!(body.node, ast::ExprKind::Set(_))
            }),
            _ => false,
        }
    }

    /// `left in right`
    pub(super) fn within(&mut self, left: &ast::Expr, right: &ast::Expr, span: Span) -> Res<Expr> {
        let value = self.infer(left).and_then(|value| self.scalar(value))?;
        self.within_value(value, right, span)
    }

    fn within_value(&mut self, value: Expr, right: &ast::Expr, span: Span) -> Res<Expr> {
        match &right.node {
            ast::ExprKind::Set(items) => self.set(value, items, right.span, span),
            ast::ExprKind::Binary(range) if range.op.node == BinaryOp::Range => {
                self.range(value, range, span)
            }
            ast::ExprKind::Path(path) => {
                let inner = self.expand(path, right.span, |checker, body| {
                    checker.within_value(value.clone(), body, span)
                });
                inner.unwrap_or_else(|| Err(self.no_collection(right.span)))
            }
            _ => Err(self.no_collection(right.span)),
        }
    }

    fn no_collection(&mut self, span: Span) -> super::Reported {
        let error = Diagnostic::new(&MISPLACED, "`in` takes a set or a range")
            .label(span, "a single value")
            .help("write `{a, b}` or `a..b`, or compare with `==`");
        self.report(error)
    }

    fn set(&mut self, value: Expr, items: &[ast::Expr], set: Span, span: Span) -> Res<Expr> {
        if items.is_empty() {
            let error = Diagnostic::new(&EMPTY, "nothing is in an empty set")
                .label(set, "this condition would never hold");
            return Err(self.report(error));
        }
        let items: Vec<_> = items.iter().map(|item| self.item(&value, item)).collect();
        let mut consts = Vec::new();
        let mut tests = Vec::new();
        for item in items {
            match item? {
                Item::Const(value) => consts.push(value),
                Item::Test(test) => tests.push(test),
            }
        }
        if !consts.is_empty() {
            tests.insert(0, truth(ExprKind::In(Box::new(value), consts), span));
        }
        Ok(match tests.len() {
            1 => Expr {
                span,
                ..tests.swap_remove(0)
            },
            _ => truth(ExprKind::Or(tests), span),
        })
    }

    fn item(&mut self, value: &Expr, item: &ast::Expr) -> Res<Item> {
        let other = match self.operand(item, value.ty)? {
            Operand::Name(kind, text) => {
                let field = self.named_field(value, item.span)?;
                let id = self.intern(kind, text, item.span);
                return Ok(Item::Test(truth(ExprKind::Is(field, id), item.span)));
            }
            Operand::Value(other) => other,
        };
        match self
            .expect(other, value.ty, value.span, "compared with")?
            .kind
        {
            ExprKind::Const(value) => Ok(Item::Const(value)),
            _ => {
                let error = Diagnostic::new(&NOT_CONSTANT, "a set holds constants")
                    .label(item.span, "this changes from row to row")
                    .help("write `x == a or x == b`");
                Err(self.report(error))
            }
        }
    }

    fn range(&mut self, value: Expr, range: &Binary, span: Span) -> Res<Expr> {
        if !is_ordered(value.ty) {
            return Err(self.no_order(&value, range.op.span));
        }
        let (low, high) = (self.infer(&range.left), self.infer(&range.right));
        let (low, high) = (low?, high?);
        let low = self.expect(low, value.ty, value.span, "compared with");
        let high = self.expect(high, value.ty, value.span, "compared with");
        let (low, high) = (low?, high?);
        if let (ExprKind::Const(from), ExprKind::Const(to)) = (&low.kind, &high.kind)
            && is_less(to, from)
        {
            let error = Diagnostic::new(&EMPTY, "nothing is in this range")
                .label(range.op.span, "it ends before it begins")
                .label(low.span, "the first value")
                .label(high.span, "the last value")
                .help("write the smaller value first");
            return Err(self.report(error));
        }
        let kind = ExprKind::Between(Box::new(value), Box::new(low), Box::new(high));
        Ok(truth(kind, span))
    }

    /// `left ~ right`
    pub(super) fn glob(&mut self, left: &ast::Expr, right: &ast::Expr, span: Span) -> Res<Expr> {
        let value = self.infer(left).and_then(|value| self.scalar(value))?;
        if value.ty != Type::Text {
            let error = Diagnostic::new(&TEXT_WANTED, "a glob matches text")
                .label(value.span, format!("this is {}", a(value.ty)));
            return Err(self.report(error));
        }
        let pattern = match self.operand(right, Type::Text)? {
            Operand::Value(pattern) => {
                self.expect(pattern, Type::Text, value.span, "matched with")?
            }
            Operand::Name(..) => return Err(super::Reported),
        };
        match pattern.kind {
            ExprKind::Const(Const::Text(text)) => {
                Ok(truth(ExprKind::Glob(Box::new(value), text), span))
            }
            _ => {
                let error = Diagnostic::new(&NOT_CONSTANT, "a glob is a constant")
                    .label(pattern.span, "this changes from row to row");
                Err(self.report(error))
            }
        }
    }

    /// `left under right`
    pub(super) fn under(&mut self, left: &ast::Expr, right: &ast::Expr, span: Span) -> Res<Expr> {
        let value = self.infer(left)?;
        let kind = match value.ty {
            Type::Pid => NameKind::Family,
            Type::Cgroup => NameKind::CgroupTree,
            Type::File => NameKind::Dir,
            _ => {
                let error = Diagnostic::new(&NO_UNDER, "nothing is below such a value")
                    .label(value.span, format!("this is {}", a(value.ty)))
                    .help("`under` takes a `pid`, a `cgroup` or a `file`");
                return Err(self.report(error));
            }
        };
        let field = self.named_field(&value, right.span)?;
        if kind != NameKind::Dir && !field.field.has_members() {
            let name = field.field.name;
            let error = Diagnostic::new(&NO_UNDER, format!("nobody knows what `{name}` is under"))
                .label(value.span, "its ancestors are not followed")
                .help("`under` takes those of the submitter and of the origin: `pid`, `cgroup`, `origin.pid`, `origin.cgroup`");
            return Err(self.report(error));
        }
        let text = match self.operand(right, value.ty)? {
            Operand::Name(_, text) => text,
            Operand::Value(other) => {
                let other = self.expect(other, value.ty, value.span, "above")?;
                match other.kind {
                    ExprKind::Const(Const::Int(number)) => number.to_string(),
                    _ => {
                        let error = Diagnostic::new(&NOT_CONSTANT, "`under` takes a constant")
                            .label(right.span, "this changes from row to row");
                        return Err(self.report(error));
                    }
                }
            }
        };
        let id = self.intern(kind, text, right.span);
        Ok(truth(ExprKind::Under(field, id), span))
    }

    /// A constant of a clause or of an aggregate.
    pub(super) fn constant(&mut self, it: &ast::Expr, ty: Type, why: Span) -> Res<Const> {
        let value = self.in_place(Place::Constant, |checker| checker.infer(it))?;
        let value = self.expect(value, ty, why, "used as")?;
        match value.kind {
            ExprKind::Const(value) => Ok(value),
            _ => {
                let error = Diagnostic::new(&NOT_CONSTANT, "a constant is wanted here")
                    .label(it.span, "not a constant");
                Err(self.report(error))
            }
        }
    }
}

/// A member of a set.
enum Item {
    Const(Const),
    Test(Expr),
}

fn is_less(a: &Const, b: &Const) -> bool {
    match (a, b) {
        (Const::Int(a), Const::Int(b)) => a < b,
        (Const::Float(a), Const::Float(b)) => a < b,
        _ => false,
    }
}
