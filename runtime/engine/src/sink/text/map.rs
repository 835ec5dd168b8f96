//! Heat maps in a table: a line of shades for each group, above or below an axis.
//!
//! In a file the axis stands above the lines, and again where it changes. On a terminal it stays below the last line: it is
//! taken away before the next line and written anew behind it.

use std::io::{self, Write};

use iotq_lang::aggregate::Emitted;

use super::{Text, pad, show, whole};
use crate::Group;

/// Where the axis of the last heat map is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Axis {
    /// Above it, or there is none.
    Above,
    /// It has to be written below the last line of this stream.
    Due(usize),
    /// It is the last line, and belongs to this stream.
    Below(usize),
}

/// To the line above, and away with what is there.
const TAKE_AWAY: &[u8] = b"\r\x1b[1A\x1b[J";

impl<W: Write> Text<W> {
    /// A group with heat maps as a line.
    pub(super) fn shaded(&mut self, group: &Group<'_>) -> io::Result<()> {
        let stream = group.origin.stream;
        let is_new = self.last != Some(stream);
        let has_room = self.has_room(group);
        if is_new || !has_room {
            self.leave_axis()?;
            self.widen(group);
        } else if self.axis == Axis::Below(stream) {
            self.out.write_all(TAKE_AWAY)?;
        }
        if is_new {
            self.header(stream)?;
            self.last = Some(stream);
        }
        if self.terminal.is_some() {
            self.axis = Axis::Due(stream);
        } else if is_new || !has_room {
            self.axis_line(stream)?;
        }
        self.shades(group)
    }

    /// Whether the axes have room for all values of a group.
    fn has_room(&self, group: &Group<'_>) -> bool {
        let table = &self.streams[group.origin.stream];
        let mut cells = whole(group, table.timed).zip(&table.columns);
        cells.all(|((shown, _), column)| match (shown, &column.heat) {
            (Emitted::Histogram(histogram), Some(heat)) => heat.has_room(histogram),
            _ => true,
        })
    }

    fn widen(&mut self, group: &Group<'_>) {
        let table = &mut self.streams[group.origin.stream];
        for ((shown, _), column) in whole(group, table.timed).zip(&mut table.columns) {
            if let (Emitted::Histogram(histogram), Some(heat)) = (shown, &mut column.heat) {
                heat.widen(histogram);
            }
        }
    }

    fn shades(&mut self, group: &Group<'_>) -> io::Result<()> {
        self.begin(None, self.streams[group.origin.stream].layer);
        let table = &mut self.streams[group.origin.stream];
        for ((shown, ty), column) in whole(group, table.timed).zip(&mut table.columns) {
            self.cell.clear();
            match (shown, &mut column.heat) {
                (Emitted::Histogram(it), Some(heat)) => self.cell = heat.line(it, self.ascii),
                (Emitted::Value(value), _) => {
                    show(&mut self.cell, value, ty, &self.zone, group.origin.names);
                }
                (Emitted::Histogram(_), None) => {}
            }
            column.width = column.width.max(self.cell.chars().count());
            pad(&mut self.line, &self.cell, column.width, column.right);
        }
        self.write_line()
    }

    /// The axes of a stream's heat maps, each below or above its cells; nothing before there are values.
    fn axis_line(&mut self, stream: usize) -> io::Result<()> {
        self.begin(None, self.streams[stream].layer.map(|_| ""));
        for column in &self.streams[stream].columns {
            let axis = column.heat.as_ref().map(|heat| heat.axis());
            let axis = axis.unwrap_or_default();
            pad(&mut self.line, &axis, column.width, false);
        }
        match self.line.trim_end() {
            "" => Ok(()),
            _ => self.write_line(),
        }
    }

    /// Writes the axis that is due. A line that the terminal breaks could not be taken away: then it stays.
    pub(super) fn axis_below(&mut self) -> io::Result<()> {
        let Axis::Due(stream) = self.axis else {
            return Ok(());
        };
        self.axis_line(stream)?;
        let length = self.line.trim_end().chars().count();
        let room = self.terminal.unwrap_or(0);
        self.axis = if (1..room).contains(&length) {
            Axis::Below(stream)
        } else {
            Axis::Above
        };
        Ok(())
    }

    /// Something else is written behind it: the axis that was below stays where it is.
    pub(super) fn leave_axis(&mut self) -> io::Result<()> {
        self.axis_below()?;
        self.axis = Axis::Above;
        Ok(())
    }
}
