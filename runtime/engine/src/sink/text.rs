//! Text for people: aligned columns with units.

mod map;
mod table;

use std::fmt::Write as _;
use std::io::{self, Write};

use iotq_lang::aggregate::Emitted;
use iotq_lang::plan::Plan;
use iotq_lang::value::Value;
use iotq_probes::catalogue::Type;
use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::plain::Plain;
use super::{Sink, Summary, picture, waterfall};
use crate::units::{Bytes, Nanoseconds};
use crate::{Group, Names, Row, Tree};
use map::Axis;
use table::{GUEST_WIDTH, LAYER_WIDTH, Table, pad};

/// Writes aligned columns.
pub struct Text<W> {
    out: W,
    zone: TimeZone,
    /// By the bits of the streams.
    streams: Vec<Table>,
    /// The stream of the last row: another one needs a header of its own.
    last: Option<usize>,
    line: String,
    cell: String,
    /// Trees and heat maps are drawn with letters alone.
    ascii: bool,
    /// Lines begin with the guest that they are of.
    guests: bool,
    /// Columns of the terminal that it is watched on.
    terminal: Option<usize>,
    /// What becomes of the axis of a heat map.
    axis: Axis,
}

impl<W: Write> Text<W> {
    /// A sink for the rows of a plan, with times told as in a zone.
    pub fn new(plan: &Plan, zone: TimeZone, out: W) -> Self {
        let several = plan.judged().nth(1).is_some();
        Self {
            out,
            zone,
            streams: plan
                .by_bits()
                .into_iter()
                .map(|(index, stream)| Table::new(&plan.statements[index], stream, several))
                .collect(),
            last: None,
            line: String::new(),
            cell: String::new(),
            ascii: false,
            guests: false,
            terminal: None,
            axis: Axis::Above,
        }
    }

    /// The same for terminals that have ASCII only.
    #[must_use]
    pub fn ascii(self, ascii: bool) -> Self {
        Self { ascii, ..self }
    }

    /// The same for rows of several guests, each of which tells of which.
    #[must_use]
    pub fn of_guests(self, guests: bool) -> Self {
        Self { guests, ..self }
    }

    /// The same for somebody who watches a terminal of so many columns: the axis of a heat map stays below its last line.
    #[must_use]
    pub fn watched(mut self, terminal: Option<usize>) -> Self {
        if let Some(columns) = terminal {
            self.streams.iter_mut().for_each(|it| it.fit(columns));
        }
        Self { terminal, ..self }
    }

    fn header(&mut self, stream: usize) -> io::Result<()> {
        let layer = self.streams[stream].layer.map(|_| "layer");
        self.begin(self.of_guest(stream, "guest"), layer);
        for column in &self.streams[stream].columns {
            pad(&mut self.line, &column.name, column.width, column.right);
        }
        self.write_line()
    }

    /// What tells the guest in a line of a stream, where there are several.
    fn of_guest<'a>(&self, stream: usize, name: &'a str) -> Option<&'a str> {
        let tells = self.guests && !self.streams[stream].grouped;
        tells.then_some(name)
    }

    /// What a line begins with, where there are several guests or layers.
    fn begin(&mut self, guest: Option<&str>, layer: Option<&str>) {
        self.line.clear();
        if let Some(guest) = guest {
            pad(&mut self.line, guest, GUEST_WIDTH, false);
        }
        if let Some(layer) = layer {
            pad(&mut self.line, layer, LAYER_WIDTH, false);
        }
    }

    fn write_line(&mut self) -> io::Result<()> {
        let line = self.line.trim_end();
        self.out.write_all(line.as_bytes())?;
        self.out.write_all(b"\n")
    }
}

impl<W: Write> Text<W> {
    /// A line of a stream's table, with a header where the stream before was another.
    fn table_line<'a>(
        &mut self,
        stream: usize,
        cells: impl Iterator<Item = (Value<'a>, Type)>,
        names: &dyn Names,
    ) -> io::Result<()> {
        self.leave_axis()?;
        if self.last != Some(stream) {
            self.header(stream)?;
            self.last = Some(stream);
        }
        let guest = self.of_guest(stream, names.guest().unwrap_or(""));
        self.begin(guest, self.streams[stream].layer);
        let table = &mut self.streams[stream];
        for ((value, ty), column) in cells.zip(&mut table.columns) {
            self.cell.clear();
            show(&mut self.cell, value, ty, &self.zone, names);
            column.width = column.width.max(self.cell.chars().count());
            pad(&mut self.line, &self.cell, column.width, column.right);
        }
        self.write_line()
    }

    /// A group with histograms: what else it has in a line, then each of them.
    fn drawing(&mut self, group: &Group<'_>) -> io::Result<()> {
        self.leave_axis()?;
        self.begin(None, self.streams[group.origin.stream].layer);
        let table = &self.streams[group.origin.stream];
        let mut pictures = String::new();
        for ((shown, ty), column) in whole(group, table.timed).zip(&table.columns) {
            match shown {
                Emitted::Value(value) => {
                    self.cell.clear();
                    self.cell.push_str(&column.name);
                    self.cell.push('=');
                    show(&mut self.cell, value, ty, &self.zone, group.origin.names);
                    pad(&mut self.line, &self.cell, 0, false);
                }
                Emitted::Histogram(it) => {
                    pictures += &format!("{}\n", column.name);
                    picture::draw(&mut pictures, it, ty);
                }
            }
        }
        self.last = None;
        if !self.line.is_empty() {
            self.write_line()?;
        }
        writeln!(self.out, "{pictures}")
    }
}

/// The time, the keys, and what else a group shows.
fn whole<'a>(group: &Group<'a>, timed: bool) -> impl Iterator<Item = (Emitted<'a>, Type)> {
    let at = (Emitted::Value(Value::Int(group.origin.at)), Type::Time);
    let keys = group.keys().map(|(key, ty)| (Emitted::Value(key), ty));
    let at = timed.then_some(at).into_iter();
    at.chain(keys).chain(group.cells())
}

impl<W: Write> Sink for Text<W> {
    fn row(&mut self, row: &Row<'_>) -> io::Result<()> {
        self.table_line(row.stream, row.cells(), row.names())
    }

    fn group(&mut self, group: &Group<'_>) -> io::Result<()> {
        let table = &self.streams[group.origin.stream];
        if table.drawn {
            return self.drawing(group);
        }
        if table.has_heat() {
            return self.shaded(group);
        }
        let cells = whole(group, table.timed).map(|(shown, ty)| match shown {
            Emitted::Value(value) => (value, ty),
            Emitted::Histogram(_) => (Value::Null, ty),
        });
        self.table_line(group.origin.stream, cells, group.origin.names)
    }

    fn tree(&mut self, tree: &Tree<'_>) -> io::Result<()> {
        let strokes = if self.ascii {
            waterfall::ASCII
        } else {
            waterfall::UTF8
        };
        self.leave_axis()?;
        self.last = None;
        self.line.clear();
        if let Some(guest) = tree.names.guest().filter(|_| self.guests) {
            self.line.push_str(guest);
            self.line.push('\n');
        }
        let mut cell = |out: &mut String, value: Value<'_>, ty| {
            show(out, value, ty, &self.zone, tree.names);
        };
        waterfall::draw(&mut self.line, tree, &strokes, &mut cell);
        self.out.write_all(self.line.as_bytes())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.axis_below()?;
        self.out.flush()
    }

    /// The summary is not data: it is shown elsewhere.
    fn finish(&mut self, _: &Summary) -> io::Result<()> {
        self.flush()
    }
}

fn show(cell: &mut String, value: Value<'_>, ty: Type, zone: &TimeZone, names: &dyn Names) {
    if let Value::Int(value) = value {
        match ty {
            Type::Duration => return append(cell, Nanoseconds(value)),
            Type::Bytes => return append(cell, Bytes(value)),
            Type::Time => return time(cell, value, zone),
            _ => {}
        }
    }
    match Plain::new(value, ty, names) {
        Plain::Null => cell.push('-'),
        Plain::Bool(value) => append(cell, value),
        Plain::Int(value) => append(cell, value),
        Plain::Float(value) => append(cell, format_args!("{value:.3}")),
        Plain::Text(text) => escaped(cell, &text),
    }
}

/// `HH:MM:SS.ffffff`
fn time(cell: &mut String, ns: i128, zone: &TimeZone) {
    let Ok(at) = Timestamp::from_nanosecond(ns) else {
        return append(cell, ns);
    };
    let at = zone.to_datetime(at);
    let micros = at.subsec_nanosecond() / 1_000;
    append(
        cell,
        format_args!(
            "{:02}:{:02}:{:02}.{micros:06}",
            at.hour(),
            at.minute(),
            at.second()
        ),
    );
}

fn append(cell: &mut String, value: impl std::fmt::Display) {
    // A `String` takes everything: there is no error to return.
    let _ = write!(cell, "{value}");
}

/// A text cannot do more than be read: what would move the cursor, or is not visible, is spelled out.
fn escaped(cell: &mut String, text: &str) {
    for c in text.chars() {
        if matches!(c, '"' | '\'') {
            cell.push(c);
        } else {
            cell.extend(c.escape_debug());
        }
    }
}
