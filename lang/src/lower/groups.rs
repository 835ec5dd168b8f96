//! Grouped outputs: what is kept of each group, and whether the kernel can keep it.

use iotq_probes::abi;
use iotq_probes::catalogue::{Slot, Type};

use super::term;
use crate::aggregate::{Keep, Linear, Measure};
use crate::ir::{Column, Expr, ExprKind, Groups};
use crate::plan::{GroupPlan, Kept, KernelGroups, Operand, Reads, Test, kept_words};

/// Bytes of the groups of each CPU; twice that, since one half is filled while the other is read.
const ROOM: usize = 1 << 20;
const MOST_GROUPS: usize = 4096;

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
        guest: None,
        measures: Vec::new(),
        columns,
        having,
        top,
        kernel: None,
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

/// How the kernel keeps the groups, if it can read all keys and measures, and has room for them.
pub(super) fn kernel(plan: &GroupPlan) -> Option<KernelGroups> {
    let mut groups = KernelGroups {
        key: key(&plan.by)?,
        kept: Vec::new(),
        room: 1,
    };
    let mut cell = groups.key_words();
    let mut histograms = 0;
    for measure in &plan.measures {
        let reads = reads(measure)?;
        let histogram = match measure.keep {
            Keep::Numbers(parts) => parts.histogram,
            Keep::Linear(_) => true,
            Keep::Truth => false,
        };
        groups.kept.push(Kept {
            reads,
            cell: u8::try_from(cell).ok()?,
            histogram: histogram.then_some(histograms),
        });
        histograms += u8::from(histogram);
        cell += kept_words(measure.keep);
    }
    let fits = groups.key_words() <= abi::IOTQ_KEY_WORDS as usize
        && cell <= abi::IOTQ_GROUP_WORDS as usize
        && groups.kept.len() <= abi::IOTQ_MAX_MEASURES as usize;
    if !groups.key.is_empty() {
        let room = (ROOM / groups.bytes()).clamp(1, MOST_GROUPS);
        groups.room = 1 << room.ilog2();
    }
    fits.then_some(groups)
}

/// The fields that the keys read, each once. A key that is computed may be the same for very many values of its fields:
/// then the kernel groups by them only if they are of few.
fn key(by: &[Column]) -> Option<Vec<Operand>> {
    let mut key = Vec::new();
    for Column { expr, .. } in by {
        let plain = matches!(expr.kind, ExprKind::Field(_));
        let mut readable = true;
        expr.walk(&mut |expr| match &expr.kind {
            ExprKind::Field(field) => match term::operand(field) {
                Some(operand) if plain || has_few_values(field.field.ty) => {
                    if !key.contains(&operand) {
                        key.push(operand);
                    }
                }
                _ => readable = false,
            },
            ExprKind::Member(_) => readable = false,
            _ => readable &= expr.reads().is_none(),
        });
        readable.then_some(())?;
    }
    Some(key)
}

fn has_few_values(ty: Type) -> bool {
    use Type::*;
    matches!(ty, Enum(_) | Bool | Dev | Text | Pid | Cgroup)
}

/// What the kernel reads for a measure, if it can.
fn reads(measure: &Measure) -> Option<Reads> {
    if measure.keep == Keep::Truth {
        let term = term::term(&measure.of)?;
        let simple = matches!(term.test, Test::Range(..) | Test::Bit(_));
        return simple.then_some(Reads::Truth(term));
    }
    let ExprKind::Field(field) = &measure.of.kind else {
        return None;
    };
    let operand = term::operand(field)?;
    let can = match (field.field.slot?, measure.keep) {
        (Slot::Uint { .. }, Keep::Linear(linear)) => has_room(linear),
        (Slot::Uint { .. }, _) => true,
        (Slot::Int { .. }, Keep::Numbers(parts)) => !parts.histogram && !parts.squares,
        _ => false,
    };
    can.then_some(Reads::Number(operand))
}

/// Whether there is a bucket for each step, and for what is below and above.
fn has_room(linear: Linear) -> bool {
    let least = linear.low >= 0 && linear.high + linear.step <= i128::from(u64::MAX);
    least && linear.steps() + 2 <= abi::IOTQ_HIST_BUCKETS as i32
}
