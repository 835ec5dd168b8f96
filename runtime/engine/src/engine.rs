//! From records to rows and groups: what the kernel left undecided, the columns, the bounds of the statements.

mod cross;
mod pool;
mod report;
mod request;

use std::array;
use std::cell::RefCell;
use std::io;
use std::rc::Rc;
use std::time::Duration;

use iotq_lang::aggregate::Totals;
use iotq_lang::eval;
use iotq_lang::ir::{Bounds, Column};
use iotq_lang::plan::{Plan, Role, StatementPlan, StreamPlan};
use iotq_lang::value::{Record, Value};
use iotq_probes::abi::IOTQ_MAX_QUERIES;
use iotq_probes::catalogue::Type;

use crate::group::Grouping;
use crate::jit::{Compiler, Computed, Condition};
use crate::join::{Assembly, Request};
use crate::{Beyond, Clock, Names, RawRecord, Sink};
use cross::Open;
pub use pool::Pool;
use request::Join;

/// What became of the records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Rows and groups that went to the sink.
    pub rows: u64,
    /// Records that user space turned away, once for each stream.
    pub dropped: u64,
    /// Not records of this plan.
    pub malformed: u64,
    /// Rows for whose group there was no room.
    pub ungrouped: u64,
    /// Requests that became rows without all their parts.
    pub incomplete: u64,
}

/// One row, to be written.
pub struct Row<'a> {
    /// The index of the statement.
    pub statement: usize,
    /// The bit of the stream.
    pub stream: usize,
    source: Cells<'a>,
    names: &'a dyn Names,
}

/// What the values of a row are made of.
#[derive(Clone, Copy)]
enum Cells<'a> {
    /// Of one record.
    Record(&'a [Computed], &'a RawRecord<'a>),
    /// Of the records of a request.
    Request(&'a [Column], &'a dyn Record),
}

impl<'a> Row<'a> {
    /// The values of the columns with their types.
    pub fn cells(&self) -> impl Iterator<Item = (Value<'a>, Type)> {
        let source = self.source;
        let count = match source {
            Cells::Record(cells, _) => cells.len(),
            Cells::Request(columns, _) => columns.len(),
        };
        (0..count).map(move |index| match source {
            Cells::Record(cells, record) => (cells[index].value(record), cells[index].expr().ty),
            Cells::Request(columns, record) => {
                let expr = &columns[index].expr;
                (eval::eval(expr, record), expr.ty)
            }
        })
    }

    /// What the machine calls the numbers in them.
    pub fn names(&self) -> &'a dyn Names {
        self.names
    }
}

/// Runs the streams of a plan.
pub struct Engine {
    statements: Vec<Progress>,
    /// By their bits.
    streams: [Option<Stream>; IOTQ_MAX_QUERIES as usize],
    /// The streams whose statement still runs, one bit each.
    active: u32,
    clock: Clock,
    names: Rc<dyn Names>,
    counts: Counts,
    requests: Assembly,
    /// The streams of roots whose rows are made of what their host has seen, too, one bit each,
    crossing: u32,
    /// and those that lead there.
    via: u32,
    beyond: Option<Beyond>,
    /// Requests of which the host's part is not known yet.
    open: Open,
    /// Where groups go, instead of to the sink.
    pool: Option<Rc<RefCell<Pool>>>,
}

struct Stream {
    plan: StreamPlan,
    statement: usize,
    grouping: Option<Grouping>,
    /// What the kernel left undecided.
    residual: Option<Condition>,
    /// The columns.
    cells: Vec<Computed>,
    join: Option<Join>,
}

struct Progress {
    bounds: Bounds,
    rows: u64,
    /// Its streams, one bit each.
    streams: u32,
    /// When the interval that is not yet reported began.
    since: Duration,
}

impl Engine {
    /// An engine for a bound plan.
    pub fn new(plan: &Plan, clock: Clock, names: Box<dyn Names>) -> Self {
        let mut compiler = Compiler::new(clock);
        let mut streams = array::from_fn(|_| None);
        let mut statements = Vec::with_capacity(plan.statements.len());
        for (statement, planned) in plan.statements.iter().enumerate() {
            let mut progress = Progress::new(planned.bounds);
            for plan in &planned.streams {
                if let Some(slot) = streams.get_mut(usize::from(plan.bit)) {
                    progress.streams |= 1 << plan.bit;
                    *slot = Some(Stream::new(plan, statement, planned, &mut compiler));
                }
            }
            statements.push(progress);
        }
        let runs = |progress: &&Progress| progress.bounds.limit != Some(0);
        let active = statements
            .iter()
            .filter(runs)
            .fold(0, |all, each| all | each.streams);
        Self {
            statements,
            streams,
            active,
            clock,
            names: Rc::from(names),
            counts: Counts::default(),
            requests: Assembly::default(),
            crossing: cross::roots(plan),
            via: cross::ways(plan),
            beyond: None,
            open: Open::default(),
            pool: None,
        }
    }

    /// From now on groups go here, to be one with those of others.
    pub fn set_pool(&mut self, pool: Rc<RefCell<Pool>>) {
        self.pool = Some(pool);
    }

    /// Makes room for so many groups of each stream between two reports.
    pub fn set_room(&mut self, groups: usize) {
        let streams = self.streams.iter_mut().flatten();
        let groupings = streams.filter_map(|stream| stream.grouping.as_mut());
        groupings.for_each(|grouping| grouping.set_room(groups));
    }

    /// Takes one record of the ring; its rows go to the sink.
    ///
    /// # Errors
    ///
    /// Those of the sink. A record that is none is counted.
    pub fn push(&mut self, bytes: &[u8], sink: &mut dyn Sink) -> io::Result<()> {
        let Ok(record) = RawRecord::parse(bytes, self.clock) else {
            self.counts.malformed += 1;
            return Ok(());
        };
        let mut strange = record.queries() == 0;
        let mut is_part = false;
        let mut is_alone = false;
        for bit in bits(record.queries()) {
            match &self.streams[bit] {
                Some(stream)
                    if stream.plan.role == Role::Root && stream.plan.layer.root.is_none() =>
                {
                    is_alone = true;
                }
                Some(stream) if stream.plan.role != Role::Rows => is_part = true,
                Some(stream) if stream.makes(&record) => {
                    if self.active & 1 << bit != 0 {
                        self.row(bit, &record, sink)?;
                    }
                }
                _ => strange = true,
            }
        }
        self.counts.malformed += u64::from(strange);
        if is_alone {
            self.complete(Request::alone(&record), sink)?;
        }
        if is_part {
            self.part(&record, sink)?;
        }
        Ok(())
    }

    /// Takes a record that the filters of its end have not judged, and says whether it passed for any stream.
    ///
    /// # Errors
    ///
    /// Those of the sink.
    pub fn push_unjudged(&mut self, bytes: &[u8], sink: &mut dyn Sink) -> io::Result<bool> {
        let Ok(record) = RawRecord::parse(bytes, self.clock) else {
            self.counts.malformed += 1;
            return Ok(false);
        };
        let mut passed = false;
        for bit in bits(record.queries() & self.active) {
            let Some(stream) = &self.streams[bit] else {
                continue;
            };
            let passes = stream.plan.end.iter().all(|clause| clause.holds(&record));
            if stream.plan.role == Role::Rows && stream.makes(&record) && passes {
                passed = true;
                self.row(bit, &record, sink)?;
            }
        }
        Ok(passed)
    }

    /// Takes rows of a stream that were grouped elsewhere; `bytes` is a record with the fields of their keys.
    pub fn push_group(&mut self, bit: u8, bytes: &[u8], totals: &Totals) {
        let runs = self.active & 1u32.checked_shl(bit.into()).unwrap_or(0) != 0;
        let stream = self.streams.get_mut(usize::from(bit)).filter(|_| runs);
        let Some(Some(Stream {
            grouping: Some(grouping),
            ..
        })) = stream
        else {
            return;
        };
        match RawRecord::parse(bytes, self.clock) {
            Ok(record) if grouping.add_totals(&record, totals) => {}
            Ok(_) => self.counts.ungrouped += totals.rows,
            Err(_) => self.counts.malformed += 1,
        }
    }

    fn row(&mut self, bit: usize, record: &RawRecord, sink: &mut dyn Sink) -> io::Result<()> {
        let Some(stream) = &mut self.streams[bit] else {
            return Ok(());
        };
        if !stream.passes(record) {
            self.counts.dropped += 1;
            return Ok(());
        }
        if let Some(grouping) = &mut stream.grouping {
            self.counts.ungrouped += u64::from(!grouping.add(record));
            return Ok(());
        }
        sink.row(&Row {
            statement: stream.statement,
            stream: bit,
            source: Cells::Record(&stream.cells, record),
            names: &*self.names,
        })?;
        let statement = stream.statement;
        self.wrote(statement);
        Ok(())
    }

    /// One more row or group of a statement, which may be the last.
    fn wrote(&mut self, statement: usize) {
        self.counts.rows += 1;
        let progress = &mut self.statements[statement];
        progress.rows += 1;
        let limit = progress.bounds.limit;
        if limit.is_some_and(|limit| progress.rows >= limit) {
            self.active &= !progress.streams;
        }
    }

    /// Whether all statements have ended.
    pub fn done(&self) -> bool {
        self.active == 0
    }

    /// What became of the records so far.
    pub fn counts(&self) -> Counts {
        self.counts
    }
}

impl Stream {
    fn new(
        plan: &StreamPlan,
        statement: usize,
        whole: &StatementPlan,
        compiler: &mut Compiler,
    ) -> Self {
        let layer = plan.layer;
        let residual = plan.residual.as_ref();
        // Those of requests are of several records.
        let alone = plan.role == Role::Rows;
        let columns = plan.columns.iter().filter(|_| alone);
        Self {
            residual: residual.map(|residual| compiler.condition(layer, residual)),
            cells: columns
                .map(|column| compiler.value(layer, &column.expr))
                .collect(),
            grouping: plan.groups.clone().map(Grouping::new),
            join: Join::of(plan, whole),
            plan: plan.clone(),
            statement,
        }
    }

    fn makes(&self, record: &RawRecord) -> bool {
        let Self { plan, .. } = self;
        plan.layer.id == record.layer().id && plan.point.id == record.point().id
    }

    /// Whether what the kernel has left undecided holds.
    fn passes(&self, record: &RawRecord) -> bool {
        let residual = self.residual.as_ref();
        residual.is_none_or(|residual| residual.holds(record))
    }
}

/// The numbers of the bits that are set.
fn bits(mut mask: u32) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let bit = mask.trailing_zeros();
        mask &= mask.checked_sub(1)?;
        Some(bit as usize)
    })
}

#[cfg(test)]
mod tests;
