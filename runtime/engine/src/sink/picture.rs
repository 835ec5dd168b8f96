//! A histogram drawn: a line for each bucket, with a bar, and with the percentiles that lie in it.

use std::fmt::Write as _;

use iotq_lang::aggregate::{Histogram, Scale};
use iotq_probes::catalogue::Type;

use crate::units::{Bytes, Nanoseconds};

/// Buckets are joined, at most to powers of two, until they fit into so many lines.
const LINES: usize = 24;
/// The most steps of that: 16 buckets for each power of two.
const JOINED: u32 = 4;
/// Characters of the longest bar.
const WIDTH: u64 = 40;
/// More empty lines in a row than this are left out.
const EMPTY: usize = 2;

const MARKS: [(&str, f64); 4] = [("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p999", 0.999)];

/// Buckets that are drawn as one.
struct Bar {
    label: String,
    count: u64,
    marks: String,
}

/// Draws a histogram of values of a type.
pub(super) fn draw(out: &mut String, histogram: &Histogram, ty: Type) {
    let bars = bars(histogram, ty);
    let most = bars.iter().map(|bar| bar.count).max().unwrap_or(0).max(1);
    let labels = bars.iter().map(|bar| bar.label.chars().count());
    let label_width = labels.max().unwrap_or(0);
    let count_width = most.to_string().len();
    for group in bars.chunk_by(|a, b| a.count == 0 && b.count == 0) {
        if group.len() > EMPTY {
            let _ = writeln!(out, "  {:>label_width$}", "…");
            continue;
        }
        for Bar {
            label,
            count,
            marks,
        } in group
        {
            let line = format!(
                "  {label:>label_width$}  {count:>count_width$}  {:<1$}{marks}",
                bar(*count, most),
                usize::try_from(WIDTH).unwrap_or(0)
            );
            let _ = writeln!(out, "{}", line.trim_end());
        }
    }
}

/// From the first bucket with values to the last, those without between them, too.
fn bars(histogram: &Histogram, ty: Type) -> Vec<Bar> {
    let (Some((first, _)), Some((last, _))) = (
        histogram.numbered().next(),
        histogram.numbered().next_back(),
    ) else {
        return Vec::new();
    };
    let scale = histogram.scale();
    let join = match scale {
        Scale::Log => (0..JOINED)
            .find(|join| lines(histogram, *join) <= LINES)
            .unwrap_or(JOINED),
        Scale::Linear(_) => 0,
    };
    let mut counts = vec![0; usize::try_from((last >> join) - (first >> join) + 1).unwrap_or(1)];
    let mut marks = vec![String::new(); counts.len()];
    let line = |index: i32| usize::try_from((index >> join) - (first >> join)).unwrap_or(0);
    for (index, count) in histogram.numbered() {
        counts[line(index)] += count;
    }
    for (name, share) in MARKS {
        // Of fewer values, it would be the largest of them.
        let told = histogram.total() as f64 * (1.0 - share) >= 1.0 - 1e-9;
        if let (true, Some(index)) = (told, histogram.quantile_bucket(share)) {
            let value = histogram.quantile(share).map(|value| shown(value, ty));
            let (low, high) = scale.bounds(index);
            let value = value.filter(|_| low.is_some() && high.is_some());
            let _ = write!(marks[line(index)], "  {name} {}", value.unwrap_or_default());
        }
    }
    let bar = |(at, (count, marks)): (i32, (u64, String))| {
        let fine = ((first >> join) + at) << join;
        let (low, high) = (scale.bounds(fine).0, scale.bounds(fine + (1 << join) - 1).1);
        Bar {
            label: label(low, high, ty),
            count,
            marks,
        }
    };
    (0..).zip(counts.into_iter().zip(marks)).map(bar).collect()
}

/// How many lines it has with so many buckets joined.
fn lines(histogram: &Histogram, join: u32) -> usize {
    let mut lines = 0;
    let mut before: Option<i32> = None;
    for (index, _) in histogram.numbered() {
        let line = index >> join;
        lines += match before.map(|before| line - before) {
            Some(0) => 0,
            None => 1,
            Some(step) => match usize::try_from(step - 1).unwrap_or(0) {
                gap if gap > EMPTY => 2,
                gap => gap + 1,
            },
        };
        before = Some(line);
    }
    lines
}

/// `[64us, 128us)`; of a single value `[3]`.
fn label(low: Option<i128>, high: Option<i128>, ty: Type) -> String {
    match (low, high) {
        (Some(low), Some(high)) if low + 1 == high => format!("[{}]", shown(low, ty)),
        (Some(low), Some(high)) => format!("[{}, {})", shown(low, ty), shown(high, ty)),
        (Some(low), None) => format!("[{}, …)", shown(low, ty)),
        (None, Some(high)) => format!("(…, {})", shown(high, ty)),
        (None, None) => String::new(),
    }
}

/// A value in the unit of its type.
pub(super) fn shown(value: i128, ty: Type) -> String {
    match ty {
        Type::Duration => Nanoseconds(value).to_string(),
        Type::Bytes => Bytes(value).to_string(),
        _ => value.to_string(),
    }
}

/// In eighths of a character; a count that is there is seen.
fn bar(count: u64, most: u64) -> String {
    const PARTS: [char; 8] = ['▏', '▎', '▍', '▌', '▋', '▊', '▉', '█'];
    let eighths = u128::from(count) * u128::from(8 * WIDTH) / u128::from(most);
    let eighths = usize::try_from(eighths)
        .unwrap_or(0)
        .max(usize::from(count > 0));
    let mut bar = "█".repeat(eighths / 8);
    bar.extend((eighths % 8).checked_sub(1).map(|part| PARTS[part]));
    bar
}
