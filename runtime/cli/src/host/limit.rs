//! The bounds of statements over all guests: `limit 10` is ten rows, whoever sends them.

use std::io;

use iotq_engine::{Group, Row, Sink, Summary, Tree};
use iotq_lang::plan::Plan;

/// A sink that takes so many rows of each statement.
pub struct Limited {
    sink: Box<dyn Sink>,
    /// By statement: how many more; none if there is no bound.
    left: Vec<Option<u64>>,
}

impl Limited {
    /// With the bounds of a plan.
    pub fn new(sink: Box<dyn Sink>, plan: &Plan) -> Self {
        let statements = plan.statements.iter();
        Self {
            sink,
            left: statements.map(|each| each.bounds.limit).collect(),
        }
    }

    /// Whether a statement has all rows that it may have.
    pub fn is_full(&self, statement: usize) -> bool {
        self.left.get(statement) == Some(&Some(0))
    }

    /// Whether there is room for one more.
    fn takes(&mut self, statement: usize) -> bool {
        match self.left.get_mut(statement) {
            Some(Some(0)) => false,
            Some(Some(left)) => {
                *left -= 1;
                true
            }
            _ => true,
        }
    }
}

impl Sink for Limited {
    fn row(&mut self, row: &Row<'_>) -> io::Result<()> {
        match self.takes(row.statement) {
            true => self.sink.row(row),
            false => Ok(()),
        }
    }

    fn group(&mut self, group: &Group<'_>) -> io::Result<()> {
        match self.takes(group.origin.statement) {
            true => self.sink.group(group),
            false => Ok(()),
        }
    }

    fn tree(&mut self, tree: &Tree<'_>) -> io::Result<()> {
        match self.takes(tree.statement) {
            true => self.sink.tree(tree),
            false => Ok(()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.sink.flush()
    }

    fn finish(&mut self, summary: &Summary) -> io::Result<()> {
        self.sink.finish(summary)
    }
}
