//! A request drawn for people: its stages as shares, what it caused along the time.

use std::fmt::Write as _;

use iotq_lang::value::Value;
use iotq_probes::catalogue::{Named, Type};

use crate::units::Nanoseconds;
use crate::{Node, Tree};

/// Cells of the axis.
const WIDTH: usize = 40;
/// Characters before the axis, at most: what is longer pushes it aside.
const LABEL: usize = 96;

/// Characters of a stage's name.
const STAGE: usize = 9;

/// What is said of an operation or a stage, and its bar.
type Line = (String, String);

/// What bars and branches are made of.
pub(super) struct Strokes {
    branch: &'static str,
    last: &'static str,
    line: &'static str,
    gap: &'static str,
    /// Time in a queue, and time at work.
    queued: char,
    busy: char,
    edges: [char; 2],
}

pub(super) const UTF8: Strokes = Strokes {
    branch: "├─ ",
    last: "└─ ",
    line: "│  ",
    gap: "   ",
    queued: '░',
    busy: '█',
    edges: ['▕', '▏'],
};

pub(super) const ASCII: Strokes = Strokes {
    branch: "|- ",
    last: "`- ",
    line: "|  ",
    gap: "   ",
    queued: '.',
    busy: '#',
    edges: ['|', '|'],
};

/// Writes a value as it is in tables.
pub(super) type Show<'a> = dyn FnMut(&mut String, Value<'_>, Type) + 'a;

/// Draws a tree, each line with its end.
pub(super) fn draw(out: &mut String, tree: &Tree<'_>, strokes: &Strokes, show: &mut Show<'_>) {
    let root = &tree.root;
    let whole = root.lat.unwrap_or(0);
    describe(out, root, None, show);
    out.push('\n');
    let mut lines = stages(root, whole, strokes);
    let count = root.children.len();
    let within = Within { root, strokes };
    for (index, child) in root.children.iter().enumerate() {
        let is_last = index + 1 == count;
        node(&mut lines, child, "", is_last, &within, show);
    }
    let longest = lines.iter().map(|(label, _)| label.chars().count());
    let width = longest.max().unwrap_or(0).min(LABEL);
    for (mut label, bar) in lines {
        let space = width.saturating_sub(label.chars().count()) + 1;
        label.extend(std::iter::repeat_n(' ', space));
        let _ = writeln!(out, "{}", (label + &bar).trim_end());
    }
    out.push('\n');
}

/// The parts that are there, each with its share.
fn stages(root: &Node<'_>, whole: i128, strokes: &Strokes) -> Vec<Line> {
    let line = if root.children.is_empty() {
        strokes.gap
    } else {
        strokes.line
    };
    let stages: Vec<_> = root.stages().filter(|(_, ns)| *ns > 0).collect();
    let names = stages.iter().map(|(name, _)| name.len());
    let width = names.fold(STAGE, usize::max);
    let drawn = stages.into_iter().map(|(name, ns)| {
        let share = ns as f64 / whole.max(1) as f64;
        let filled = (share * WIDTH as f64).round() as usize;
        let time = Nanoseconds(ns).to_string();
        let bar: String = std::iter::repeat_n(strokes.busy, filled.min(WIDTH)).collect();
        let label = format!("{line}{name:width$}{time:>8}{:>6.1}%", share * 100.0);
        // As far from the edge as those of what it caused.
        (label, format!(" {bar}"))
    });
    drawn.collect()
}

/// What the operations of a tree are drawn in.
struct Within<'a> {
    root: &'a Node<'a>,
    strokes: &'a Strokes,
}

fn node(
    lines: &mut Vec<Line>,
    it: &Node<'_>,
    indent: &str,
    is_last: bool,
    within: &Within<'_>,
    show: &mut Show<'_>,
) {
    let strokes = within.strokes;
    let branch = if is_last {
        strokes.last
    } else {
        strokes.branch
    };
    let mut text = format!("{indent}{branch}{} ", it.layer.name);
    describe(&mut text, it, Some(within.root), show);
    lines.push((text, axis(it, within)));
    let indent = format!(
        "{indent}{}",
        if is_last { strokes.gap } else { strokes.line }
    );
    let count = it.children.len();
    for (index, child) in it.children.iter().enumerate() {
        let is_last = index + 1 == count;
        node(lines, child, &indent, is_last, within, show);
    }
}

/// Where on the time of the root it lies: first its time in the queue, then the rest.
fn axis(it: &Node<'_>, within: &Within<'_>) -> String {
    let strokes = within.strokes;
    let whole = within.root.lat.unwrap_or(0);
    let at = |ns: i128| {
        let share = ns as f64 / whole.max(1) as f64;
        (share * WIDTH as f64).clamp(0.0, WIDTH as f64)
    };
    let lat = it.lat.unwrap_or(0);
    let (start, end) = (at(it.start), at(it.start + lat));
    let issued = at(it.start + it.duration("q2d").unwrap_or(0));
    let first = (start.floor() as usize).min(WIDTH - 1);
    // Whatever took time is at least one cell wide.
    let behind = (end.ceil() as usize).clamp(first + 1, WIDTH);
    let cell = |index: usize| {
        let middle = index as f64 + 0.5;
        if index < first || index >= behind {
            ' '
        } else if middle < issued {
            strokes.queued
        } else {
            strokes.busy
        }
    };
    let bar: String = (0..WIDTH).map(cell).collect();
    format!("{}{bar}{}", strokes.edges[0], strokes.edges[1])
}

/// Its columns: names and words as they are, numbers behind their names. What its root tells already is left out below it:
/// when it was, and who did it, unless that is somebody else.
fn describe(out: &mut String, it: &Node<'_>, root: Option<&Node<'_>>, show: &mut Show<'_>) {
    let told = |name: &str, value: &Value<'_>| match (root, name) {
        (Some(_), "time" | "pid") => true,
        (Some(root), "comm") => {
            let mut cells = root.cells();
            !cells.any(|(of_root, other, _)| of_root == name && other != *value)
        }
        _ => false,
    };
    let stages: Vec<&str> = it.stages().map(|(name, _)| name).collect();
    let mut first = true;
    for (name, value, ty) in it.cells() {
        let nothing = matches!(value, Value::Null);
        if nothing || told(name, &value) || stages.contains(&name) || name == "children" {
            continue;
        }
        if !std::mem::take(&mut first) {
            out.push_str("  ");
        }
        if !matches!(
            ty,
            Type::Time | Type::Text | Type::Enum(_) | Type::Dev | Type::OfHost(Named::Dev)
        ) {
            let _ = write!(out, "{name} ");
        }
        show(out, value, ty);
    }
    if it.lat.is_none() && it.layer.field("lat").is_some() {
        out.push_str("  end not seen");
    }
}
