//! A condition as clauses: a conjunction of disjunctions of literals.
//!
//! Negations move inwards to the comparisons and `or` is distributed over `and`; both keep the meaning in the three-valued
//! logic of null. Literals stand un-negated then, so a clause holds exactly if one of its literals does.

use crate::eval;
use crate::ir::{CompareOp, Expr, ExprKind};
use crate::value::{Const, Value};

use super::term;

/// Distributing `or` over `and` may double the clauses at every step: beyond these it is left alone.
const MAX_CLAUSES: usize = 64;
const MAX_LITERALS: usize = 256;

/// A clause is compared with so many others: more than the kernel has room for, and no more than can be told in time.
pub(super) const COMPARED: usize = 256;

/// A disjunction of literals.
pub(super) type Literals = Vec<Expr>;

/// The clauses of a condition; none if it always holds.
pub(super) fn clauses(condition: &Expr) -> Vec<Literals> {
    let mut clauses = Vec::new();
    for mut clause in conjunction(tree(condition, false)) {
        if clause.iter().any(|literal| is_bool(literal, true)) {
            continue;
        }
        if clause.len() > 1 {
            clause.retain(|literal| !is_bool(literal, false));
        }
        if clause.is_empty() {
            clause.push(constant(condition, false));
        }
        if !clauses.iter().take(COMPARED).any(|other| *other == clause) {
            clauses.push(clause);
        }
    }
    clauses
}

/// A condition whose negations have moved into its leaves.
enum Tree {
    All(Vec<Tree>),
    Any(Vec<Tree>),
    Leaf(Expr),
}

fn tree(expr: &Expr, negate: bool) -> Tree {
    let each = |list: &[Expr]| list.iter().map(|expr| tree(expr, negate)).collect();
    match &expr.kind {
        ExprKind::And(list) if negate => Tree::Any(each(list)),
        ExprKind::And(list) => Tree::All(each(list)),
        ExprKind::Or(list) if negate => Tree::All(each(list)),
        ExprKind::Or(list) => Tree::Any(each(list)),
        ExprKind::Not(inner) => tree(inner, !negate),
        ExprKind::In(value, set) if term::is_better_spread(value, set) => {
            let equal = |item: &Const| {
                let item = Expr::constant(item.clone(), value.ty, expr.span);
                let kind = ExprKind::Compare(CompareOp::Eq, value.clone(), Box::new(item));
                tree(&Expr::condition(kind, expr.span), negate)
            };
            let items = set.iter().map(equal).collect();
            if negate {
                Tree::All(items)
            } else {
                Tree::Any(items)
            }
        }
        _ => Tree::Leaf(literal(expr, negate)),
    }
}

/// A leaf, negated on demand. A condition that is always null never holds, negated or not.
fn literal(expr: &Expr, negate: bool) -> Expr {
    if expr.is_constant() {
        let holds = eval::eval(expr, &eval::NoRecord) == Value::Bool(!negate);
        return constant(expr, holds);
    }
    if !negate {
        return expr.clone();
    }
    let kind = match &expr.kind {
        ExprKind::Compare(op, left, right) => {
            ExprKind::Compare(opposite(*op), left.clone(), right.clone())
        }
        _ => ExprKind::Not(Box::new(expr.clone())),
    };
    Expr { kind, ..*expr }
}

fn opposite(op: CompareOp) -> CompareOp {
    match op {
        CompareOp::Eq => CompareOp::Ne,
        CompareOp::Ne => CompareOp::Eq,
        CompareOp::Lt => CompareOp::Ge,
        CompareOp::Le => CompareOp::Gt,
        CompareOp::Gt => CompareOp::Le,
        CompareOp::Ge => CompareOp::Lt,
    }
}

fn conjunction(tree: Tree) -> Vec<Literals> {
    match tree {
        Tree::Leaf(literal) => vec![vec![literal]],
        Tree::All(list) => list.into_iter().flat_map(conjunction).collect(),
        Tree::Any(list) => disjunction(list.into_iter().map(conjunction).collect()),
    }
}

/// `(a and b) or (c and d)` as `(a or c) and (a or d) and (b or c) and (b or d)`, or as it is if that grows too large.
fn disjunction(alternatives: Vec<Vec<Literals>>) -> Vec<Literals> {
    let mut product: Vec<Literals> = vec![Vec::new()];
    for alternative in &alternatives {
        if product.len() * alternative.len() > MAX_CLAUSES {
            return vec![vec![undistributed(alternatives)]];
        }
        product = product
            .iter()
            .flat_map(|left| alternative.iter().map(|right| union(left, right)))
            .collect();
        if product.iter().map(Vec::len).sum::<usize>() > MAX_LITERALS {
            return vec![vec![undistributed(alternatives)]];
        }
    }
    product
}

fn union(left: &[Expr], right: &[Expr]) -> Literals {
    let mut union = left.to_vec();
    union.extend(
        right
            .iter()
            .filter(|literal| !left.contains(literal))
            .cloned(),
    );
    union
}

fn undistributed(alternatives: Vec<Vec<Literals>>) -> Expr {
    let any: Vec<Expr> = alternatives.into_iter().map(whole).collect();
    let span = any.first().map(|first| first.span).unwrap_or_default();
    Expr::any(any, span)
}

/// The conjunction of clauses as an expression.
pub(super) fn whole(clauses: Vec<Literals>) -> Expr {
    let any = |clause: Literals| {
        let span = clause
            .first()
            .map(|literal| literal.span)
            .unwrap_or_default();
        Expr::any(clause, span)
    };
    let all: Vec<Expr> = clauses.into_iter().map(any).collect();
    let span = all.first().map(|clause| clause.span).unwrap_or_default();
    Expr::all(all, span)
}

fn constant(like: &Expr, value: bool) -> Expr {
    Expr::constant(Const::Bool(value), like.ty, like.span)
}

fn is_bool(expr: &Expr, value: bool) -> bool {
    expr.kind == ExprKind::Const(Const::Bool(value))
}
