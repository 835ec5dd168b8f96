//! Lowering: what the kernel evaluates, and when. Statements that this build cannot run are refused here.

pub(crate) mod across;
mod bind;
mod clauses;
mod fit;
mod groups;
mod join;
mod needs;
mod refuse;
pub(crate) mod term;
#[cfg(test)]
mod tests;

use crate::diag::Errors;
use crate::ir::{Checked, Column, Kind, Output, Statement, Stream};
use crate::plan::{GroupPlan, Plan, Role, StatementPlan, StreamPlan};
use refuse::Refusals;

/// The plan of a checked program, with the machine's names still symbolic.
///
/// # Errors
///
/// One for each thing in it that this build cannot run.
pub fn lower(checked: Checked) -> Result<Plan, Errors> {
    let Checked { statements, names } = checked;
    let mut lowering = Lowering {
        refusals: Refusals::new(&names),
        streams: 0,
        follows: false,
    };
    let each = |statement| lowering.statement(statement);
    let statements = statements.into_iter().map(each).collect();
    lowering.refusals.into_result()?;
    let mut plan = Plan {
        statements,
        names,
        templates: Vec::new(),
    };
    fit::push_down(&mut plan);
    Ok(plan)
}

struct Lowering<'a> {
    refusals: Refusals<'a>,
    /// Those before this one, over all statements.
    streams: usize,
    /// One of them is there to know what operations cause.
    follows: bool,
}

impl Lowering<'_> {
    fn statement(&mut self, statement: Statement) -> StatementPlan {
        let Statement { span, kind, bounds } = statement;
        let before = self.streams;
        let mut plan = StatementPlan {
            streams: Vec::new(),
            join: None,
            bounds,
        };
        match kind {
            Kind::Streams(streams) => {
                let each = |stream| self.stream(stream);
                plan.streams = streams.into_iter().filter_map(each).collect();
                if !self.follows && plan.streams.iter().any(StreamPlan::is_followed) {
                    plan.streams.extend(self.children());
                }
            }
            Kind::Join(join) => self.join(&mut plan, join),
        }
        self.refusals.count(before, self.streams - before, span);
        plan
    }

    /// The next bit.
    fn bit(&mut self) -> Option<u8> {
        let bit = u8::try_from(self.streams).ok();
        self.streams += 1;
        bit
    }

    fn stream(&mut self, stream: Stream) -> Option<StreamPlan> {
        self.refusals.stream(&stream);
        let bit = self.bit();
        let (columns, groups) = output(stream.output)?;
        Some(StreamPlan {
            role: Role::Rows,
            optional: false,
            bit: bit?,
            layer: stream.source.layer,
            point: stream.source.point,
            filter: stream.filter,
            start: Vec::new(),
            end: Vec::new(),
            residual: None,
            columns,
            groups,
        })
    }
}

/// Columns or groups; none for the shapes of whole requests.
fn output(output: Output) -> Option<(Vec<Column>, Option<GroupPlan>)> {
    match output {
        Output::Rows(columns) => Some((columns, None)),
        Output::Groups(groups) => Some((Vec::new(), Some(groups::plan(groups)))),
        Output::Tree | Output::Stages(_) => None,
    }
}
