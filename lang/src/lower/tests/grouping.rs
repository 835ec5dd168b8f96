//! Which groups the kernel keeps, and how.

use crate::check::{Inputs, check};
use crate::lower::lower;
use crate::plan::{GroupPlan, Plan};
use crate::source::{Source, Sources};

fn plan(text: &str) -> Plan {
    let tree = crate::syntax::parse(text).expect("a script");
    let mut sources = Sources(vec![Source {
        name: "query".into(),
        text: text.into(),
    }]);
    let checked = check(&mut sources, &tree, &Inputs::default());
    let checked = checked.unwrap_or_else(|errors| panic!("{text}: {errors:?}"));
    lower(checked).expect("a plan").bind(&[])
}

fn groups(text: &str) -> GroupPlan {
    let plan = plan(text);
    let groups = plan.streams().next().and_then(|it| it.groups.clone());
    groups.expect("groups")
}

#[test]
fn the_kernel_keeps_what_it_can_read() {
    let kept = [
        "on block.complete emit count()",
        "on block.complete where lat > 1ms and op == read emit hist(lat), p99(lat) by dev, op, comm, sync",
        "on block.complete emit avg(lat), stddev(lat), min(size), max(size), sum(size) by internal, approx",
        "on block.complete emit lhist(lat, 0ns, 10ms, 100us), ratio(lat > 1ms), ratio(not sync) as async",
        "on block.complete emit count() by lower(comm), op == read",
        "on syscall.exit emit sum(ret), min(ret), max(ret) by file, name",
        "on block.complete emit count() by sector",
    ];
    for text in kept {
        assert!(groups(text).kernel.is_some(), "{text}");
    }
    let left = [
        (
            "a condition is left",
            "on block.complete where q2d > d2c emit count()",
        ),
        ("it is computed", "on block.complete emit sum(lat - d2c)"),
        (
            "times are of another clock",
            "on block.complete emit min(time)",
        ),
        (
            "there would be many groups",
            "on block.complete emit count() by bucket(lat, 1ms)",
        ),
        (
            "it has no buckets for negative values",
            "on syscall.exit emit hist(ret)",
        ),
        (
            "too many steps",
            "on block.complete emit lhist(lat, 0ns, 1ms, 1us)",
        ),
        (
            "texts are not compared here",
            "on block.complete emit ratio(comm == fio)",
        ),
        (
            "the key is too long",
            "on syscall.exit emit count() by name, comm, file, pid",
        ),
    ];
    for (why, text) in left {
        assert_eq!(groups(text).kernel, None, "{why}: {text}");
    }
}

#[test]
fn words_follow_each_other() {
    let groups = groups(
        "on block.complete emit avg(lat), max(lat), p99(lat), hist(size), ratio(lat > 1ms) by comm, op",
    );
    let kernel = groups.kernel.expect("groups in the kernel");
    assert_eq!(kernel.key_words(), 3);
    let cells: Vec<_> = kernel
        .kept
        .iter()
        .map(|it| (it.cell, it.histogram))
        .collect();
    assert_eq!(cells, [(3, Some(0)), (7, Some(1)), (8, None)]);
    assert_eq!(kernel.room, 64, "two histograms take 15 KiB");
}

#[test]
fn so_many_streams_are_kept() {
    let text = "on block.complete emit count() by op\n".repeat(10);
    let plan = plan(&text);
    let kept = plan
        .streams()
        .filter_map(|it| it.groups.as_ref()?.kernel.as_ref());
    assert_eq!(kept.count(), 8);
    let none = plan.without_pushdown();
    assert!(
        none.streams()
            .all(|it| it.groups.as_ref().is_some_and(|it| it.kernel.is_none()))
    );
}

#[test]
fn nothing_is_decided_without_pushdown() {
    let pushed = plan("trace block where lat > 1ms and op == read and q2d > d2c");
    let whole = pushed.without_pushdown();
    for stream in whole.streams() {
        assert!(stream.start.is_empty() && stream.end.is_empty());
        assert_eq!(stream.residual, stream.filter);
    }
}
