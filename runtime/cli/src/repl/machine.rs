//! Names of this machine, for completion.

use std::fs;

use iotq_kernel::names::{cgroup, device, process};
use iotq_lang::assist::Machine;
use iotq_lang::syntax::{is_reserved, quote};
use rustyline::completion::Pair;

/// More of them would not be read by anybody.
const MOST: usize = 2000;

/// The names of a kind that begin so; `quoted`: behind an open quote, which they close.
pub fn names(kind: Machine, begun: &str, quoted: bool) -> Vec<Pair> {
    let mut found: Vec<Pair> = match kind {
        Machine::Process => processes(begun),
        Machine::File if quoted => files(begun),
        Machine::Directory if quoted => {
            let mut all = files(begun);
            all.retain(|path| path.display.ends_with('/'));
            all
        }
        Machine::Device if quoted && begun.starts_with('/') => files(begun),
        Machine::File | Machine::Directory if begun.is_empty() => {
            vec![pair("\"/".into(), "\"/".into())]
        }
        Machine::File | Machine::Directory => Vec::new(),
        Machine::Device => words(device::names(), begun, quoted),
        Machine::Cgroup => words(cgroup::paths().into_values().collect(), begun, quoted),
        Machine::Command => {
            let commands = process::commands().into_iter().map(|(_, name)| name);
            words(commands.collect(), begun, quoted)
        }
    };
    found.truncate(MOST);
    found
}

/// Paths as they are written after a command.
pub fn paths(begun: &str) -> Vec<Pair> {
    entries(begun)
        .map(|path| pair(path.clone(), path))
        .collect()
}

fn pair(display: String, replacement: String) -> Pair {
    Pair {
        display,
        replacement,
    }
}

/// By number or by name.
fn processes(begun: &str) -> Vec<Pair> {
    let mut all = process::commands();
    all.retain(|(pid, name)| pid.to_string().starts_with(begun) || name.starts_with(begun));
    let shown = |(pid, name): (u32, String)| pair(format!("{pid} {name}"), pid.to_string());
    all.into_iter().map(shown).collect()
}

fn words(mut all: Vec<String>, begun: &str, quoted: bool) -> Vec<Pair> {
    all.retain(|name| name.starts_with(begun));
    all.sort();
    all.dedup();
    let written = |name: String| {
        let text = match quote(&name) {
            text if quoted => text[1..].to_owned(),
            _ if is_word(&name) => name.clone(),
            text => text,
        };
        pair(name, text)
    };
    all.into_iter().map(written).collect()
}

/// Whether a name needs no quotes.
fn is_word(name: &str) -> bool {
    let part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    // A device mapping such as `dm-0` is one name where no blanks stand around the dash.
    let plain = name.strip_prefix("dm-").unwrap_or(name);
    let first = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    first && !is_reserved(name) && plain.chars().all(part)
}

/// Paths behind an open quote; that of a file closes it.
fn files(begun: &str) -> Vec<Pair> {
    let closed = |path: String| match path.ends_with('/') {
        true => pair(
            path.clone(),
            quote(&path)[1..].trim_end_matches('"').to_owned(),
        ),
        false => pair(path.clone(), quote(&path)[1..].to_owned()),
    };
    entries(begun).map(closed).collect()
}

/// What is in the folder of a path that has been begun; folders end with a slash.
fn entries(begun: &str) -> impl Iterator<Item = String> {
    let (folder, name) = begun
        .rsplit_once('/')
        .map_or(("", begun), |(folder, name)| {
            (&begun[..=folder.len()], name)
        });
    let read = fs::read_dir(if folder.is_empty() { "." } else { folder });
    let mut found: Vec<String> = read
        .into_iter()
        .flatten()
        .filter_map(|entry| {
            let entry = entry.ok()?;
            let own = entry.file_name().into_string().ok()?;
            let hidden = own.starts_with('.') && !name.starts_with('.');
            let fits = own.starts_with(name) && !hidden;
            let slash = if entry.path().is_dir() { "/" } else { "" };
            fits.then(|| format!("{folder}{own}{slash}"))
        })
        .take(MOST)
        .collect();
    found.sort();
    found.into_iter()
}
