//! Diagnostics for people. The only file that knows ariadne.

use std::ops::Range;

use ariadne::{Color, Config, IndexType, Label, Report, ReportKind};

use super::{Diagnostic, Errors};
use crate::source::{Sources, Span};

/// So many errors are shown; what is behind them mostly follows from them.
const SHOWN: usize = 20;

/// Lines longer than this are not quoted.
const LONGEST_LINE: usize = 1000;

/// The text of all errors, with colours if they are wanted.
pub fn render(errors: &Errors, sources: &Sources, color: bool) -> String {
    let mut out = String::new();
    for error in errors.0.iter().take(SHOWN) {
        out.push_str(&one(error, sources, color));
    }
    if errors.0.len() > SHOWN {
        out.push_str(&format!("and {} more errors\n", errors.0.len() - SHOWN));
    }
    out
}

/// The name of a source and a place in it.
type Place = (String, Range<usize>);

fn one(error: &Diagnostic, sources: &Sources, color: bool) -> String {
    let quotable = error
        .labels
        .iter()
        .all(|label| is_quotable(label.span, sources));
    let first = error.labels.first().filter(|_| quotable);
    first
        .and_then(|first| quoted(error, first.span, sources, color))
        .unwrap_or_else(|| plain(error, sources))
}

/// With the lines of the source.
fn quoted(error: &Diagnostic, at: Span, sources: &Sources, color: bool) -> Option<String> {
    let config = Config::default()
        .with_color(color)
        .with_index_type(IndexType::Byte);
    let mut report = Report::build(ReportKind::Error, place(at, sources))
        .with_config(config)
        .with_code(error.code.id)
        .with_message(&error.message);
    for (index, label) in error.labels.iter().enumerate() {
        let color = if index == 0 { Color::Red } else { Color::Blue };
        let place = place(label.span, sources);
        report = report.with_label(
            Label::new(place)
                .with_message(&label.text)
                .with_color(color),
        );
    }
    for help in &error.help {
        report = report.with_help(help);
    }
    let texts = sources
        .0
        .iter()
        .map(|source| (source.name.clone(), source.text.clone()));
    let mut out = Vec::new();
    report
        .finish()
        .write(ariadne::sources(texts), &mut out)
        .ok()?;
    let text = String::from_utf8(out).ok()?;
    let lines: Vec<_> = text.lines().map(str::trim_end).collect();
    Some(lines.join("\n") + "\n")
}

fn place(span: Span, sources: &Sources) -> Place {
    let name = sources
        .0
        .get(index(span.file))
        .map_or("", |source| &source.name);
    (name.to_owned(), index(span.start)..index(span.end))
}

fn index(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

/// Whether the lines of a place are there and short enough.
fn is_quotable(span: Span, sources: &Sources) -> bool {
    let Some(source) = sources.0.get(index(span.file)) else {
        return false;
    };
    let (start, end) = (index(span.start), index(span.end));
    let (Some(before), Some(after)) = (source.text.get(..start), source.text.get(end..)) else {
        return false;
    };
    let first = before.rfind('\n').map_or(0, |at| at + 1);
    let last = after.find('\n').map_or(source.text.len(), |at| end + at);
    start <= end
        && source.text[first..last]
            .lines()
            .all(|line| line.len() <= LONGEST_LINE)
}

/// Without the source: for errors that have no place, or one that cannot be shown.
fn plain(error: &Diagnostic, sources: &Sources) -> String {
    let mut out = format!("[{}] Error: {}\n", error.code.id, error.message);
    for label in &error.labels {
        let (name, range) = place(label.span, sources);
        let before = sources
            .0
            .get(index(label.span.file))
            .and_then(|source| source.text.get(..range.start))
            .unwrap_or("");
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or("").chars().count() + 1;
        out.push_str(&format!("  {name}:{line}:{column}: {}\n", label.text));
    }
    for help in &error.help {
        out.push_str(&format!("  help: {help}\n"));
    }
    out
}
