//! Lowering: what the kernel evaluates, and when. Statements that this build cannot run are refused here.

mod bind;
mod clauses;
mod fit;
mod groups;
mod needs;
mod refuse;
pub(crate) mod term;
#[cfg(test)]
mod tests;

use crate::diag::Errors;
use crate::ir::{Checked, Kind, Output, Statement, Stream};
use crate::plan::{Plan, StatementPlan, StreamPlan};
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
}

impl Lowering<'_> {
    fn statement(&mut self, statement: Statement) -> StatementPlan {
        let Statement { span, kind, bounds } = statement;
        let mut plan = StatementPlan {
            streams: Vec::new(),
            bounds,
        };
        match kind {
            Kind::Streams(streams) => {
                self.refusals.count(self.streams, streams.len(), span);
                let each = |stream| self.stream(stream);
                plan.streams = streams.into_iter().filter_map(each).collect();
            }
            Kind::Join(join) => self.refusals.join(&join, span),
        }
        plan
    }

    fn stream(&mut self, stream: Stream) -> Option<StreamPlan> {
        self.refusals.stream(&stream);
        let bit = u8::try_from(self.streams).ok();
        self.streams += 1;
        let (columns, groups) = match stream.output {
            Output::Rows(columns) => (columns, None),
            Output::Groups(groups) => (Vec::new(), Some(groups::plan(groups))),
            Output::Tree | Output::Stages(_) => return None,
        };
        Some(StreamPlan {
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
