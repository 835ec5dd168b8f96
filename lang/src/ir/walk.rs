//! Walking over expressions, and building them flat.

use super::{Expr, ExprKind, FieldRef};
use crate::source::Span;
use crate::value::Const;
use iotq_probes::catalogue::Type;

impl Expr {
    /// A constant of a type.
    pub fn constant(value: Const, ty: Type, span: Span) -> Self {
        let kind = ExprKind::Const(value);
        Self { kind, ty, span }
    }

    /// An expression whose value is true or false.
    pub fn condition(kind: ExprKind, span: Span) -> Self {
        let ty = Type::Bool;
        Self { kind, ty, span }
    }

    /// The value of a field.
    pub fn field(field: FieldRef, span: Span) -> Self {
        Self {
            kind: ExprKind::Field(field),
            ty: field.field.ty,
            span,
        }
    }

    /// The conjunction of conditions, flat; `true` of none.
    pub fn all(conditions: Vec<Expr>, span: Span) -> Self {
        junction(conditions, span, true)
    }

    /// The disjunction of conditions, flat; `false` of none.
    pub fn any(conditions: Vec<Expr>, span: Span) -> Self {
        junction(conditions, span, false)
    }

    /// Calls `visit` with this expression and all inside it, outermost first.
    pub fn walk(&self, visit: &mut impl FnMut(&Expr)) {
        visit(self);
        for child in self.children() {
            child.walk(visit);
        }
    }

    /// Replaces, from the outermost on, what `replace` answers; what it leaves alone is searched further.
    #[must_use]
    pub fn rewrite(&self, replace: &mut impl FnMut(&Expr) -> Option<Expr>) -> Expr {
        if let Some(new) = replace(self) {
            return new;
        }
        let mut each = |expr: &Expr| expr.rewrite(replace);
        let kind = match &self.kind {
            ExprKind::And(all) => return Expr::all(all.iter().map(each).collect(), self.span),
            ExprKind::Or(any) => return Expr::any(any.iter().map(each).collect(), self.span),
            ExprKind::Not(inner) => ExprKind::Not(Box::new(each(inner))),
            ExprKind::Neg(inner) => ExprKind::Neg(Box::new(each(inner))),
            ExprKind::Compare(op, left, right) => {
                ExprKind::Compare(*op, Box::new(each(left)), Box::new(each(right)))
            }
            ExprKind::Arith(op, left, right) => {
                ExprKind::Arith(*op, Box::new(each(left)), Box::new(each(right)))
            }
            ExprKind::Between(value, low, high) => ExprKind::Between(
                Box::new(each(value)),
                Box::new(each(low)),
                Box::new(each(high)),
            ),
            ExprKind::In(value, set) => ExprKind::In(Box::new(each(value)), set.clone()),
            ExprKind::Glob(value, glob) => ExprKind::Glob(Box::new(each(value)), glob.clone()),
            ExprKind::Call(function, args) => {
                ExprKind::Call(*function, args.iter().map(each).collect())
            }
            ExprKind::Aggregate(aggregate, args) => {
                ExprKind::Aggregate(*aggregate, args.iter().map(each).collect())
            }
            leaf @ (ExprKind::Const(_)
            | ExprKind::Field(_)
            | ExprKind::Children(_)
            | ExprKind::Is(..)
            | ExprKind::Under(..)
            | ExprKind::Member(_)) => leaf.clone(),
        };
        Expr { kind, ..*self }
    }

    /// The same without its places in the source: what two expressions that are written twice have in common.
    #[must_use]
    pub fn unplaced(&self) -> Expr {
        let whole = self;
        let new = self.rewrite(&mut |expr| (!std::ptr::eq(expr, whole)).then(|| expr.unplaced()));
        Expr {
            span: Span::default(),
            ..new
        }
    }

    /// The field that it reads by itself, without what is inside it.
    pub fn reads(&self) -> Option<FieldRef> {
        match self.kind {
            ExprKind::Field(field)
            | ExprKind::Children(field)
            | ExprKind::Is(field, _)
            | ExprKind::Under(field, _) => Some(field),
            _ => None,
        }
    }

    /// Whether its value is the same for every record.
    pub fn is_constant(&self) -> bool {
        let mut constant = true;
        self.walk(&mut |expr| {
            constant &= expr.reads().is_none()
                && !matches!(expr.kind, ExprKind::Member(_) | ExprKind::Aggregate(..));
        });
        constant
    }

    fn children(&self) -> Vec<&Expr> {
        match &self.kind {
            ExprKind::And(list) | ExprKind::Or(list) => list.iter().collect(),
            ExprKind::Call(_, args) | ExprKind::Aggregate(_, args) => args.iter().collect(),
            ExprKind::Not(inner)
            | ExprKind::Neg(inner)
            | ExprKind::In(inner, _)
            | ExprKind::Glob(inner, _) => vec![inner],
            ExprKind::Compare(_, left, right) | ExprKind::Arith(_, left, right) => {
                vec![left, right]
            }
            ExprKind::Between(value, low, high) => vec![value, low, high],
            ExprKind::Const(_)
            | ExprKind::Field(_)
            | ExprKind::Children(_)
            | ExprKind::Is(..)
            | ExprKind::Under(..)
            | ExprKind::Member(_) => Vec::new(),
        }
    }
}

fn junction(conditions: Vec<Expr>, span: Span, all: bool) -> Expr {
    let mut flat = Vec::with_capacity(conditions.len());
    for condition in conditions {
        match condition.kind {
            ExprKind::And(inner) if all => flat.extend(inner),
            ExprKind::Or(inner) if !all => flat.extend(inner),
            _ => flat.push(condition),
        }
    }
    match flat.len() {
        0 => Expr::constant(Const::Bool(all), Type::Bool, span),
        1 => flat.remove(0),
        _ if all => Expr::condition(ExprKind::And(flat), span),
        _ => Expr::condition(ExprKind::Or(flat), span),
    }
}
