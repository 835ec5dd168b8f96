//! JSON: one object a line.

use std::io::{self, Write};

use iotq_lang::aggregate::{Emitted, Histogram};
use iotq_lang::ir::Column;
use iotq_lang::plan::{GroupPlan, Plan, StreamPlan};

use super::plain::Plain;
use super::{Sink, Summary};
use crate::{Group, Names, Node, Row, Tree};

/// Writes JSON lines.
pub struct Json<W> {
    out: W,
    /// By the bits of the streams.
    streams: Vec<Layout>,
    /// One line, so that the output gets it whole.
    line: Vec<u8>,
    digits: itoa::Buffer,
}

/// What is the same in all rows or groups of a stream.
struct Layout {
    head: Vec<u8>,
    /// `"key":`, with the comma before it.
    keys: Vec<Vec<u8>>,
    /// The same, of the keys of groups.
    by: Vec<Vec<u8>>,
}

impl<W: Write> Json<W> {
    /// A sink for the rows of a plan.
    ///
    /// # Errors
    ///
    /// If a name cannot be written as JSON.
    pub fn new(plan: &Plan, out: W) -> io::Result<Self> {
        let streams = plan.by_bits().into_iter().map(|(index, stream)| {
            let alone = plan.statements[index].streams.len() == 1;
            (index, stream, alone)
        });
        let layouts: io::Result<_> = streams
            .map(|(index, stream, alone)| match &stream.groups {
                Some(groups) => Layout::of_groups(index, stream, groups, alone),
                None => Layout::of_rows(index, stream),
            })
            .collect();
        Ok(Self {
            out,
            streams: layouts?,
            line: Vec::with_capacity(512),
            digits: itoa::Buffer::new(),
        })
    }

    /// What it writes to.
    #[cfg(test)]
    pub(crate) fn written(&self) -> &W {
        &self.out
    }

    /// The guest that a row is of, if it is one's.
    fn guest(&mut self, names: &dyn Names) -> io::Result<()> {
        if let Some(guest) = names.guest() {
            self.line.extend_from_slice(b"\"guest\":");
            serde_json::to_writer(&mut self.line, guest)?;
            self.line.push(b',');
        }
        Ok(())
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

impl<W: Write> Json<W> {
    /// The members of an operation of a tree.
    fn node(&mut self, node: &Node<'_>, names: &dyn Names) -> io::Result<()> {
        let head = format!(
            "\"layer\":\"{}\",\"start\":{},\"data\":{{",
            node.layer.name, node.start
        );
        self.line.extend_from_slice(head.as_bytes());
        for (index, (name, value, ty)) in node.cells().enumerate() {
            if index > 0 {
                self.line.push(b',');
            }
            serde_json::to_writer(&mut self.line, name)?;
            self.line.push(b':');
            self.value(Plain::new(value, ty, names))?;
        }
        self.line.push(b'}');
        if let Some(parts) = node.parts {
            self.line.extend_from_slice(b",\"beyond\":{");
            for (name, ns) in parts.named() {
                write!(self.line, "\"{name}\":{ns},")?;
            }
            write!(self.line, "\"uncertainty\":{}}}", parts.uncertainty)?;
        }
        self.line.extend_from_slice(b",\"children\":[");
        for (index, child) in node.children.iter().enumerate() {
            self.line
                .extend_from_slice(if index > 0 { b",{" } else { b"{" });
            self.node(child, names)?;
            self.line.push(b'}');
        }
        self.line.push(b']');
        Ok(())
    }
}

impl Layout {
    fn of_rows(statement: usize, stream: &StreamPlan) -> io::Result<Self> {
        Ok(Self {
            head: format!("{{\"type\":\"row\",\"query\":{statement},").into_bytes(),
            keys: keys(&stream.columns)?,
            by: Vec::new(),
        })
    }

    /// `alone`: the statement has no other streams that it must be told from.
    fn of_groups(
        statement: usize,
        stream: &StreamPlan,
        groups: &GroupPlan,
        alone: bool,
    ) -> io::Result<Self> {
        let mut head = format!("{{\"type\":\"group\",\"query\":{statement},");
        if !alone {
            head += &format!("\"point\":\"{}.{}\",", stream.layer.name, stream.point.name);
        }
        Ok(Self {
            head: head.into_bytes(),
            keys: keys(&groups.columns)?,
            by: keys(&groups.by)?,
        })
    }
}

fn keys(columns: &[Column]) -> io::Result<Vec<Vec<u8>>> {
    let key = |(index, column): (usize, &Column)| {
        let mut key = if index == 0 { Vec::new() } else { vec![b','] };
        serde_json::to_writer(&mut key, &column.name)?;
        key.push(b':');
        Ok(key)
    };
    columns.iter().enumerate().map(key).collect()
}

/// `[[low,high,count],…]`; a bound that there is not is null.
pub(super) fn histogram(histogram: &Histogram) -> String {
    let bound = |bound: Option<i128>| bound.map_or("null".to_owned(), |value| value.to_string());
    let buckets = histogram.buckets().map(|bucket| {
        format!(
            "[{},{},{}]",
            bound(bucket.low),
            bound(bucket.high),
            bucket.count
        )
    });
    format!("[{}]", buckets.collect::<Vec<_>>().join(","))
}

impl<W: Write> Sink for Json<W> {
    fn row(&mut self, row: &Row<'_>) -> io::Result<()> {
        self.line.clear();
        let layout = &self.streams[row.stream];
        self.line.extend_from_slice(&layout.head);
        self.guest(row.names())?;
        self.line.extend_from_slice(b"\"data\":{");
        for (index, (value, ty)) in row.cells().enumerate() {
            self.line
                .extend_from_slice(&self.streams[row.stream].keys[index]);
            self.value(Plain::new(value, ty, row.names()))?;
        }
        self.line.extend_from_slice(b"}}\n");
        self.out.write_all(&self.line)
    }

    fn group(&mut self, group: &Group<'_>) -> io::Result<()> {
        let (stream, names) = (group.origin.stream, group.origin.names);
        self.line.clear();
        self.line.extend_from_slice(&self.streams[stream].head);
        self.line.extend_from_slice(b"\"at\":");
        self.value(Plain::Int(group.origin.at))?;
        self.line.extend_from_slice(b",\"by\":{");
        for (index, (value, ty)) in group.keys().enumerate() {
            self.line.extend_from_slice(&self.streams[stream].by[index]);
            self.value(Plain::new(value, ty, names))?;
        }
        self.line.extend_from_slice(b"},\"data\":{");
        for (index, (shown, ty)) in group.cells().enumerate() {
            self.line
                .extend_from_slice(&self.streams[stream].keys[index]);
            match shown {
                Emitted::Value(value) => self.value(Plain::new(value, ty, names))?,
                Emitted::Histogram(it) => {
                    write!(self.line, "{{\"hist\":{}}}", histogram(it))?;
                }
            }
        }
        self.line.extend_from_slice(b"}}\n");
        self.out.write_all(&self.line)
    }

    fn tree(&mut self, tree: &Tree<'_>) -> io::Result<()> {
        self.line.clear();
        let head = format!("{{\"type\":\"tree\",\"query\":{},", tree.statement);
        self.line.extend_from_slice(head.as_bytes());
        self.guest(tree.names)?;
        self.node(&tree.root, tree.names)?;
        self.line.extend_from_slice(b"}\n");
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
            grouped,
            ungrouped,
            crossed,
        } = summary;
        let seconds = (seconds * 1000.0).round() / 1000.0;
        write!(
            self.out,
            "{{\"type\":\"summary\",\"seen\":{seen},\"shipped\":{shipped},\"lost\":{lost},\
             \"unmatched\":{unmatched},"
        )?;
        for (name, count) in [("grouped", grouped), ("ungrouped", ungrouped)] {
            if *count > 0 {
                write!(self.out, "\"{name}\":{count},")?;
            }
        }
        if let Some(it) = crossed {
            write!(
                self.out,
                "\"joined\":{},\"unseen\":{},\"untimely\":{},\"uncertainty\":{},",
                it.joined, it.unseen, it.untimely, it.uncertainty_ns
            )?;
        }
        writeln!(self.out, "\"seconds\":{seconds}}}")?;
        self.flush()
    }
}
