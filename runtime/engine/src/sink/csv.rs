//! CSV, as RFC 4180 has it: a header, then one row a line, with the values of the JSON output.

use std::io::{self, Write};

use csv::{Terminator, Writer, WriterBuilder};
use iotq_lang::aggregate::Emitted;
use iotq_lang::ir::Column;
use iotq_lang::plan::{JoinPlan, Plan, Shape};

use super::json::histogram;
use super::plain::Plain;
use super::{Sink, Summary};
use crate::{Group, Names, Row, Tree};

/// Writes CSV.
pub struct Csv<W: Write> {
    out: Writer<W>,
    /// Rows begin with the guest that they are of.
    guests: bool,
    /// Groups of intervals begin with their time.
    timed: bool,
    digits: itoa::Buffer,
}

/// Why there is no CSV.
#[derive(Debug, thiserror::Error)]
pub enum CsvError {
    /// A table has one set of columns.
    #[error("a CSV table has one set of columns, and the script has {0} streams of rows")]
    Streams(usize),
    /// A tree is no table.
    #[error("a CSV table has rows, and the query emits trees")]
    Trees,
    /// The header could not be written.
    #[error("write the header of the CSV table")]
    Write(#[from] io::Error),
}

impl<W: Write> Csv<W> {
    /// A sink for the rows of a plan, with the header written; `guests`: the first column tells which guest a row is of.
    ///
    /// # Errors
    ///
    /// If the plan has several streams, or the header cannot be written.
    pub fn new(plan: &Plan, guests: bool, out: W) -> Result<Self, CsvError> {
        let timed = plan
            .statements
            .iter()
            .any(|each| each.bounds.every.is_some());
        let streams: Vec<_> = plan.judged().collect();
        let draws = |join: &JoinPlan| join.shape == Shape::Tree;
        if plan
            .statements
            .iter()
            .filter_map(|it| it.join.as_ref())
            .any(draws)
        {
            return Err(CsvError::Trees);
        }
        let [stream] = streams[..] else {
            return Err(CsvError::Streams(streams.len()));
        };
        let mut out = WriterBuilder::new()
            .terminator(Terminator::CRLF)
            .from_writer(out);
        let name = |column: &'_ Column| column.name.clone();
        // Those of groups are of all guests.
        let guests = guests && stream.groups.is_none();
        let guest = guests.then(|| "guest".to_owned()).into_iter();
        match &stream.groups {
            None => out.write_record(guest.chain(stream.columns.iter().map(name))),
            Some(groups) => {
                let at = timed.then(|| "at".to_owned()).into_iter();
                let columns = groups.by.iter().chain(&groups.columns);
                out.write_record(guest.chain(at).chain(columns.map(name)))
            }
        }
        .map_err(io::Error::from)?;
        let digits = itoa::Buffer::new();
        Ok(Self {
            out,
            guests,
            timed,
            digits,
        })
    }

    fn guest(&mut self, names: &dyn Names) -> Result<(), csv::Error> {
        if self.guests {
            self.out.write_field(names.guest().unwrap_or(""))?;
        }
        Ok(())
    }

    fn field(&mut self, value: Plain<'_>) -> Result<(), csv::Error> {
        match value {
            Plain::Null => self.out.write_field(""),
            Plain::Bool(value) => self.out.write_field(if value { "true" } else { "false" }),
            Plain::Int(value) => self.out.write_field(self.digits.format(value)),
            Plain::Float(value) => self.out.write_field(value.to_string()),
            Plain::Text(text) => self.out.write_field(&*text),
        }
    }
}

impl<W: Write> Sink for Csv<W> {
    fn row(&mut self, row: &Row<'_>) -> io::Result<()> {
        self.guest(row.names())?;
        for (value, ty) in row.cells() {
            self.field(Plain::new(value, ty, row.names()))?;
        }
        Ok(self.out.write_record(None::<&[u8]>)?)
    }

    fn group(&mut self, group: &Group<'_>) -> io::Result<()> {
        let names = group.origin.names;
        if self.timed {
            self.field(Plain::Int(group.origin.at))?;
        }
        for (value, ty) in group.keys() {
            self.field(Plain::new(value, ty, names))?;
        }
        for (shown, ty) in group.cells() {
            match shown {
                Emitted::Value(value) => self.field(Plain::new(value, ty, names))?,
                Emitted::Histogram(it) => self.out.write_field(histogram(it))?,
            }
        }
        Ok(self.out.write_record(None::<&[u8]>)?)
    }

    /// Never: a table of trees is refused when the sink is made.
    fn tree(&mut self, _: &Tree<'_>) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }

    fn finish(&mut self, _: &Summary) -> io::Result<()> {
        self.flush()
    }
}
