//! Expressions, with no more parentheses than they need.

use std::fmt::{Display, Formatter, Result};

use super::{Constant, Named, bare, list};
use crate::ir::{Aggregate, ArithOp, CompareOp, Expr, ExprKind, FieldRef, Function};

/// How tightly the forms bind, from the loosest.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Binds {
    Or,
    And,
    Not,
    Compare,
    Sum,
    Product,
    Sign,
    Atom,
}

impl Binds {
    fn of(expr: &Expr) -> Self {
        match &expr.kind {
            ExprKind::Or(_) => Binds::Or,
            ExprKind::And(_) => Binds::And,
            // Printed as `!=`.
            ExprKind::Not(inner) if matches!(inner.kind, ExprKind::Is(..)) => Binds::Compare,
            ExprKind::Not(_) => Binds::Not,
            ExprKind::Compare(..)
            | ExprKind::In(..)
            | ExprKind::Between(..)
            | ExprKind::Glob(..)
            | ExprKind::Is(..)
            | ExprKind::Under(..) => Binds::Compare,
            ExprKind::Arith(ArithOp::Add | ArithOp::Sub, ..) => Binds::Sum,
            ExprKind::Arith(..) => Binds::Product,
            ExprKind::Neg(_) => Binds::Sign,
            ExprKind::Const(_)
            | ExprKind::Field(_)
            | ExprKind::Children(_)
            | ExprKind::Member(_)
            | ExprKind::Call(..)
            | ExprKind::Aggregate(..) => Binds::Atom,
        }
    }
}

impl Display for Named<'_, Expr> {
    fn fmt(&self, out: &mut Formatter<'_>) -> Result {
        let expr = self.what;
        match &expr.kind {
            ExprKind::Const(value) => write!(out, "{}", Constant(value, expr.ty)),
            ExprKind::Field(field) => self.field(out, field, ""),
            ExprKind::Children(field) => self.field(out, field, "[]"),
            ExprKind::And(all) => list(
                out,
                all.iter().map(|each| self.at(each, Binds::Not)),
                " and ",
            ),
            ExprKind::Or(any) => list(
                out,
                any.iter().map(|each| self.at(each, Binds::And)),
                " or ",
            ),
            ExprKind::Not(inner) => match inner.kind {
                ExprKind::Is(ref field, name) => self.is(out, field, "!=", name.0),
                _ => write!(out, "not {}", self.at(inner, Binds::Not)),
            },
            ExprKind::Compare(op, left, right) => {
                let (left, right) = (self.at(left, Binds::Sum), self.at(right, Binds::Sum));
                write!(out, "{left} {} {right}", compare(*op))
            }
            ExprKind::Arith(op, left, right) => {
                let tight = Binds::of(expr);
                // The right operand of `-` and `/` needs its parentheses: a - (b - c).
                let tighter = if tight == Binds::Sum {
                    Binds::Product
                } else {
                    Binds::Sign
                };
                let (left, right) = (self.at(left, tight), self.at(right, tighter));
                write!(out, "{left} {} {right}", arith(*op))
            }
            ExprKind::Neg(inner) => write!(out, "-{}", self.at(inner, Binds::Atom)),
            ExprKind::In(value, set) => {
                write!(out, "{} in {{", self.at(value, Binds::Sum))?;
                list(out, set.iter().map(|item| Constant(item, value.ty)), ", ")?;
                out.write_str("}")
            }
            ExprKind::Between(value, low, high) => {
                let [value, low, high] = [value, low, high].map(|each| self.at(each, Binds::Sum));
                write!(out, "{value} in {low}..{high}")
            }
            ExprKind::Glob(value, glob) => write!(out, "{} ~ {glob:?}", self.at(value, Binds::Sum)),
            ExprKind::Is(field, name) => self.is(out, field, "==", name.0),
            ExprKind::Under(field, name) => self.is(out, field, "under", name.0),
            ExprKind::Call(function, args) => self.call(out, call(*function), args),
            ExprKind::Aggregate(Aggregate::Quantile(q), args) => {
                self.call(out, &format!("quantile[{q}]"), args)
            }
            ExprKind::Aggregate(function, args) => self.call(out, aggregate(*function), args),
            ExprKind::Member(bit) => write!(out, "member({bit})"),
        }
    }
}

impl<'a> Named<'a, Expr> {
    /// An operand where forms that bind less tightly need parentheses.
    fn at(&self, operand: &'a Expr, least: Binds) -> Operand<'a> {
        Operand {
            expr: self.of(operand),
            parentheses: Binds::of(operand) < least,
        }
    }

    fn field(&self, out: &mut Formatter<'_>, field: &FieldRef, children: &str) -> Result {
        if self.qualified || !children.is_empty() {
            write!(out, "{}{children}.", field.layer.name)?;
        }
        out.write_str(field.field.name)
    }

    fn is(&self, out: &mut Formatter<'_>, field: &FieldRef, relation: &str, name: usize) -> Result {
        self.field(out, field, "")?;
        write!(out, " {relation} {}", bare(self.name(name)))
    }

    fn call(&self, out: &mut Formatter<'_>, name: &str, args: &'a [Expr]) -> Result {
        write!(out, "{name}(")?;
        list(out, args.iter().map(|arg| self.of(arg)), ", ")?;
        out.write_str(")")
    }
}

struct Operand<'a> {
    expr: Named<'a, Expr>,
    parentheses: bool,
}

impl Display for Operand<'_> {
    fn fmt(&self, out: &mut Formatter<'_>) -> Result {
        if self.parentheses {
            write!(out, "({})", self.expr)
        } else {
            write!(out, "{}", self.expr)
        }
    }
}

fn compare(op: CompareOp) -> &'static str {
    match op {
        CompareOp::Eq => "==",
        CompareOp::Ne => "!=",
        CompareOp::Lt => "<",
        CompareOp::Le => "<=",
        CompareOp::Gt => ">",
        CompareOp::Ge => ">=",
    }
}

fn arith(op: ArithOp) -> &'static str {
    match op {
        ArithOp::Add => "+",
        ArithOp::Sub => "-",
        ArithOp::Mul => "*",
        ArithOp::Div => "/",
        ArithOp::Rem => "%",
    }
}

fn call(function: Function) -> &'static str {
    match function {
        Function::Abs => "abs",
        Function::Least => "least",
        Function::Greatest => "greatest",
        Function::Bucket => "bucket",
        Function::Lower => "lower",
        Function::Length => "length",
        Function::Coalesce => "coalesce",
    }
}

fn aggregate(function: Aggregate) -> &'static str {
    match function {
        Aggregate::Count => "count",
        Aggregate::Sum => "sum",
        Aggregate::Avg => "avg",
        Aggregate::Min => "min",
        Aggregate::Max => "max",
        Aggregate::Stddev => "stddev",
        Aggregate::Hist => "hist",
        Aggregate::Heat => "heat",
        Aggregate::Lhist => "lhist",
        Aggregate::Quantile(_) => "quantile",
        Aggregate::Rate => "rate",
        Aggregate::Ratio => "ratio",
    }
}
