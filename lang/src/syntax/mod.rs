//! Text → syntax tree, and back.

pub mod ast;
mod expect;
mod literal;
mod parse;
pub mod print;
mod scan;

pub use literal::{number, quote};
pub use parse::{MAX_SOURCE, decode, parse, parse_file};
pub(crate) use scan::MAX_DEPTH;

#[cfg(test)]
mod tests;

use crate::source::Span;

/// The words that begin an item; reserved everywhere.
pub const ITEM_KEYWORDS: [&str; 7] = ["let", "def", "param", "use", "trace", "on", "join"];

/// The words that begin a clause.
pub const CLAUSE_KEYWORDS: [&str; 9] = [
    "where", "emit", "by", "every", "top", "having", "for", "limit", "required",
];

/// The other reserved words.
const OPERATOR_KEYWORDS: [&str; 8] = ["and", "or", "not", "in", "under", "as", "true", "false"];

/// Whether a word cannot be a name without quotes.
pub fn is_reserved(word: &str) -> bool {
    ITEM_KEYWORDS.contains(&word)
        || CLAUSE_KEYWORDS.contains(&word)
        || OPERATOR_KEYWORDS.contains(&word)
}

/// The comment at the head of a text, behind a first line that names its interpreter: its lines, without their mark.
pub fn heading(text: &str) -> Vec<String> {
    let interpreter = text.starts_with("#!");
    let lines = text.lines().skip(usize::from(interpreter));
    let comment = lines.map_while(|line| line.strip_prefix('#'));
    comment
        .map(|line| line.strip_prefix(' ').unwrap_or(line).trim_end().to_owned())
        .collect()
}

/// A place by byte offsets: a source is at most 1 MiB, so they fit.
fn span(file: u32, start: usize, end: usize) -> Span {
    Span {
        file,
        start: u32::try_from(start).unwrap_or(u32::MAX),
        end: u32::try_from(end).unwrap_or(u32::MAX),
    }
}
