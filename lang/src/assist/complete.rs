//! Completion: what a word that is being written may become.

use iotq_probes::catalogue::{Field, LAYERS, Type};

use super::context::{Operand, Source, Want, want};
use super::token::{Kind, Token, tokens};
use crate::check::{functions, param_types};
use crate::syntax::{CLAUSE_KEYWORDS, ITEM_KEYWORDS};

/// What is known besides the text.
#[derive(Clone, Debug, Default)]
pub struct Known {
    /// Names that are defined.
    pub names: Vec<String>,
    /// Modules that can be used.
    pub modules: Vec<String>,
    /// Words that may stand where a statement begins.
    pub tools: Vec<String>,
}

/// What may stand at a place.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Completion {
    /// The byte at which the word begins that is being written.
    pub start: usize,
    /// What it may become.
    pub words: Vec<String>,
    /// Names that only the machine knows may stand here, too.
    pub machine: Option<Machine>,
    /// The word stands behind an open quote.
    pub quoted: bool,
}

/// Kinds of names that only the machine knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Machine {
    /// A block device.
    Device,
    /// The number of a process.
    Process,
    /// The name of a running program.
    Command,
    /// A path.
    File,
    /// A path of a directory.
    Directory,
    /// A control group.
    Cgroup,
}

/// What the word that ends at byte `at` of the text may become.
pub fn complete(text: &str, at: usize, known: &Known) -> Completion {
    let before = text.get(..at).unwrap_or(text);
    let all = tokens(before);
    match all.last() {
        Some(last) if last.kind == Kind::Comment && last.end() == before.len() => none(before),
        Some(last) if last.kind == (Kind::Text { closed: false }) => quoted(before, &all),
        _ => bare(before, known),
    }
}

fn none(before: &str) -> Completion {
    Completion {
        start: before.len(),
        ..Completion::default()
    }
}

/// Behind an open quote.
fn quoted(before: &str, all: &[Token<'_>]) -> Completion {
    let (open, rest) = match all.split_last() {
        Some((open, rest)) => (open.start + 1, code(rest.to_vec())),
        None => return none(before),
    };
    let machine = match want(before, &rest) {
        Want::Value(field) => machine(field),
        Want::Above(field) => above(field),
        Want::Module => Some(Machine::File),
        _ => None,
    };
    Completion {
        start: open,
        machine,
        quoted: true,
        ..Completion::default()
    }
}

fn bare(before: &str, known: &Known) -> Completion {
    // Names of the machine, of modules and tools have more characters than others.
    let wide = |c: char| c.is_alphanumeric() || "_-.:/$@".contains(c);
    let start = before.trim_end_matches(wide).len();
    let (machine, mut found) = match want(before, &code(tokens(&before[..start]))) {
        Want::Value(field) if machine(field).is_some() => (machine(field), value(field, known)),
        Want::Above(field) if above(field).is_some() => (above(field), value(field, known)),
        Want::Module => (None, known.modules.clone()),
        Want::Item => (None, words(Want::Item, known)),
        _ => return narrow(before, known),
    };
    found.retain(|word| word.starts_with(&before[start..]));
    Completion {
        start,
        words: found,
        machine,
        quoted: false,
    }
}

fn narrow(before: &str, known: &Known) -> Completion {
    let part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let start = before.trim_end_matches(part).len();
    let word = &before[start..];
    let number = word.starts_with(|c: char| c.is_ascii_digit());
    if number || before[..start].ends_with('$') {
        return none(before);
    }
    let mut words = words(want(before, &code(tokens(&before[..start]))), known);
    words.retain(|candidate| candidate.starts_with(word));
    let mut seen = Vec::new();
    words.retain(|word| {
        let new = !seen.contains(word);
        seen.push(word.clone());
        new
    });
    Completion {
        start,
        words,
        ..Completion::default()
    }
}

fn code(mut tokens: Vec<Token<'_>>) -> Vec<Token<'_>> {
    tokens.retain(|token| token.kind != Kind::Comment);
    tokens
}

fn words(want: Want, known: &Known) -> Vec<String> {
    let owned = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect();
    match want {
        Want::Nothing | Want::Module => Vec::new(),
        Want::Item => {
            let words = ITEM_KEYWORDS.iter().map(|&word| word.to_owned());
            words.chain(known.tools.iter().cloned()).collect()
        }
        Want::Layer { on } => {
            let behind = if on { "." } else { "" };
            let runs = LAYERS.iter().filter(|layer| layer.record.is_some());
            runs.map(|layer| format!("{}{behind}", layer.name))
                .collect()
        }
        Want::Point(layer) => {
            let points = layer.points.iter().filter(|point| !point.hooks.is_empty());
            points.map(|point| point.name.to_owned()).collect()
        }
        Want::ParamType => owned(&param_types()),
        Want::Clause => owned(&CLAUSE_KEYWORDS),
        Want::Operator { emit } => {
            let operators = ["and", "or", "in", "not", "under"];
            let name = if emit { &["as"][..] } else { &[] };
            owned(&[&operators[..], name, &CLAUSE_KEYWORDS].concat())
        }
        Want::Constant => known.names.clone(),
        Want::Operand(it) => operand(&it, known),
        Want::Member(source) => fields(source).collect(),
        Want::Value(field) | Want::Above(field) => value(field, known),
    }
}

fn operand(it: &Operand, known: &Known) -> Vec<String> {
    let mut words: Vec<String> = it
        .sources
        .iter()
        .flat_map(|source| fields(*source))
        .collect();
    if it.sources.len() > 1 && it.sources.len() < LAYERS.len() {
        words.extend(it.sources.iter().map(|it| format!("{}.", it.layer.name)));
    }
    words.extend(known.names.iter().cloned());
    let functions = functions().filter(|function| it.aggregates || !function.aggregate);
    words.extend(functions.map(|function| format!("{}(", function.name)));
    words.push("not".into());
    if it.emit && it.join {
        words.extend(["tree".into(), "stages".into()]);
    }
    words
}

fn fields(source: Source) -> impl Iterator<Item = String> {
    let fields = source.fields().filter(|field| field.slot.is_some());
    fields.map(|field| field.name.to_owned())
}

/// What the language itself has to compare a field with.
fn value(field: &Field, known: &Known) -> Vec<String> {
    let mut words: Vec<String> = match field.ty {
        Type::Enum(list) => list
            .variants
            .iter()
            .map(|(name, _)| (*name).to_owned())
            .collect(),
        Type::Bool => vec!["true".into(), "false".into()],
        Type::Pid => vec!["$child".into()],
        _ => Vec::new(),
    };
    words.extend(known.names.iter().cloned());
    words
}

/// The same, where a field lies under them.
fn above(field: &Field) -> Option<Machine> {
    match machine(field) {
        Some(Machine::File) => Some(Machine::Directory),
        other => other,
    }
}

/// Names that a field is compared with.
fn machine(field: &Field) -> Option<Machine> {
    match field.ty {
        Type::Dev => Some(Machine::Device),
        Type::Pid => Some(Machine::Process),
        Type::File => Some(Machine::File),
        Type::Cgroup => Some(Machine::Cgroup),
        Type::Text if field.name.ends_with("comm") => Some(Machine::Command),
        _ => None,
    }
}
