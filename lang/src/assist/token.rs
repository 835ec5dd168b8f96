//! The tokens of a text that need not be a program.

/// A piece of text, by its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Token<'a> {
    pub(super) start: usize,
    pub(super) text: &'a str,
    pub(super) kind: Kind,
}

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Word,
    Number,
    /// `$1`, `$child`
    Dollar,
    /// With its quotes; `closed` if both are there.
    Text {
        closed: bool,
    },
    Comment,
    /// An operator, a bracket, or anything else.
    Symbol,
}

impl Token<'_> {
    pub(super) fn end(&self) -> usize {
        self.start + self.text.len()
    }

    pub(super) fn is(&self, text: &str) -> bool {
        self.text == text
    }
}

/// The tokens, without blanks.
pub(super) fn tokens(text: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(c) = text[at..].chars().next() {
        let rest = &text[at..];
        if c.is_whitespace() {
            at += c.len_utf8();
            continue;
        }
        let (kind, len) = token(rest, c);
        tokens.push(Token {
            start: at,
            text: &rest[..len],
            kind,
        });
        at += len;
    }
    tokens
}

fn token(rest: &str, first: char) -> (Kind, usize) {
    match first {
        '#' => (Kind::Comment, rest.find('\n').unwrap_or(rest.len())),
        '"' => string(rest),
        '$' => (Kind::Dollar, 1 + word(&rest[1..])),
        _ if first.is_ascii_digit() => (Kind::Number, number(rest)),
        _ if first.is_ascii_alphabetic() || first == '_' => (Kind::Word, word(rest)),
        _ => {
            let double = ["==", "!=", "<=", ">=", "!~", ".."];
            let double = double.iter().any(|symbol| rest.starts_with(symbol));
            (Kind::Symbol, if double { 2 } else { first.len_utf8() })
        }
    }
}

fn word(text: &str) -> usize {
    let part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    text.find(|c| !part(c)).unwrap_or(text.len())
}

/// With its unit; the dots of a range do not belong to it.
fn number(text: &str) -> usize {
    let part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | 'µ' | 'μ');
    let digits = |text: &str| text.find(|c| !part(c)).unwrap_or(text.len());
    let whole = digits(text);
    match text[whole..].strip_prefix('.') {
        Some(rest) if rest.starts_with(|c: char| c.is_ascii_digit()) => whole + 1 + digits(rest),
        _ => whole,
    }
}

/// A string ends on its line.
fn string(text: &str) -> (Kind, usize) {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            '\n' => return (Kind::Text { closed: false }, at),
            '"' if !escaped => return (Kind::Text { closed: true }, at + 1),
            _ => escaped = c == '\\' && !escaped,
        }
    }
    (Kind::Text { closed: false }, text.len())
}
