//! The text of expressions and plans.

use iotq_probes::catalogue::Type;

use crate::ir::*;
use crate::lower::lower;
use crate::plan::Meaning;
use crate::source::Span;
use crate::testing::*;
use crate::value::Const;

fn int(value: i128, ty: Type) -> Expr {
    Expr::constant(Const::Int(value), ty, Span::default())
}

fn arith(op: ArithOp, left: Expr, right: Expr) -> Expr {
    let ty = left.ty;
    let kind = ExprKind::Arith(op, Box::new(left), Box::new(right));
    let span = Span::default();
    Expr { kind, ty, span }
}

#[test]
fn constants_have_units_and_names() {
    let block_op = block("op").ty;
    let cases = [
        (10_000_000, Type::Duration, "10ms"),
        (1_500_000_000, Type::Duration, "1500ms"),
        (0, Type::Duration, "0ns"),
        (-5_000, Type::Duration, "-5us"),
        (4096, Type::Bytes, "4KiB"),
        (1000, Type::Bytes, "1000B"),
        (2, block_op, "write"),
        (99, block_op, "99"),
        (253 << 20 | 1, Type::Dev, "253:1"),
    ];
    for (value, ty, expected) in cases {
        assert_eq!(int(value, ty).display(&[]).to_string(), expected);
    }
}

#[test]
fn parentheses_are_where_they_are_needed() {
    let [a, b, c] = ["tid", "queue", "tag"].map(block);
    use ArithOp::*;
    let cases = [
        (
            arith(Sub, a.clone(), arith(Sub, b.clone(), c.clone())),
            "tid - (queue - tag)",
        ),
        (
            arith(Sub, arith(Sub, a.clone(), b.clone()), c.clone()),
            "tid - queue - tag",
        ),
        (
            arith(Mul, arith(Add, a.clone(), b.clone()), c.clone()),
            "(tid + queue) * tag",
        ),
        (
            arith(Add, a.clone(), arith(Mul, b.clone(), c.clone())),
            "tid + queue * tag",
        ),
        (
            arith(Div, a.clone(), arith(Mul, b, c)),
            "tid / (queue * tag)",
        ),
        (
            all([block("sync"), any([block("meta"), not(block("fua"))])]),
            "sync and (meta or not fua)",
        ),
        (
            not(any([block("sync"), block("meta")])),
            "not (sync or meta)",
        ),
        (
            any([block("sync"), all([block("meta"), block("fua")])]),
            "sync or meta and fua",
        ),
        (not(glob(block("comm"), "k*")), "not comm ~ \"k*\""),
    ];
    for (expr, expected) in cases {
        assert_eq!(expr.display(&[]).to_string(), expected);
    }
}

#[test]
fn names_are_quoted_where_they_must_be() {
    let names = [
        name(NameKind::Dev, "nvme0n1"),
        name(NameKind::File, "/var/lib/x"),
    ];
    assert_eq!(
        is("block", "dev", 0).display(&names).to_string(),
        "dev == nvme0n1"
    );
    let file = not(is("syscall", "file", 1));
    assert_eq!(file.display(&names).to_string(), "file != \"/var/lib/x\"");
}

#[test]
fn a_plan_says_everything() {
    let filter = all([
        is("block", "dev", 0),
        compare(block("lat"), CompareOp::Gt, 10_000_000),
        glob(block("comm"), "post*"),
        glob(block("comm"), "*s"),
    ]);
    let mut statement = trace("block", Some(filter));
    statement.bounds.duration = Some(30_000_000_000);
    statement.bounds.limit = Some(5);
    let checked = checked(vec![statement], vec![name(NameKind::Dev, "vda")]);
    let plan = lower(checked).expect("a plan");
    let expected = "\
statement 0: for 30s, limit 5
  stream 0: block.complete
    kernel, at the start: dev == vda
    kernel, at the start: comm ~ \"post*\"
    kernel, at the end:   lat > 10ms
    user space:           comm ~ \"*s\"
    emit: pid
template block
  queue: block_bio_queue -> iotq_bio_queue
  complete: block_rq_complete -> iotq_rq_complete
  complete: block_bio_complete -> iotq_bio_complete
  upkeep: block_io_start -> iotq_rq_start
  upkeep: block_rq_issue -> iotq_rq_issue
  upkeep: block_split -> iotq_bio_split
  upkeep: block_rq_merge -> iotq_rq_merge
  fields: pid, comm, dev, lat
name vda: a block device
texts: \"post*\"
";
    assert_eq!(plan.to_string(), expected);
    let bound = plan.bind(&[Meaning::Dev {
        own: vec![7],
        disks: vec![7],
        sectors: None,
        numbers: vec![7],
    }]);
    assert_eq!(
        bound.to_string(),
        expected.replace("dev == vda", "dev == 0:7")
    );
}

#[test]
fn a_checked_program_is_printed() {
    let filter = compare(block("lat"), CompareOp::Gt, 10_000_000);
    let checked = checked(vec![trace("block", Some(filter))], Vec::new());
    let expected = "statement 0\n  on block.complete\n    where lat > 10ms\n    emit pid\n";
    assert_eq!(checked.to_string(), expected);
}
