//! What a parse error says: the names of the grammar's rules for users, and the usual slips of the hand.

use super::literal::is_unit;
use super::{CLAUSE_KEYWORDS, ITEM_KEYWORDS, is_reserved};
use crate::check::near;

/// Pairs of what people write out of habit and what iotq has for it.
const SLIPS: [(&str, &str); 15] = [
    ("&&", "write `and`"),
    ("&", "write `and`"),
    ("||", "write `or`"),
    ("|", "write `or`"),
    ("!", "write `not`, or `!=` and `!~` between two values"),
    ("=~", GLOB),
    (
        "=",
        "to compare, write `==`; a name is bound with a single `=`",
    ),
    ("'", "text stands between double quotes: `\"text\"`"),
    ("/", "a path stands between double quotes: `\"/var/lib\"`"),
    ("*", GLOB),
    ("like", GLOB),
    (
        "between",
        "write `in` and a range, to which both ends belong: `lat in 1ms..2ms`",
    ),
    ("group", "write `by` alone: `count() by pid`"),
    (
        "order",
        "groups come in the order of their keys; the largest by their first column: `top 10`",
    ),
    (
        ":",
        "a device is two numbers, `8:0`, or four, `2:0:0:0`; names with a `:` are quoted",
    ),
];

const GLOB: &str = "a glob stands between double quotes, after `~`: `comm ~ \"post*\"`";

/// A parse error in words.
pub struct Unexpected {
    /// What was wanted.
    pub message: String,
    /// Bytes of the token that stands there instead.
    pub len: usize,
    /// A remark for that place.
    pub label: String,
    /// The way out, if one can be guessed.
    pub help: Option<String>,
}

/// Says what is wrong at `at`, where any of `wanted` could have stood.
pub fn unexpected(text: &str, at: usize, wanted: &[&'static str]) -> Unexpected {
    let rest = &text[at..];
    let len = token_len(rest);
    let found = &rest[..len];
    let wanted = list(wanted);
    let label = match found {
        "" => "the statement ends here".to_owned(),
        _ if is_reserved(found) => format!("`{found}` is a reserved word"),
        _ => format!("found `{}`", found.escape_debug()),
    };
    Unexpected {
        message: if wanted.is_empty() {
            "this cannot be read".to_owned()
        } else {
            format!("expected {wanted}")
        },
        len,
        label,
        help: help(text, at, found, &wanted),
    }
}

/// What could stand at the start of an item.
pub fn not_an_item(found: &str) -> Option<String> {
    near(found, ITEM_KEYWORDS).into_iter().next()
}

fn token_len(rest: &str) -> usize {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let len = rest.find(|c| !word(c)).unwrap_or(rest.len());
    if len > 0 {
        return len;
    }
    let slip = SLIPS.iter().find(|(slip, _)| rest.starts_with(slip));
    slip.map_or_else(
        || rest.chars().next().map_or(0, char::len_utf8),
        |(slip, _)| slip.len(),
    )
}

fn help(text: &str, at: usize, found: &str, wanted: &str) -> Option<String> {
    if is_reserved(found) && wanted.contains("an expression") {
        return Some(format!("to mean a name, quote it: `\"{found}\"`"));
    }
    if wanted.contains("a clause") {
        let words = CLAUSE_KEYWORDS.iter().chain(&ITEM_KEYWORDS).copied();
        if let Some(word) = near(found, words).into_iter().next() {
            return Some(format!("did you mean `{word}`?"));
        }
    }
    let before = &text[..at];
    if found == "-" || before.ends_with('-') {
        return Some("a name with dashes is written without blanks, or quoted".into());
    }
    if found == ">" && before.ends_with('<') {
        return Some("write `!=`".into());
    }
    if before.ends_with("p99.") {
        return Some("write `p999(lat)`, or any share: `quantile(lat, 0.999)`".into());
    }
    if begins_set(before, found) {
        return Some("a set stands between braces: `in {a, b}`".into());
    }
    if let Some(number) = number_before(before).filter(|_| is_unit(found)) {
        return Some(format!(
            "a number and its unit stand together: `{number}{found}`"
        ));
    }
    let slip = SLIPS.iter().find(|(slip, _)| *slip == found);
    let in_expression = wanted.contains("an operator") || wanted.contains("an expression");
    slip.filter(|_| in_expression)
        .map(|(_, help)| (*help).to_owned())
}

/// Whether a set was begun with another bracket: `in [` or `in (a,`.
fn begins_set(before: &str, found: &str) -> bool {
    let outer = match found {
        "[" => Some(before),
        "," => before.rsplit_once('(').map(|(outer, _)| outer),
        _ => None,
    };
    outer.is_some_and(|outer| outer.split_whitespace().next_back() == Some("in"))
}

/// The number that a text ends with, before blanks.
fn number_before(text: &str) -> Option<&str> {
    let text = text.trim_end();
    let digits = |c: char| c.is_ascii_digit() || matches!(c, '.' | '_');
    let number = &text[text.trim_end_matches(digits).len()..];
    number
        .starts_with(|c: char| c.is_ascii_digit())
        .then_some(number)
}

/// `a, b or c`, each once.
fn list(wanted: &[&'static str]) -> String {
    let mut unique = Vec::new();
    for word in wanted {
        if !unique.contains(word) {
            unique.push(*word);
        }
    }
    // Behind an operand, the only word of an expression is the `not` of `not in`.
    if unique.contains(&"an operator") {
        unique.retain(|word| *word != "an expression");
    }
    // An expression may begin with a name.
    if unique.contains(&"an expression") {
        unique.retain(|word| *word != "a name");
    }
    match unique.split_last() {
        None => String::new(),
        Some((last, [])) => (*last).to_owned(),
        Some((last, rest)) => format!("{} or {last}", rest.join(", ")),
    }
}
