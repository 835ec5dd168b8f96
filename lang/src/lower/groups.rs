//! Grouped outputs: what is kept of each group.

use crate::aggregate::Measure;
use crate::ir::{Column, Expr, Groups};
use crate::plan::GroupPlan;

/// The plan of a grouped output.
pub(super) fn plan(groups: Groups) -> GroupPlan {
    let Groups {
        columns,
        by,
        top,
        having,
    } = groups;
    measured(GroupPlan {
        by,
        measures: Vec::new(),
        columns,
        having,
        top,
    })
}

/// Replaces in all of its expressions.
pub(super) fn rewrite(plan: &mut GroupPlan, replace: &mut impl FnMut(&Expr) -> Option<Expr>) {
    let mut each = |column: &mut Column| column.expr = column.expr.rewrite(replace);
    plan.by.iter_mut().for_each(&mut each);
    plan.columns.iter_mut().for_each(&mut each);
    if let Some(having) = &mut plan.having {
        *having = having.rewrite(replace);
    }
    *plan = measured(std::mem::take(plan));
}

fn measured(plan: GroupPlan) -> GroupPlan {
    let columns = plan.columns.iter().map(|column| &column.expr);
    let measures = Measure::all(columns.chain(&plan.having));
    GroupPlan { measures, ..plan }
}
