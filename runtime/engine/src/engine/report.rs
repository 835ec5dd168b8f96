//! When groups are reported: at the end of each interval, and at the end of their statement.
//!
//! A row belongs to the interval during which it is taken. So none is in two, and none is in neither.

use std::io;
use std::rc::Rc;
use std::time::Duration;

use iotq_lang::ir::Bounds;

use super::{Engine, Progress, bits};
use crate::Sink;
use crate::group::Origin;

impl Engine {
    /// So long after the start: reports the intervals that are over, and ends the statements whose `for` is over. All
    /// records of that time must have been taken.
    ///
    /// # Errors
    ///
    /// Those of the sink.
    pub fn advance(&mut self, elapsed: Duration, sink: &mut dyn Sink) -> io::Result<()> {
        for statement in 0..self.statements.len() {
            let is_over = |moment: Option<Duration>| moment.is_some_and(|it| it <= elapsed);
            let progress = &self.statements[statement];
            let (reports, ends) = (progress.next_report(), progress.end());
            if self.runs(statement) && is_over(reports) {
                self.report(statement, elapsed, sink)?;
            }
            if is_over(ends) {
                self.end(statement, elapsed, sink)?;
            }
        }
        Ok(())
    }

    /// The records of this engine begin so long after the start: its first interval is a short one.
    pub fn begin(&mut self, elapsed: Duration) {
        for progress in &mut self.statements {
            progress.since = elapsed;
        }
    }

    /// The run has ended so long after its start: reports what is left.
    ///
    /// # Errors
    ///
    /// Those of the sink.
    pub fn finish(&mut self, elapsed: Duration, sink: &mut dyn Sink) -> io::Result<()> {
        self.overdue(u64::MAX, true, sink)?;
        self.give_up(sink)?;
        (0..self.statements.len()).try_for_each(|statement| self.end(statement, elapsed, sink))
    }

    /// When `advance` has something to do next.
    pub fn deadline(&self) -> Option<Duration> {
        let running = self.statements.iter().enumerate();
        let running = running.filter(|(index, _)| self.runs(*index));
        running.flat_map(|(_, progress)| progress.moments()).min()
    }

    /// The streams, a bit each, whose groups `advance` would report at that moment.
    pub fn reporting(&self, elapsed: Duration) -> u32 {
        let due = |progress: &&Progress| progress.moments().any(|moment| moment <= elapsed);
        let due = self.statements.iter().filter(due);
        due.fold(0, |all, progress| all | progress.streams) & self.active
    }

    /// The streams that have not ended, a bit each.
    pub fn running(&self) -> u32 {
        self.active
    }

    fn runs(&self, statement: usize) -> bool {
        self.active & self.statements[statement].streams != 0
    }

    fn end(&mut self, statement: usize, elapsed: Duration, sink: &mut dyn Sink) -> io::Result<()> {
        if !self.runs(statement) {
            return Ok(());
        }
        // After the last interval there may be nothing left.
        let progress = &self.statements[statement];
        if progress.bounds.every.is_none() || bits(progress.streams).any(|bit| self.has_rows(bit)) {
            self.report(statement, elapsed, sink)?;
        }
        self.active &= !self.statements[statement].streams;
        Ok(())
    }

    fn has_rows(&self, bit: usize) -> bool {
        let stream = self.streams[bit].as_ref();
        let grouping = stream.and_then(|stream| stream.grouping.as_ref());
        grouping.is_some_and(|grouping| !grouping.is_empty())
    }

    fn report(
        &mut self,
        statement: usize,
        elapsed: Duration,
        sink: &mut dyn Sink,
    ) -> io::Result<()> {
        let progress = &mut self.statements[statement];
        let (seconds, at) = (progress.lap(elapsed), self.clock.at(elapsed));
        let names = Rc::clone(&self.names);
        for bit in bits(progress.streams) {
            // Taken out, so that what is written can be counted meanwhile.
            let taken = self.streams[bit].as_mut();
            let Some(mut grouping) = taken.and_then(|stream| stream.grouping.take()) else {
                continue;
            };
            let origin = Origin {
                statement,
                stream: bit,
                at,
                names: &*names,
            };
            if let Some(pool) = &self.pool {
                pool.borrow_mut().take(bit, &mut grouping, &*names);
            } else {
                for group in grouping.report(seconds).groups(origin) {
                    if self.runs(statement) {
                        sink.group(&group)?;
                        self.wrote(statement);
                    }
                }
            }
            if let Some(stream) = &mut self.streams[bit] {
                stream.grouping = Some(grouping);
            }
        }
        Ok(())
    }
}

impl Progress {
    pub(super) fn new(bounds: Bounds) -> Self {
        Self {
            bounds,
            rows: 0,
            streams: 0,
            since: Duration::ZERO,
        }
    }

    /// Ends the interval at hand, and tells how many seconds it was.
    pub(super) fn lap(&mut self, elapsed: Duration) -> f64 {
        let since = std::mem::replace(&mut self.since, elapsed);
        elapsed.saturating_sub(since).as_secs_f64()
    }

    /// When there is something to do for it next.
    pub(super) fn moments(&self) -> impl Iterator<Item = Duration> + use<> {
        [self.next_report(), self.end()].into_iter().flatten()
    }

    /// When the interval at hand ends: at a multiple of `every`.
    pub(super) fn next_report(&self) -> Option<Duration> {
        let every = Duration::from_nanos(self.bounds.every?);
        let over = self.since.as_nanos().checked_div(every.as_nanos())?;
        let next = (over + 1).saturating_mul(every.as_nanos());
        Some(Duration::from_nanos(
            u64::try_from(next).unwrap_or(u64::MAX),
        ))
    }

    /// When the statement ends by itself.
    pub(super) fn end(&self) -> Option<Duration> {
        self.bounds.duration.map(Duration::from_nanos)
    }
}
