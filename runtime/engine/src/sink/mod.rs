//! Where rows go: text for people, JSON and CSV for programs.

mod csv;
mod heat;
mod json;
mod picture;
mod plain;
mod text;
mod waterfall;

use std::fmt::{Display, Formatter};
use std::io;

use crate::{Crossed, Group, Row, Tree};

pub use csv::{Csv, CsvError};
pub use json::Json;
pub(crate) use plain::Plain;
pub use text::Text;

/// Takes the rows of a run.
pub trait Sink {
    /// Writes a row.
    ///
    /// # Errors
    ///
    /// Those of the output.
    fn row(&mut self, row: &Row<'_>) -> io::Result<()>;

    /// Writes a group.
    ///
    /// # Errors
    ///
    /// Those of the output.
    fn group(&mut self, group: &Group<'_>) -> io::Result<()>;

    /// Writes a request as a tree.
    ///
    /// # Errors
    ///
    /// Those of the output.
    fn tree(&mut self, tree: &Tree<'_>) -> io::Result<()>;

    /// Hands on what has been written so far.
    ///
    /// # Errors
    ///
    /// Those of the output.
    fn flush(&mut self) -> io::Result<()>;

    /// Ends the output, with the summary if it has a place for it.
    ///
    /// # Errors
    ///
    /// Those of the output.
    fn finish(&mut self, summary: &Summary) -> io::Result<()>;
}

/// What a run saw, and what it missed.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Summary {
    /// Operations at the probes.
    pub seen: u64,
    /// Records that reached user space.
    pub shipped: u64,
    /// Records that found no room.
    pub lost: u64,
    /// Ends without a start that was seen.
    pub unmatched: u64,
    /// How long it took.
    pub seconds: f64,
    /// Records that went into groups in the kernel, and nowhere else.
    pub grouped: u64,
    /// Rows for whose group there was no room.
    pub ungrouped: u64,
    /// Of a query over a VM boundary: what became of the guests' requests on their host.
    pub crossed: Option<Crossed>,
}

impl Display for Summary {
    fn fmt(&self, out: &mut Formatter<'_>) -> std::fmt::Result {
        let Self {
            seen,
            shipped,
            lost,
            unmatched,
            seconds,
            grouped,
            ungrouped,
            crossed,
        } = self;
        write!(out, "{seen} seen, {shipped} shipped, ")?;
        if *grouped > 0 {
            write!(out, "{grouped} grouped, ")?;
        }
        write!(out, "{lost} lost, {unmatched} unmatched")?;
        if *ungrouped > 0 {
            write!(out, ", {ungrouped} ungrouped")?;
        }
        if let Some(Crossed { joined, unseen, .. }) = crossed {
            write!(out, ", {joined} joined, {unseen} unseen")?;
        }
        write!(out, " in {seconds:.1}s")
    }
}

#[cfg(test)]
mod tests;
