//! JSON: one object a line.

use std::io::{self, Write};

use iotq_lang::plan::{Plan, StreamPlan};

use super::plain::Plain;
use super::{Sink, Summary};
use crate::Row;

/// Writes JSON lines.
pub struct Json<W> {
    out: W,
    /// By the bits of the streams.
    streams: Vec<Layout>,
    /// One line, so that the output gets it whole.
    line: Vec<u8>,
    digits: itoa::Buffer,
}

/// What is the same in all rows of a stream.
struct Layout {
    head: Vec<u8>,
    /// `"key":`, with the comma before it.
    keys: Vec<Vec<u8>>,
}

impl<W: Write> Json<W> {
    /// A sink for the rows of a plan.
    ///
    /// # Errors
    ///
    /// If a name cannot be written as JSON.
    pub fn new(plan: &Plan, out: W) -> io::Result<Self> {
        let statements = plan.statements.iter().enumerate();
        let streams =
            statements.flat_map(|(index, each)| each.streams.iter().map(move |s| (index, s)));
        let layouts: io::Result<_> = streams
            .map(|(index, stream)| Layout::new(index, stream))
            .collect();
        Ok(Self {
            out,
            streams: layouts?,
            line: Vec::with_capacity(512),
            digits: itoa::Buffer::new(),
        })
    }

    fn value(&mut self, value: Plain<'_>) -> io::Result<()> {
        match value {
            Plain::Null => self.line.extend_from_slice(b"null"),
            Plain::Bool(true) => self.line.extend_from_slice(b"true"),
            Plain::Bool(false) => self.line.extend_from_slice(b"false"),
            Plain::Int(value) => {
                let digits = match i64::try_from(value) {
                    Ok(short) => self.digits.format(short),
                    Err(_) => self.digits.format(value),
                };
                self.line.extend_from_slice(digits.as_bytes());
            }
            Plain::Float(value) => serde_json::to_writer(&mut self.line, &value)?,
            Plain::Text(text) => serde_json::to_writer(&mut self.line, &*text)?,
        }
        Ok(())
    }
}

impl Layout {
    fn new(statement: usize, stream: &StreamPlan) -> io::Result<Self> {
        let key = |(index, column): (usize, &iotq_lang::ir::Column)| {
            let mut key = if index == 0 { Vec::new() } else { vec![b','] };
            serde_json::to_writer(&mut key, &column.name)?;
            key.push(b':');
            Ok(key)
        };
        let keys: io::Result<_> = stream.columns.iter().enumerate().map(key).collect();
        Ok(Self {
            head: format!("{{\"type\":\"row\",\"query\":{statement},\"data\":{{").into_bytes(),
            keys: keys?,
        })
    }
}

impl<W: Write> Sink for Json<W> {
    fn row(&mut self, row: &Row<'_>) -> io::Result<()> {
        self.line.clear();
        let layout = &self.streams[row.stream];
        self.line.extend_from_slice(&layout.head);
        for (index, (value, ty)) in row.cells().enumerate() {
            self.line
                .extend_from_slice(&self.streams[row.stream].keys[index]);
            self.value(Plain::new(value, ty, row.names()))?;
        }
        self.line.extend_from_slice(b"}}\n");
        self.out.write_all(&self.line)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }

    fn finish(&mut self, summary: &Summary) -> io::Result<()> {
        let Summary {
            seen,
            shipped,
            lost,
            unmatched,
            seconds,
        } = summary;
        let seconds = (seconds * 1000.0).round() / 1000.0;
        writeln!(
            self.out,
            "{{\"type\":\"summary\",\"seen\":{seen},\"shipped\":{shipped},\"lost\":{lost},\
             \"unmatched\":{unmatched},\"seconds\":{seconds}}}"
        )?;
        self.flush()
    }
}
