//! Judges of groups.

use iotq_tests::lab::result::Brought;
use iotq_tests::{Group, Output};

/// Each statement stands twice in the script: the groups that the kernel kept are those that user space made.
pub fn agree(brought: &Brought) {
    let output = Output::of_text(&brought.text("rows.json"), &brought.text("stderr"));
    assert_eq!(output.lost, 0, "{}", output.stderr);
    let statements = output.groups.iter().map(|group| group.query + 1).max();
    let statements = statements.expect("groups");
    assert!(statements >= 8 && statements % 2 == 0, "{statements}");
    for statement in (0..statements).step_by(2) {
        let of = |query| output.groups_of(query).map(told).collect::<Vec<_>>();
        let (kernel, user) = (of(statement), of(statement + 1));
        assert!(!kernel.is_empty(), "statement {statement} has no groups");
        let differ = kernel.iter().zip(&user).find(|(a, b)| a != b);
        assert!(
            differ.is_none() && kernel.len() == user.len(),
            "statement {statement}: {} and {} groups, {differ:?}",
            kernel.len(),
            user.len()
        );
    }
}

fn told(group: &Group) -> String {
    format!("{:?} {:?}", group.by, group.data)
}
