//! What is pushed down, what is left, what is refused.

mod agreement;
mod binding;
mod grouping;
mod pushing;
mod refusing;

use crate::ir::{Checked, Expr};
use crate::plan::{Plan, StreamPlan};
use crate::testing::{checked, trace};

fn lowered(program: Checked) -> Plan {
    super::lower(program).expect("a program that this build can run")
}

/// The clauses of `trace block where FILTER`, a line each.
fn block_clauses(filter: Expr) -> Vec<String> {
    let plan = lowered(checked(vec![trace("block", Some(filter))], Vec::new()));
    plan.streams()
        .flat_map(|stream| clauses(stream, &plan))
        .collect()
}

fn clauses(stream: &StreamPlan, plan: &Plan) -> Vec<String> {
    let start = stream
        .start
        .iter()
        .map(|clause| format!("start: {}", clause.display(&plan.names)));
    let end = stream
        .end
        .iter()
        .map(|clause| format!("end: {}", clause.display(&plan.names)));
    let left = stream
        .residual
        .iter()
        .map(|left| format!("left: {}", left.display(&plan.names)));
    start.chain(end).chain(left).collect()
}
