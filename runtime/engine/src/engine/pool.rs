//! Groups of several guests made one: whatever people would see as the same key is one group.
//!
//! Each guest has an engine, whose groups come here instead of going to a sink. What `having` and `top` choose is chosen
//! here, once all of them have told.

use std::collections::HashMap;
use std::io;
use std::time::Duration;

use iotq_lang::plan::{Plan, StreamPlan};

use super::{Progress, bits};
use crate::group::{Grouping, Origin};
use crate::{Clock, Names, NoNames, Sink};

/// The groups of all guests since the last report.
pub struct Pool {
    statements: Vec<Progress>,
    /// By their bits; those without groups have none.
    streams: HashMap<usize, Pooled>,
    clock: Clock,
    /// How many groups of a stream a guest may bring between two reports.
    room: usize,
    ungrouped: u64,
}

struct Pooled {
    grouping: Grouping,
    /// How many groups each guest has brought.
    brought: HashMap<Box<str>, usize>,
}

impl Pool {
    /// For a bound plan, and so many groups of each guest.
    pub fn new(plan: &Plan, room: usize) -> Self {
        let mut pool = Self {
            statements: Vec::with_capacity(plan.statements.len()),
            streams: HashMap::new(),
            clock: Clock::default(),
            room,
            ungrouped: 0,
        };
        for planned in &plan.statements {
            let mut progress = Progress::new(planned.bounds);
            for StreamPlan { bit, groups, .. } in &planned.streams {
                let Some(groups) = groups else {
                    continue;
                };
                let mut grouping = Grouping::new(groups.clone());
                // What each guest may bring bounds it.
                grouping.set_room(usize::MAX);
                let brought = HashMap::new();
                let pooled = Pooled { grouping, brought };
                pool.streams.insert(usize::from(*bit), pooled);
                progress.streams |= 1 << bit;
            }
            pool.statements.push(progress);
        }
        pool
    }

    /// The run begins now.
    pub fn begin(&mut self, clock: Clock) {
        self.clock = clock;
    }

    /// Takes what an engine has of a stream.
    pub(super) fn take(&mut self, bit: usize, from: &mut Grouping, names: &dyn Names) {
        let Some(Pooled { grouping, brought }) = self.streams.get_mut(&bit) else {
            return;
        };
        let guest = names.guest().unwrap_or_default();
        let brought = match brought.get_mut(guest) {
            Some(brought) => brought,
            None => brought.entry(guest.into()).or_default(),
        };
        for (key, totals) in from.named(names) {
            let is_new = !grouping.has(&key);
            if is_new && *brought >= self.room {
                self.ungrouped = self.ungrouped.saturating_add(totals.rows);
                continue;
            }
            *brought += usize::from(is_new);
            grouping.merge(key, totals);
        }
    }

    /// So long after the start: reports the intervals that are over, and ends the statements whose `for` is over.
    ///
    /// # Errors
    /// Those of the sink.
    pub fn advance(&mut self, elapsed: Duration, sink: &mut dyn Sink) -> io::Result<()> {
        let is_over = |moment: Option<Duration>| moment.is_some_and(|it| it <= elapsed);
        for statement in 0..self.statements.len() {
            let progress = &self.statements[statement];
            let (reports, ends) = (progress.next_report(), progress.end());
            if is_over(reports) {
                self.report(statement, elapsed, sink)?;
            }
            if is_over(ends) {
                self.end(statement, elapsed, sink)?;
            }
        }
        Ok(())
    }

    /// The run has ended: reports what is left.
    ///
    /// # Errors
    /// Those of the sink.
    pub fn finish(&mut self, elapsed: Duration, sink: &mut dyn Sink) -> io::Result<()> {
        (0..self.statements.len()).try_for_each(|statement| self.end(statement, elapsed, sink))
    }

    /// When `advance` has something to do next.
    pub fn deadline(&self) -> Option<Duration> {
        let running = self.statements.iter().filter(|it| it.streams != 0);
        running.flat_map(Progress::moments).min()
    }

    /// Rows for whose groups there was no room.
    pub fn ungrouped(&self) -> u64 {
        self.ungrouped
    }

    fn end(&mut self, statement: usize, elapsed: Duration, sink: &mut dyn Sink) -> io::Result<()> {
        let Progress {
            bounds, streams, ..
        } = self.statements[statement];
        let has_rows = |bit| {
            let pooled = self.streams.get(&bit);
            pooled.is_some_and(|it: &Pooled| !it.grouping.is_empty())
        };
        if bounds.every.is_none() || bits(streams).any(has_rows) {
            self.report(statement, elapsed, sink)?;
        }
        self.statements[statement].streams = 0;
        Ok(())
    }

    fn report(
        &mut self,
        statement: usize,
        elapsed: Duration,
        sink: &mut dyn Sink,
    ) -> io::Result<()> {
        let progress = &mut self.statements[statement];
        let (seconds, at) = (progress.lap(elapsed), self.clock.at(elapsed));
        for bit in bits(progress.streams) {
            let Some(pooled) = self.streams.get_mut(&bit) else {
                continue;
            };
            pooled.brought.clear();
            let origin = Origin {
                statement,
                stream: bit,
                at,
                names: &NoNames,
            };
            for group in pooled.grouping.report(seconds).groups(origin) {
                sink.group(&group)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
