//! Rows of requests: when all parts of one are there, or will not come any more.

use std::io;

use iotq_lang::eval;
use iotq_lang::ir::{Column, Expr};
use iotq_lang::plan::{Role, Shape, StatementPlan, StreamPlan};
use iotq_probes::catalogue::CHILDREN;

use super::{Cells, Engine, Row, Stream, bits};
use crate::beyond::{Beyond, Cut};
use crate::join::{self, Parts, Request, Source, Tree};
use crate::{RawRecord, Sink};

/// How the requests of a root's stream become rows.
pub(super) struct Join {
    sources: Vec<Source>,
    residual: Option<Expr>,
    required: bool,
    shape: Shape,
    /// It is over a VM boundary.
    crosses: bool,
    /// Of the host it has the disks.
    has_disks: bool,
    /// What a tree tells of each source's operations.
    columns: Vec<Vec<Column>>,
}

impl Join {
    /// That of a statement, if the stream is its root.
    pub fn of(stream: &StreamPlan, statement: &StatementPlan) -> Option<Self> {
        let is_root = stream.role == Role::Root;
        let plan = statement.join.as_ref().filter(|_| is_root)?;
        let stream_of = |bit: &u8| statement.streams.iter().find(|it| it.bit == *bit);
        let source = |&bit: &u8| {
            let stream = stream_of(&bit)?;
            Some(Source {
                layer: stream.layer,
                bit,
                of_host: stream.role == Role::Beyond,
            })
        };
        let sources: Vec<Source> = plan.sources.iter().filter_map(source).collect();
        let is_disks = |it: &Source| it.of_host && it.layer.id == CHILDREN.id;
        Some(Self {
            has_disks: sources.iter().any(is_disks),
            sources,
            residual: plan.residual.clone(),
            required: plan.required,
            shape: plan.shape,
            crosses: plan.via.is_some(),
            columns: plan
                .sources
                .iter()
                .filter_map(|bit| Some(stream_of(bit)?.columns.clone()))
                .collect(),
        })
    }

    /// The time of a request at its device, as this join shows it.
    fn cut_of(&self, request: &Request) -> Cut {
        match self.has_disks {
            true => request.cut,
            false => request.cut.without_disks(),
        }
    }
}

impl Engine {
    /// Takes a part of a request; its rows go to the sink when it is complete.
    pub(super) fn part(&mut self, record: &RawRecord, sink: &mut dyn Sink) -> io::Result<()> {
        let is_root = |bit: usize| {
            let stream = self.streams[bit].as_ref();
            stream.is_some_and(|stream| stream.plan.role == Role::Root)
        };
        let complete = match bits(record.queries()).any(is_root) {
            true => self.requests.root(record),
            false => self.requests.child(record),
        };
        if let Some(request) = complete {
            self.complete(request, sink)?;
        }
        self.overdue(record.at(), false, sink)
    }

    /// Makes rows of the requests that have waited for the rest of their parts for long, or of `all`.
    pub(super) fn overdue(&mut self, now: u64, all: bool, sink: &mut dyn Sink) -> io::Result<()> {
        for request in self.requests.overdue(now, all) {
            self.counts.incomplete += 1;
            self.complete(request, sink)?;
        }
        Ok(())
    }

    pub(super) fn request(&mut self, request: &Request, sink: &mut dyn Sink) -> io::Result<()> {
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
            ..
        } = stream
        else {
            return Ok(());
        };
        let Some(parts) = Parts::of(request, &join.sources, self.clock) else {
            return Ok(());
        };
        let rows = parts.rows(join.sources.len(), join.required);
        let passing = rows.filter(|row| {
            let residual = join.residual.as_ref();
            residual.is_none_or(|it| eval::holds(it, row))
        });
        let most = match join.shape {
            Shape::Rows => usize::MAX,
            Shape::Whole | Shape::Tree => 1,
        };
        let passing = passing.take(most);
        let (statement, names) = (*statement, &*self.names);
        let is_whole = join.shape == Shape::Whole;
        let whole = is_whole
            .then(|| request.whole(join.cut_of(request)))
            .flatten();
        let whole = whole
            .as_ref()
            .and_then(|it| RawRecord::parse(it, self.clock).ok());
        if let Some(grouping) = grouping {
            for row in passing {
                let row = match whole {
                    Some(whole) => row.with_host(&join.sources, whole),
                    None => row,
                };
                self.counts.ungrouped += u64::from(!grouping.add(&row));
            }
            return Ok(());
        }
        let progress = &self.statements[statement];
        let left = progress.bounds.limit.map(|it| it - progress.rows);
        let left = left.and_then(|left| usize::try_from(left).ok());
        let mut written = 0;
        for row in passing.take(left.unwrap_or(usize::MAX)) {
            if join.shape == Shape::Tree {
                let Some(mut root) = join::root(&parts, &join.sources, &join.columns) else {
                    return Ok(());
                };
                if join.crosses {
                    let cut = join.cut_of(request);
                    let parts = |it: &Beyond| it.parts_of(cut, join.has_disks);
                    root.parts = self.beyond.as_ref().map(parts);
                }
                sink.tree(&Tree {
                    statement,
                    root,
                    names,
                })?;
            } else {
                sink.row(&Row {
                    statement,
                    stream: bit,
                    source: Cells::Request(&plan.columns, &row),
                    names,
                })?;
            }
            written += 1;
        }
        (0..written).for_each(|_| self.wrote(statement));
        Ok(())
    }
}
