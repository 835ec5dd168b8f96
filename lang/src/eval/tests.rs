//! What expressions mean.

use iotq_probes::catalogue::Type;

use super::{NoRecord, eval, holds};
use crate::ir::{Aggregate, ArithOp, CompareOp, Expr, ExprKind, FieldRef, Function};
use crate::source::Span;
use crate::testing::*;
use crate::value::{Const, Record, Value};

fn int(value: i128) -> Expr {
    Expr::constant(Const::Int(value), Type::Int, Span::default())
}

fn text(value: &str) -> Expr {
    Expr::constant(Const::Text(value.into()), Type::Text, Span::default())
}

fn typed(kind: ExprKind, ty: Type) -> Expr {
    let span = Span::default();
    Expr { kind, ty, span }
}

fn arith(op: ArithOp, left: i128, right: i128, ty: Type) -> Value<'static> {
    let kind = ExprKind::Arith(op, Box::new(int(left)), Box::new(int(right)));
    match eval(&typed(kind, ty), &NoRecord) {
        Value::Int(value) => Value::Int(value),
        Value::Float(value) => Value::Float(value),
        _ => Value::Null,
    }
}

fn called(function: Function, args: Vec<Expr>) -> Value<'static> {
    match eval(&typed(ExprKind::Call(function, args), Type::Int), &NoRecord) {
        Value::Int(value) => Value::Int(value),
        Value::Text(text) => Value::Owned(text.to_vec()),
        Value::Owned(text) => Value::Owned(text),
        _ => Value::Null,
    }
}

#[test]
fn arithmetic_is_exact_or_null() {
    use ArithOp::*;
    assert_eq!(arith(Div, 7, 2, Type::Int), Value::Int(3));
    assert_eq!(arith(Div, 7, 2, Type::Float), Value::Float(3.5));
    assert_eq!(
        arith(Sub, 0, i128::from(u64::MAX), Type::Int),
        Value::Int(-i128::from(u64::MAX))
    );
    for (op, left, right) in [
        (Div, 1, 0),
        (Rem, 1, 0),
        (Mul, i128::MAX, 2),
        (Div, i128::MIN, -1),
    ] {
        assert_eq!(arith(op, left, right, Type::Int), Value::Null);
    }
    assert_eq!(arith(Div, 1, 0, Type::Float), Value::Null);
}

#[test]
fn conditions_have_three_values() {
    let unknown = || compare(block("lat"), CompareOp::Gt, 5);
    let truth = |value| condition(ExprKind::Const(Const::Bool(value)));
    let cases = [
        (unknown(), None),
        (not(unknown()), None),
        (all([unknown(), truth(true)]), None),
        (all([unknown(), truth(false)]), Some(false)),
        (any([unknown(), truth(true)]), Some(true)),
        (any([unknown(), truth(false)]), None),
        (not(all([unknown(), truth(false)])), Some(true)),
        (
            condition(ExprKind::In(Box::new(block("lat")), vec![])),
            None,
        ),
    ];
    for (expr, expected) in cases {
        let shown = expr.display(&[]).to_string();
        assert_eq!(eval(&expr, &NoRecord), truth_value(expected), "{shown}");
        assert_eq!(holds(&expr, &NoRecord), expected == Some(true), "{shown}");
    }
}

fn truth_value(expected: Option<bool>) -> Value<'static> {
    expected.map_or(Value::Null, Value::Bool)
}

#[test]
fn functions() {
    use Function::*;
    assert_eq!(called(Abs, vec![int(-3)]), Value::Int(3));
    assert_eq!(called(Least, vec![int(3), int(1), int(2)]), Value::Int(1));
    assert_eq!(called(Greatest, vec![int(3), int(1)]), Value::Int(3));
    assert_eq!(called(Least, vec![int(3), block("lat")]), Value::Null);
    assert_eq!(called(Bucket, vec![int(-1), int(10)]), Value::Int(-10));
    assert_eq!(called(Bucket, vec![int(19), int(10)]), Value::Int(10));
    assert_eq!(called(Bucket, vec![int(19), int(0)]), Value::Null);
    assert_eq!(
        called(Lower, vec![text("EtcD")]),
        Value::Owned(b"etcd".to_vec())
    );
    assert_eq!(called(Length, vec![text("etcd")]), Value::Int(4));
    assert_eq!(called(Coalesce, vec![block("lat"), int(4)]), Value::Int(4));
}

#[test]
fn names_are_null_before_binding() {
    let record = Sample::of([("pid", Value::Int(1))]);
    for expr in [is("block", "pid", 0), under("block", "pid", 0)] {
        assert_eq!(eval(&expr, &record), Value::Null);
    }
}

#[test]
fn members_are_bits() {
    let record = Sample {
        members: 0b100,
        ..Sample::default()
    };
    let member = |bit| condition(ExprKind::Member(bit));
    assert!(holds(&member(2), &record));
    assert!(!holds(&member(3), &record));
    assert!(!holds(&member(64), &record));
}

/// A request with these latencies on the layer `block`.
struct Children(Vec<Value<'static>>);

impl Record for Children {
    fn value(&self, _: FieldRef) -> Value<'_> {
        Value::Null
    }

    fn members(&self) -> u64 {
        0
    }

    fn children(&self, _: FieldRef) -> Vec<Value<'_>> {
        self.0.clone()
    }
}

#[test]
fn children_are_reduced() {
    let reduced = |aggregate, values: &[Option<i128>]| {
        let field = field_ref(known("block"), "lat");
        let args = vec![Expr {
            kind: ExprKind::Children(field),
            ty: field.field.ty,
            span: Span::default(),
        }];
        let expr = Expr {
            kind: ExprKind::Aggregate(aggregate, args),
            ty: field.field.ty,
            span: Span::default(),
        };
        let values = values.iter().map(|it| it.map_or(Value::Null, Value::Int));
        match eval(&expr, &Children(values.collect())) {
            Value::Int(value) => Some(value),
            _ => None,
        }
    };
    let some = [Some(3), None, Some(9), Some(5)];
    assert_eq!(reduced(Aggregate::Count, &some), Some(3));
    assert_eq!(reduced(Aggregate::Sum, &some), Some(17));
    assert_eq!(reduced(Aggregate::Avg, &some), Some(5));
    assert_eq!(reduced(Aggregate::Min, &some), Some(3));
    assert_eq!(reduced(Aggregate::Max, &some), Some(9));
    assert_eq!(reduced(Aggregate::Quantile(0.5), &some), Some(5));
    assert_eq!(reduced(Aggregate::Stddev, &some), Some(2));
    assert_eq!(reduced(Aggregate::Count, &[None]), Some(0));
    assert_eq!(reduced(Aggregate::Max, &[]), None);
}
