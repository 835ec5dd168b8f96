//! What the kernel decides, and when: clauses into the tables of filters, as long as there is room.

use std::collections::BTreeMap;

use iotq_probes::abi;

use super::clauses::{COMPARED, clauses, whole};
use super::{groups, join, needs, term};
use crate::ir::Expr;
use crate::plan::{Clause, Plan, Role, StreamPlan, Term, Test};

/// Splits the filter of every stream into what the kernel decides at the start, at the end, and what is left.
///
/// A clause that the kernel could decide and that finds no room is left to user space: a weaker filter in the kernel costs
/// records, never answers.
pub(super) fn push_down(plan: &mut Plan) {
    join::divide(plan);
    let mut room = Room::new(plan.judged());
    for stream in plan
        .statements
        .iter_mut()
        .flat_map(|each| &mut each.streams)
        .filter(|stream| stream.is_judged())
    {
        split(stream, &mut room);
    }
    keep_groups(plan);
    plan.templates = needs::templates(plan);
}

/// Leaves all conditions and groups to user space. The answers are the same, and the kernel ships all records.
pub(super) fn push_nothing(plan: &mut Plan) {
    for stream in plan
        .statements
        .iter_mut()
        .flat_map(|each| &mut each.streams)
    {
        stream.start.clear();
        stream.end.clear();
        stream.residual.clone_from(&stream.filter);
        if let Some(groups) = &mut stream.groups {
            groups.kernel = None;
        }
    }
}

/// Keeps groups in the kernel, of as many streams as there is room for, where it decides all that they need.
fn keep_groups(plan: &mut Plan) {
    let mut room = abi::IOTQ_MAX_GROUPINGS;
    for stream in plan
        .statements
        .iter_mut()
        .flat_map(|each| &mut each.streams)
    {
        // Requests become rows in user space.
        let decided = stream.role == Role::Rows && stream.residual.is_none();
        if let Some(plan) = &mut stream.groups {
            let here = decided && room > 0;
            plan.kernel = here.then(|| groups::kernel(plan)).flatten();
            room -= u32::from(plan.kernel.is_some());
        }
    }
}

fn split(stream: &mut StreamPlan, room: &mut Room) {
    let clauses = stream.filter.as_ref().map(clauses).unwrap_or_default();
    let terms: Vec<Option<Vec<Term>>> = clauses.iter().map(|clause| terms(clause)).collect();
    let mut left = Vec::new();
    let (mut start, mut end) = (Vec::new(), Vec::new());
    for (index, clause) in clauses.into_iter().enumerate() {
        let Some(wanted) = &terms[index] else {
            left.push(clause);
            continue;
        };
        if is_implied(index, wanted, &terms) {
            continue;
        }
        let known = wanted.iter().all(term::is_known_at_start);
        if known && room.take(Table::start(stream), start.is_empty(), wanted) {
            start.push(Clause(wanted.clone()));
        } else if room.take(Table::end(stream), end.is_empty(), wanted) {
            end.push(Clause(wanted.clone()));
        } else {
            left.push(clause);
        }
    }
    stream.start = start;
    stream.end = end;
    stream.residual = (!left.is_empty()).then(|| whole(left));
}

/// The different terms of a clause, if the kernel can decide all of it.
fn terms(clause: &[Expr]) -> Option<Vec<Term>> {
    let mut terms = Vec::with_capacity(clause.len());
    for literal in clause {
        let term = term::term(literal)?;
        if !terms.contains(&term) {
            terms.push(term);
        }
    }
    // Beside others, one that never holds says nothing.
    if terms.iter().any(|term| !term.is_never()) {
        terms.retain(|term| !term.is_never());
    }
    Some(terms)
}

/// Whether another clause has some of the same terms and no others: this one says nothing then.
fn is_implied(index: usize, terms: &[Term], clauses: &[Option<Vec<Term>>]) -> bool {
    let implies = |(other, stronger): (usize, &Option<Vec<Term>>)| {
        let Some(stronger) = stronger else {
            return false;
        };
        let is_first = stronger.len() < terms.len() || other < index;
        other != index && is_first && stronger.iter().all(|term| terms.contains(term))
    };
    clauses.iter().enumerate().take(COMPARED).any(implies)
}

/// A table of filters: one of a layer for the start, one of each of its points for the end.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Table {
    layer: u8,
    point: Option<u8>,
}

impl Table {
    fn start(stream: &StreamPlan) -> Self {
        Self {
            layer: stream.layer.id,
            point: None,
        }
    }

    fn end(stream: &StreamPlan) -> Self {
        Self {
            layer: stream.layer.id,
            point: Some(stream.point.id),
        }
    }
}

/// What is still free.
struct Room {
    terms: BTreeMap<Table, usize>,
    /// Those taken: a text is stored once, however many terms compare with it.
    texts: Vec<Test>,
}

impl Room {
    /// Every stream has a term in both of its tables, even without a clause there.
    fn new<'a>(streams: impl Iterator<Item = &'a StreamPlan>) -> Self {
        let mut terms = BTreeMap::new();
        for stream in streams {
            for table in [Table::start(stream), Table::end(stream)] {
                let free = terms.entry(table).or_insert(abi::IOTQ_MAX_TERMS as usize);
                *free = free.saturating_sub(1);
            }
        }
        let texts = Vec::new();
        Self { terms, texts }
    }

    fn take(&mut self, table: Table, is_first: bool, terms: &[Term]) -> bool {
        let wanted = terms.len() - usize::from(is_first && !terms.is_empty());
        let mut texts = Vec::new();
        for Term { test, .. } in terms {
            let is_new = test.is_text() && !self.texts.contains(test) && !texts.contains(test);
            if is_new {
                texts.push(test.clone());
            }
        }
        let Some(free) = self.terms.get_mut(&table) else {
            return false;
        };
        if wanted > *free || self.texts.len() + texts.len() > abi::IOTQ_MAX_TEXTS as usize {
            return false;
        }
        *free -= wanted;
        self.texts.append(&mut texts);
        true
    }
}
