//! Predicates: which parts the kernel decides, and when.

use super::*;
use crate::ir::{ArithOp, CompareOp::*, ExprKind, NameKind};
use crate::source::Span;
use crate::testing::*;
use crate::value::Const;
use iotq_probes::abi;
use iotq_probes::catalogue::Type;

const MS: i128 = 1_000_000;

fn case(filter: Expr, expected: &[&str]) {
    let written = filter.display(&[]).to_string();
    assert_eq!(block_clauses(filter), expected, "{written}");
}

fn constant(value: i128, ty: Type) -> Expr {
    Expr::constant(Const::Int(value), ty, Span::default())
}

fn within(value: Expr, set: &[i128]) -> Expr {
    let set = set.iter().map(|&item| Const::Int(item)).collect();
    condition(ExprKind::In(Box::new(value), set))
}

#[test]
fn comparisons_go_where_their_field_is_known() {
    case(compare(block("pid"), Eq, 7), &["start: pid == 7"]);
    case(compare(block("lat"), Gt, MS), &["end: lat > 1ms"]);
    case(compare(block("lat"), Le, MS), &["end: lat <= 1ms"]);
    case(compare(block("op"), Ne, 1), &["start: op != read"]);
    let turned = ExprKind::Compare(
        Lt,
        Box::new(constant(MS, Type::Duration)),
        Box::new(block("lat")),
    );
    case(condition(turned), &["end: lat > 1ms"]);
    case(
        any([compare(block("pid"), Eq, 7), compare(block("lat"), Gt, MS)]),
        &["end: pid == 7 or lat > 1ms"],
    );
}

#[test]
fn bounds_outside_of_the_slot_never_or_always_hold() {
    case(compare(block("lat"), Lt, 0), &["end: lat is impossible"]);
    case(
        compare(block("size"), Ge, 1 << 32),
        &["end: size is impossible"],
    );
    case(compare(block("lat"), Ne, -1), &["end: lat is not null"]);
    case(
        compare(block("lat"), Ge, i128::MIN),
        &["end: lat is not null"],
    );
    case(
        compare(block("lat"), Gt, i128::MAX),
        &["end: lat is impossible"],
    );
}

#[test]
fn negations_move_inwards() {
    case(not(compare(block("lat"), Lt, MS)), &["end: lat >= 1ms"]);
    case(
        not(any([compare(block("pid"), Eq, 7), block("sync")])),
        &["start: pid != 7", "start: not sync"],
    );
    let between = ExprKind::Between(
        Box::new(block("lat")),
        Box::new(constant(MS, Type::Duration)),
        Box::new(constant(2 * MS, Type::Duration)),
    );
    case(condition(between.clone()), &["end: lat in 1ms..2ms"]);
    case(not(condition(between)), &["end: not lat in 1ms..2ms"]);
}

#[test]
fn alternatives_of_conjunctions_are_distributed() {
    let slow = |pid, lat| {
        all([
            compare(block("pid"), Eq, pid),
            compare(block("lat"), Ge, lat),
        ])
    };
    case(
        any([slow(1, MS), slow(2, 2 * MS)]),
        &[
            "start: pid == 1 or pid == 2",
            "end: pid == 1 or lat >= 2ms",
            "end: lat >= 1ms or pid == 2",
            "end: lat >= 1ms or lat >= 2ms",
        ],
    );
}

#[test]
fn clauses_that_others_imply_are_dropped() {
    let [a, b, c] = [1, 2, 3].map(|n| compare(block("pid"), Ne, n));
    case(
        any([all([a.clone(), b]), all([a, c])]),
        &["start: pid != 1", "start: pid != 2 or pid != 3"],
    );
}

#[test]
fn alternatives_that_would_explode_are_left() {
    let pair = |n| all([compare(block("pid"), Eq, n), compare(block("tid"), Eq, n)]);
    let filter = Expr::any((0..7).map(pair).collect(), Span::default());
    let clauses = block_clauses(filter);
    assert_eq!(clauses.len(), 1);
    assert!(
        clauses[0].starts_with("left: pid == 0 and tid == 0 or pid == 1"),
        "{clauses:?}"
    );
}

#[test]
fn sets_are_spread_when_small() {
    case(
        within(block("op"), &[1, 2]),
        &["start: op == read or op == write"],
    );
    case(
        not(within(block("op"), &[1, 2])),
        &["start: op != read", "start: op != write"],
    );
    case(
        within(block("pid"), &[5, 4, 3, 2, 1, -1]),
        &["start: pid in {1, 2, 3, 4, 5}"],
    );
    case(
        not(within(block("pid"), &[1, 2, 3, 4, 5])),
        &["start: not pid in {1, 2, 3, 4, 5}"],
    );
}

#[test]
fn texts_are_pushed_as_far_as_the_window_reaches() {
    case(
        same_text(block("comm"), "etcd"),
        &["start: comm == \"etcd\""],
    );
    case(same_text(block("comm"), ""), &["left: comm == \"\""]);
    case(
        same_text(block("comm"), "seventeen_bytes_x"),
        &["left: comm == \"seventeen_bytes_x\""],
    );
    case(glob(block("comm"), "post*"), &["start: comm ~ \"post*\""]);
    case(glob(block("comm"), "plain"), &["start: comm == \"plain\""]);
    case(glob(block("comm"), "*log"), &["left: comm ~ \"*log\""]);
    case(
        not(glob(block("comm"), "post*")),
        &["start: not comm ~ \"post*\""],
    );
}

/// The kernel compares 16 bytes; a longer slot must hold the text and the NUL behind it in them.
#[test]
fn a_text_as_long_as_the_window_needs_a_slot_of_that_length() {
    let sixteen = "sixteen_bytes_xx";
    case(
        same_text(block("comm"), sixteen),
        &["start: comm == \"sixteen_bytes_xx\""],
    );
    let name = Expr::field(field_ref(known("syscall"), "name"), Span::default());
    let exact = trace("syscall", Some(same_text(name.clone(), sixteen)));
    let prefix = trace("syscall", Some(glob(name, "sixteen_bytes_xx*")));
    let plan = lowered(checked(vec![exact, prefix], Vec::new()));
    let pushed: Vec<usize> = plan.streams().map(|stream| stream.start.len()).collect();
    assert_eq!(pushed, [0, 1]);
}

#[test]
fn what_the_kernel_cannot_decide_is_left() {
    let half = ExprKind::Arith(
        ArithOp::Div,
        Box::new(block("lat")),
        Box::new(constant(2, Type::Int)),
    );
    let half = Expr {
        kind: half,
        ..block("lat")
    };
    let longer = ExprKind::Compare(Gt, Box::new(block("q2d")), Box::new(block("d2c")));
    case(
        all([
            compare(half, Gt, MS),
            compare(block("pid"), Eq, 7),
            condition(longer.clone()),
        ]),
        &["start: pid == 7", "left: lat / 2 > 1ms and q2d > d2c"],
    );
    case(
        any([compare(block("pid"), Eq, 7), condition(longer)]),
        &["left: pid == 7 or q2d > d2c"],
    );
    case(compare(block("time"), Gt, 0), &["left: time > 0ns"]);
}

#[test]
fn constants_are_folded() {
    let truth = |value| Expr::constant(Const::Bool(value), Type::Bool, Span::default());
    case(truth(true), &[]);
    case(truth(false), &["start: false"]);
    case(
        all([truth(true), compare(block("pid"), Eq, 7)]),
        &["start: pid == 7"],
    );
    case(
        any([truth(false), compare(block("pid"), Eq, 7)]),
        &["start: pid == 7"],
    );
    let sum = ExprKind::Arith(
        ArithOp::Mul,
        Box::new(constant(2, Type::Int)),
        Box::new(constant(MS, Type::Duration)),
    );
    let sum = Expr {
        kind: sum,
        ..constant(0, Type::Duration)
    };
    let slow = ExprKind::Compare(Ge, Box::new(block("lat")), Box::new(sum));
    case(condition(slow), &["end: lat >= 2ms"]);
}

#[test]
fn a_full_start_table_overflows_into_the_end_table_then_into_user_space() {
    let pid = |n| compare(block("pid"), Ne, n);
    let count = abi::IOTQ_MAX_TERMS as usize;
    let filter = Expr::all(
        (0..2 * count as i128 + 1).map(pid).collect(),
        Span::default(),
    );
    let plan = lowered(checked(vec![trace("block", Some(filter))], Vec::new()));
    let stream = plan.streams().next().expect("a stream");
    assert_eq!((stream.start.len(), stream.end.len()), (count, count));
    let left = stream
        .residual
        .as_ref()
        .map(|left| left.display(&[]).to_string());
    assert_eq!(left.as_deref(), Some("pid != 64"));
}

#[test]
fn every_stream_keeps_a_term_of_its_own() {
    let filter = Expr::all(
        (0..40).map(|n| compare(block("pid"), Ne, n)).collect(),
        Span::default(),
    );
    let mut statements = vec![trace("block", Some(filter))];
    statements.resize_with(32, || trace("block", Some(compare(block("pid"), Eq, 1))));
    let plan = lowered(checked(statements, Vec::new()));
    for stream in plan.streams() {
        assert_eq!(stream.start.len(), 1, "stream {}", stream.bit);
    }
}

#[test]
fn names_stay_symbolic() {
    let names = vec![
        name(NameKind::Dev, "vda1"),
        name(NameKind::Family, "$child"),
    ];
    let filter = all([is("block", "dev", 0), not(under("block", "pid", 1))]);
    let plan = lowered(checked(vec![trace("block", Some(filter))], names));
    let stream = plan.streams().next().expect("a stream");
    assert_eq!(
        clauses(stream, &plan),
        ["start: dev == vda1", "start: not pid under $child"]
    );
}

/// Writeback is over with what it causes: so that is followed where a condition names it.
#[test]
fn a_value_may_need_to_be_followed() {
    let syscall = known("syscall");
    let call = |name: &str| Expr::field(field_ref(syscall, name), Span::default());
    let writeback = i128::from(abi::IOTQ_NUMBER_WRITEBACK);
    for (filter, follows) in [
        (compare(call("call"), Eq, writeback), true),
        (within(call("call"), &[0, writeback]), true),
        (compare(call("call"), Eq, 0), false),
        (compare(call("fd"), Eq, writeback), false),
    ] {
        let plan = lowered(checked(vec![trace("syscall", Some(filter))], Vec::new()));
        assert_eq!(plan.follows(), follows, "{plan}");
    }
}
