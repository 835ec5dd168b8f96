//! What native code does that a comparison with the evaluator does not show: whose memory it is, and what is refused.

use iotq_lang::ir::{ArithOp, CompareOp, Expr, ExprKind, FieldRef, Function};
use iotq_lang::source::Span;
use iotq_lang::value::{Const, Value};
use iotq_probes::catalogue::{Layer, Type, layer};

use super::{Compiler, Unsupported, Use};
use crate::testing::Bytes;
use crate::{Clock, RawRecord};

fn block() -> &'static Layer {
    layer("block").expect("a layer")
}

fn field(name: &str) -> Expr {
    let layer = block();
    let field = FieldRef {
        source: 0,
        layer,
        field: layer.field(name).expect("a field"),
    };
    Expr::field(field, Span::default())
}

fn text(text: &str) -> Expr {
    Expr::constant(Const::Text(text.into()), Type::Text, Span::default())
}

fn call(function: Function, args: Vec<Expr>) -> Expr {
    let kind = ExprKind::Call(function, args);
    let (ty, span) = (Type::Text, Span::default());
    Expr { kind, ty, span }
}

fn same(left: Expr, right: Expr) -> Expr {
    let kind = ExprKind::Compare(CompareOp::Eq, left.into(), right.into());
    Expr::condition(kind, Span::default())
}

#[test]
fn functions_keep_their_code() {
    let lower = call(Function::Lower, vec![field("comm")]);
    let mut compiler = Compiler::new(Clock::default());
    let condition = compiler.condition(block(), &same(lower.clone(), text("etcd")));
    let other = text("no name");
    let name = compiler.value(
        block(),
        &call(Function::Coalesce, vec![field("comm"), other]),
    );
    let lower = compiler.value(block(), &lower);
    drop(compiler);
    for left in [condition.left(), name.left(), lower.left()] {
        assert!(left.is_none(), "{left:?}");
    }
    let etcd = Bytes::block(1).text("comm", b"EtcD").0;
    let etcd = RawRecord::parse(&etcd, Clock::default()).expect("a record");
    assert!(condition.clone().holds(&etcd));
    assert_eq!(name.value(&etcd), Value::Text(b"EtcD"));
    assert_eq!(lower.value(&etcd), Value::Owned(b"etcd".into()));
    let nobody = Bytes::block(1).0;
    let nobody = RawRecord::parse(&nobody, Clock::default()).expect("a record");
    assert!(!condition.holds(&nobody));
    assert_eq!(name.value(&nobody), Value::Text(b"no name"));
    assert_eq!(lower.value(&nobody), Value::Null);
}

/// What only followed operations have is not read of the others, for which it is null.
#[test]
fn shorter_records_are_evaluated() {
    let mut compiler = Compiler::new(Clock::default());
    let syscall = layer("syscall").expect("a layer");
    let cpu = FieldRef {
        source: 0,
        layer: syscall,
        field: syscall.field("cpu").expect("a field"),
    };
    let seven = Expr::constant(Const::Int(7), Type::Duration, Span::default());
    let args = vec![Expr::field(cpu, Span::default()), seven];
    let computed = Expr {
        ty: Type::Duration,
        ..call(Function::Coalesce, args)
    };
    let computed = compiler.value(syscall, &computed);
    assert!(computed.left().is_none());
    let short = Bytes::syscall(1).0;
    let mut whole = short.clone();
    whole.resize(syscall.root.expect("calls are followed"), 0);
    for (bytes, wanted) in [(short, 7), (whole, 0)] {
        let record = RawRecord::parse(&bytes, Clock::default()).expect("a record");
        assert_eq!(computed.value(&record), Value::Int(wanted));
    }
}

/// `lat >= d2c * 0`: the product can be no other number, but it can be null.
#[test]
fn null_is_not_the_only_number_that_is_possible() {
    let zero = Expr::constant(Const::Int(0), Type::Int, Span::default());
    let none = Expr {
        kind: ExprKind::Arith(ArithOp::Mul, field("d2c").into(), zero.into()),
        ty: Type::Duration,
        span: Span::default(),
    };
    let kind = ExprKind::Compare(CompareOp::Ge, field("lat").into(), none.into());
    let condition = Expr::condition(kind, Span::default());
    let condition = Compiler::new(Clock::default()).condition(block(), &condition);
    assert!(condition.left().is_none());
    for (d2c, wanted) in [(3, true), (u64::MAX, false)] {
        let bytes = Bytes::block(1).number("lat", 5).number("d2c", d2c).0;
        let record = RawRecord::parse(&bytes, Clock::default()).expect("a record");
        assert_eq!(condition.holds(&record), wanted);
    }
}

#[test]
fn what_cannot_be_compiled_is_said_and_evaluated() {
    let mut compiler = Compiler::new(Clock::default());
    let bytes = Bytes::block(1).text("comm", b"EtcD").0;
    let record = RawRecord::parse(&bytes, Clock::default()).expect("a record");
    let lower = || call(Function::Lower, vec![field("comm")]);
    let long = call(Function::Least, (0..20).map(|_| lower()).collect());
    let long = compiler.condition(block(), &same(long, text("etcd")));
    assert!(matches!(long.left(), Some(Unsupported::LongTexts)));
    assert!(long.holds(&record));
    let large = Expr::any(
        (0..3000)
            .map(|_| same(field("comm"), text("EtcD")))
            .collect(),
        Span::default(),
    );
    let large = compiler.condition(block(), &large);
    assert!(matches!(large.left(), Some(Unsupported::TooLarge)));
    assert!(large.holds(&record));
    let mixed = call(Function::Coalesce, vec![field("comm"), field("pid")]);
    let mixed = compiler.value(block(), &mixed);
    assert!(matches!(mixed.left(), Some(Unsupported::Mixed)));
    assert_eq!(mixed.value(&record), Value::Text(b"EtcD"));
    // Giving up leaves nothing behind that would be in the way.
    assert!(compiler.condition(block(), &field("sync")).left().is_none());
}

#[test]
fn what_is_only_read_makes_no_code() {
    let mut compiler = Compiler::new(Clock::default());
    let pid = compiler.value(block(), &field("pid"));
    assert!(matches!(pid.left(), Some(Unsupported::Plain)));
    assert!(compiler.is_idle());
    let listed = compiler.list(block(), &same(field("comm"), text("x")), Use::Condition);
    let listed = listed.expect("code");
    assert!(
        listed.contains("icmp") && listed.contains("ret"),
        "{listed}"
    );
}
