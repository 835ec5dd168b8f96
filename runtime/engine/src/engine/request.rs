//! Rows of requests: when all parts of one are there, or will not come any more.

use std::io;

use iotq_lang::eval;
use iotq_lang::ir::Expr;
use iotq_lang::plan::{Role, StatementPlan, StreamPlan};
use iotq_lang::value::Record;

use super::{Engine, Row, Stream, bits};
use crate::join::{self, Request, Source};
use crate::{RawRecord, Sink};

/// How the requests of a root's stream become rows.
pub(super) struct Join {
    sources: Vec<Source>,
    residual: Option<Expr>,
    required: bool,
    /// Once for each request.
    whole: bool,
}

impl Join {
    /// That of a statement, if the stream is its root.
    pub fn of(stream: &StreamPlan, statement: &StatementPlan) -> Option<Self> {
        let is_root = stream.role == Role::Root;
        let plan = statement.join.as_ref().filter(|_| is_root)?;
        let source = |&bit: &u8| {
            let stream = statement.streams.iter().find(|it| it.bit == bit)?;
            let layer = stream.layer;
            Some(Source { layer, bit })
        };
        Some(Self {
            sources: plan.sources.iter().filter_map(source).collect(),
            residual: plan.residual.clone(),
            required: plan.required,
            whole: plan.whole,
        })
    }
}

impl Engine {
    /// Takes a part of a request; its rows go to the sink when it is complete.
    pub(super) fn part(&mut self, record: &RawRecord, sink: &mut dyn Sink) -> io::Result<()> {
        let complete = match record.layer().root {
            Some(_) => self.requests.root(record),
            None => self.requests.child(record),
        };
        if let Some(request) = complete {
            self.request(&request, sink)?;
        }
        self.overdue(record.at(), false, sink)
    }

    /// Makes rows of the requests that have waited for the rest of their parts for long, or of `all`.
    pub(super) fn overdue(&mut self, now: u64, all: bool, sink: &mut dyn Sink) -> io::Result<()> {
        for request in self.requests.overdue(now, all) {
            self.counts.incomplete += 1;
            self.request(&request, sink)?;
        }
        Ok(())
    }

    fn request(&mut self, request: &Request, sink: &mut dyn Sink) -> io::Result<()> {
        let Ok(root) = RawRecord::parse(&request.root, self.clock) else {
            return Ok(());
        };
        for bit in bits(root.queries() & self.active) {
            self.rows_of(bit, request, &root, sink)?;
        }
        Ok(())
    }

    fn rows_of(
        &mut self,
        bit: usize,
        request: &Request,
        root: &RawRecord,
        sink: &mut dyn Sink,
    ) -> io::Result<()> {
        let Some(stream) = self.streams[bit].as_mut() else {
            return Ok(());
        };
        if stream.join.is_none() {
            return Ok(());
        }
        if !stream.passes(root) {
            self.counts.dropped += 1;
            return Ok(());
        }
        let Stream {
            plan,
            statement,
            grouping,
            join: Some(join),
        } = stream
        else {
            return Ok(());
        };
        let progress = &self.statements[*statement];
        let left = progress.bounds.limit.map(|it| it - progress.rows);
        let (mut rows, mut ungrouped, mut found) = (0, 0, false);
        let each = |record: &dyn Record| {
            let passes = |residual: &Expr| eval::holds(residual, record);
            if !join.residual.as_ref().is_none_or(passes) {
                return Ok(());
            }
            if join.whole && std::mem::replace(&mut found, true) {
                return Ok(());
            }
            if let Some(grouping) = grouping {
                ungrouped += u64::from(!grouping.add(record));
                return Ok(());
            }
            if left.is_some_and(|left| rows >= left) {
                return Ok(());
            }
            rows += 1;
            sink.row(&Row {
                statement: *statement,
                stream: bit,
                columns: &plan.columns,
                record,
                names: &*self.names,
            })
        };
        join::rows(request, &join.sources, join.required, self.clock, each)?;
        let statement = *statement;
        self.counts.ungrouped += ungrouped;
        (0..rows).for_each(|_| self.wrote(statement));
        Ok(())
    }
}
