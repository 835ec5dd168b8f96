//! A heat map: each histogram is a line of shades, and all lines of a column stand above one axis.
//!
//! The axis grows with the values, by whole powers of two, so that it soon stays as it is. A cell is a sixteenth of a power
//! of two, or as many of these as it takes for the axis to find room.

use iotq_lang::aggregate::{Histogram, Scale};
use iotq_probes::catalogue::Type;

use super::picture::shown;

/// Cells of a line, at most, where nobody says how much room there is.
const WIDTH: usize = 64;
/// What is wide enough to tell something.
const LEAST: usize = 16;
/// log2 of the buckets of a power of two.
const POWER: u32 = 4;
/// Powers of two that an axis of durations has at least.
const SPAN: i32 = 7;

/// From the palest. Each stands for four times the count of the one before; the darkest, for half of the largest and more.
const SHADES: [[char; 5]; 2] = [['·', '░', '▒', '▓', '█'], ['.', ':', '+', '#', '@']];

/// A column of histograms.
pub(super) struct Heat {
    ty: Type,
    width: usize,
    /// None before the first value.
    axis: Option<Axis>,
    /// The largest count of a cell so far.
    most: u64,
}

/// The buckets that have cells.
#[derive(Clone, Copy, PartialEq)]
struct Axis {
    first: i32,
    last: i32,
    /// log2 of the buckets in a cell.
    join: u32,
}

impl Axis {
    fn new(first: i32, last: i32, width: usize) -> Self {
        let cells = |join: u32| usize::try_from((last >> join) - (first >> join)).unwrap_or(0) + 1;
        let join = (0..i32::BITS - 1).find(|&join| cells(join) <= width);
        let join = join.unwrap_or(i32::BITS - 1);
        Self { first, last, join }
    }

    /// The cell of a bucket.
    fn cell(self, bucket: i32) -> Option<usize> {
        usize::try_from((bucket >> self.join) - (self.first >> self.join)).ok()
    }

    /// The cell in which a value lies.
    fn cell_of(self, value: i128) -> Option<usize> {
        let bucket = Scale::Log.index(value);
        let is_here = self.first <= bucket && bucket <= self.last;
        is_here.then(|| self.cell(bucket)).flatten()
    }

    fn cells(self) -> usize {
        self.cell(self.last).unwrap_or(0) + 1
    }
}

impl Heat {
    /// For values of a type.
    pub fn new(ty: Type) -> Self {
        Self {
            ty,
            width: WIDTH,
            axis: None,
            most: 0,
        }
    }

    /// The most cells that a line has.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Takes no more than so much room, if that is enough to tell something.
    pub fn fit(&mut self, width: usize) {
        self.width = width.clamp(LEAST, WIDTH);
    }

    /// Whether the axis has room for all values of a histogram.
    pub fn has_room(&self, histogram: &Histogram) -> bool {
        let Some((first, last)) = ends(histogram) else {
            return true;
        };
        let has_room = |axis: Axis| axis.first <= first && last <= axis.last;
        self.axis.is_some_and(has_room)
    }

    /// Makes room for the values of a histogram.
    pub fn widen(&mut self, histogram: &Histogram) {
        let Some((first, last)) = ends(histogram).filter(|_| !self.has_room(histogram)) else {
            return;
        };
        let power = 1 << POWER;
        let known = self.axis.map_or((first, last), |it| (it.first, it.last));
        let (mut first, mut last) = (first.min(known.0) & -power, last.max(known.1) | (power - 1));
        // What is slow comes late: room for that, too. And a few powers cost nothing where cells are fine.
        if self.axis.is_none_or(|axis| axis.last < last) {
            last += power;
        }
        while self.ty == Type::Duration && last - first + 1 < SPAN * power {
            (first, last) = (first.min((first - power).max(0)), last + power);
        }
        self.axis = Some(Axis::new(first, last, self.width));
        self.most = 0;
    }

    /// The line of a histogram that has room.
    pub fn line(&mut self, histogram: &Histogram, ascii: bool) -> String {
        let Some(axis) = self.axis else {
            return String::new();
        };
        let mut counts = vec![0; axis.cells()];
        for (bucket, count) in histogram.numbered() {
            if let Some(cell) = axis.cell(bucket).and_then(|cell| counts.get_mut(cell)) {
                *cell += count;
            }
        }
        self.most = counts.iter().copied().fold(self.most, u64::max);
        let shades = SHADES[usize::from(ascii)];
        counts
            .iter()
            .map(|&count| shade(count, self.most).map_or(' ', |shade| shades[shade]))
            .collect()
    }

    /// Round values, where their cells begin: as many as find room.
    pub fn axis(&self) -> String {
        let mut line = vec![' '; self.width];
        let Some(axis) = self.axis else {
            return String::new();
        };
        let (base, parts) = round(self.ty);
        for (index, parts) in parts.iter().enumerate() {
            let mut fuller = line.clone();
            let mut all = true;
            for value in multiples(base, parts) {
                let label = format!("|{}", brief(&shown(value, self.ty)));
                all &= axis
                    .cell_of(value)
                    .is_none_or(|at| put(&mut fuller, at, &label));
            }
            // Some of them, and not others, would look as if the axis was uneven.
            if all || index == 0 {
                line = fuller;
            }
        }
        line.into_iter().collect::<String>().trim_end().to_owned()
    }
}

/// Writes a label with a blank around it, if there is room, and says whether there was; at the end none is needed.
fn put(line: &mut [char], at: usize, label: &str) -> bool {
    let end = at + label.chars().count();
    if end > line.len() {
        return true;
    }
    let around = at.saturating_sub(1)..(end + 1).min(line.len());
    let is_free = line[around].iter().all(|&c| c == ' ');
    if is_free {
        line.iter_mut()
            .skip(at)
            .zip(label.chars())
            .for_each(|(place, c)| *place = c);
    }
    is_free
}

/// The first and the last bucket that has values.
fn ends(histogram: &Histogram) -> Option<(i32, i32)> {
    let mut buckets = histogram.numbered().map(|(bucket, _)| bucket);
    let first = buckets.next()?;
    Some((first, buckets.next_back().unwrap_or(first)))
}

/// A count that is there is seen.
fn shade(count: u64, most: u64) -> Option<usize> {
    let (count, most) = (u128::from(count), u128::from(most));
    let steps = [128, 32, 8, 2];
    let reached = steps.iter().filter(|&&step| count * step >= most).count();
    (count > 0).then_some(reached)
}

/// The powers of what are round, and which of their multiples are less so, step by step.
fn round(ty: Type) -> (i128, &'static [&'static [i128]]) {
    match ty {
        Type::Bytes => (1024, &[&[1], &[32], &[4, 256], &[2, 8, 16, 64, 128, 512]]),
        _ => (10, &[&[1], &[5], &[2]]),
    }
}

fn multiples(base: i128, parts: &[i128]) -> impl Iterator<Item = i128> {
    let powers = (0..36).map_while(move |power| base.checked_pow(power));
    let sizes = powers.flat_map(|power| {
        parts
            .iter()
            .filter_map(move |&part| power.checked_mul(part))
    });
    std::iter::once(0).chain(sizes.flat_map(|size| [size, -size]))
}

/// Without zeros behind the point: `10us`.
fn brief(text: &str) -> String {
    let Some((whole, rest)) = text.split_once('.') else {
        return text.to_owned();
    };
    let unit = rest.trim_start_matches(|c: char| c.is_ascii_digit());
    let fraction = rest[..rest.len() - unit.len()].trim_end_matches('0');
    let point = if fraction.is_empty() { "" } else { "." };
    format!("{whole}{point}{fraction}{unit}")
}
