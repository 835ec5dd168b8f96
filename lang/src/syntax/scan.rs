//! The lexical scan before parsing: it cuts a text into items, so that each is parsed by itself and errors come for all
//! of them, and it bounds what the recursive stages will meet.

use super::ITEM_KEYWORDS;
use crate::diag::Diagnostic;
use crate::diag::codes::syntax::{BRACKETS, STRING, TOO_DEEP, TOO_LARGE_EXPRESSION};
use crate::source::Span;

/// How deep brackets may nest.
pub const MAX_BRACKETS: usize = 64;
/// How deep an expression's tree may be.
pub const MAX_DEPTH: usize = 128;

/// Words after which a new expression begins.
const SEPARATORS: [&str; 18] = [
    "and", "or", "where", "emit", "by", "every", "top", "having", "for", "limit", "as", "let",
    "def", "param", "use", "trace", "on", "join",
];

/// The text of one item, without blanks and comments around it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chunk {
    /// First byte.
    pub start: usize,
    /// Behind the last byte.
    pub end: usize,
    /// It is the first on its line.
    pub first: bool,
    /// The text ends with it: a further line would belong to it.
    pub open: bool,
    /// An error in it has been reported.
    pub bad: bool,
}

/// The items of a text, and what is wrong with its brackets, strings and sizes.
pub fn scan(text: &str, file: u32) -> (Vec<Chunk>, Vec<Diagnostic>) {
    let mut scanner = Scanner {
        text,
        file,
        at: 0,
        fresh: true,
        chunks: Vec::new(),
        current: None,
        levels: vec![Level::default()],
        errors: Vec::new(),
    };
    while scanner.at < text.len() {
        scanner.step();
    }
    scanner.close_chunk();
    (scanner.chunks, scanner.errors)
}

/// What is known of one level of brackets.
#[derive(Default)]
struct Level {
    /// The bracket that opened it, and where.
    open: (u8, usize),
    /// Operators since the last separator.
    operators: usize,
    /// The deepest tree among the brackets closed since the last separator.
    inner: usize,
    /// The deepest tree among all expressions of this level.
    deepest: usize,
}

struct Scanner<'a> {
    text: &'a str,
    file: u32,
    at: usize,
    /// Nothing but blanks stands before on this line.
    fresh: bool,
    chunks: Vec<Chunk>,
    current: Option<Chunk>,
    levels: Vec<Level>,
    errors: Vec<Diagnostic>,
}

impl Scanner<'_> {
    fn byte(&self, at: usize) -> u8 {
        self.text.as_bytes().get(at).copied().unwrap_or(0)
    }

    fn span(&self, start: usize, end: usize) -> Span {
        super::span(self.file, start, end)
    }

    fn step(&mut self) {
        let start = self.at;
        match self.byte(start) {
            b' ' | b'\t' | b'\r' => self.at += 1,
            b'\n' => {
                self.fresh = true;
                self.at += 1;
            }
            0xef if self.text[start..].starts_with('\u{feff}') => self.at += 3,
            b'#' => self.at = self.line_end(start),
            b';' => {
                self.close_chunk();
                self.at += 1;
            }
            b'"' => self.string(),
            b'(' | b'{' | b'[' => self.open(),
            b')' | b'}' | b']' => self.close(),
            b',' => self.token(1, Level::separate),
            b'$' => self.token(1 + self.word_len(start + 1), |_| ()),
            b'0'..=b'9' => self.token(self.word_len(start), |_| ()),
            b'A'..=b'Z' | b'a'..=b'z' | b'_' => self.word(),
            b'+' | b'-' | b'*' | b'/' | b'%' | b'<' | b'>' | b'=' | b'!' | b'~' => {
                let double = matches!(self.byte(start + 1), b'=' | b'~');
                self.token(1 + usize::from(double), Level::operator);
            }
            b'.' if self.byte(start + 1) == b'.' => self.token(2, Level::operator),
            _ => {
                let len = self.text[start..].chars().next().map_or(1, char::len_utf8);
                self.token(len, |_| ());
            }
        }
    }

    fn line_end(&self, from: usize) -> usize {
        self.text[from..]
            .find('\n')
            .map_or(self.text.len(), |at| from + at)
    }

    fn word_len(&self, from: usize) -> usize {
        let word = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
        let rest = self.text.as_bytes().get(from..).unwrap_or(&[]);
        rest.iter().take_while(|byte| word(byte)).count()
    }

    /// Takes a token of `len` bytes into the current item.
    fn token(&mut self, len: usize, effect: impl FnOnce(&mut Level)) {
        let end = self.at + len;
        let chunk = self.current.get_or_insert(Chunk {
            start: self.at,
            end,
            first: self.fresh,
            open: false,
            bad: false,
        });
        chunk.end = end;
        self.fresh = false;
        if let Some(level) = self.levels.last_mut() {
            effect(level);
            if level.operators + level.inner > MAX_DEPTH && !chunk.bad {
                chunk.bad = true;
                let span = super::span(self.file, self.at, end);
                self.errors.push(
                    Diagnostic::new(&TOO_LARGE_EXPRESSION, "this expression is too deep")
                        .label(span, format!("more than {MAX_DEPTH} operators, one inside the other"))
                        .help("give parts of it a name with `def`, or use `in {…}` for many alternatives"),
                );
            }
        }
        self.at = end;
    }

    fn word(&mut self) {
        let len = self.word_len(self.at);
        let word = &self.text[self.at..self.at + len];
        if ITEM_KEYWORDS.contains(&word) && self.starts_item(len) {
            self.close_chunk();
        }
        if SEPARATORS.contains(&word) {
            self.token(len, Level::separate);
        } else if matches!(word, "not" | "in" | "under") {
            self.token(len, Level::operator);
        } else {
            self.token(len, |_| ());
        }
    }

    /// Whether the keyword at this place starts an item: inside brackets only where a line begins, so that one that was
    /// forgotten does not swallow the rest of the script.
    fn starts_item(&self, len: usize) -> bool {
        let before = self.at.checked_sub(1).map_or(b' ', |at| self.byte(at));
        let after = self.byte(self.at + len);
        let alone = !matches!(before, b'.' | b'-' | b'$') && (after <= b' ' || after == b'#');
        alone && (self.levels.len() == 1 || self.fresh)
    }

    fn string(&mut self) {
        let start = self.at;
        let mut end = start + 1;
        loop {
            match self.byte(end) {
                b'"' => return self.token(end + 1 - start, |_| ()),
                b'\\' if self.byte(end + 1) != b'\n' => end += 2,
                b'\n' => break,
                _ if end >= self.text.len() => break,
                _ => end += 1,
            }
        }
        let end = self.line_end(start);
        let error = Diagnostic::new(&STRING, "this string does not end").label(
            self.span(start, end),
            "a string ends on its line, with `\"`",
        );
        self.fail(error, end - start);
    }

    fn open(&mut self) {
        let open = (self.byte(self.at), self.at);
        if self.levels.len() > MAX_BRACKETS {
            let error = Diagnostic::new(&TOO_DEEP, "brackets nest too deep")
                .label(
                    self.span(self.at, self.at + 1),
                    format!("more than {MAX_BRACKETS} open brackets"),
                )
                .help("give parts of the expression a name with `def`");
            if self.current.is_some_and(|chunk| chunk.bad) {
                self.token(1, |_| ());
            } else {
                self.fail(error, 1);
            }
        } else {
            self.token(1, |_| ());
        }
        self.levels.push(Level {
            open,
            ..Level::default()
        });
    }

    fn close(&mut self) {
        let close = self.byte(self.at);
        let span = self.span(self.at, self.at + 1);
        if self.levels.len() == 1 {
            let text = format!("`{}` closes nothing", close as char);
            let error = Diagnostic::new(&BRACKETS, text).label(span, "no bracket is open here");
            return self.fail(error, 1);
        }
        let Some(mut level) = self.levels.pop() else {
            return;
        };
        level.separate();
        let (open, place) = level.open;
        if closing(open) == close {
            self.token(1, |outer| outer.inner = outer.inner.max(1 + level.deepest));
        } else {
            let error = Diagnostic::new(&BRACKETS, "brackets do not match")
                .label(span, format!("`{}` was expected", closing(open) as char))
                .label(self.span(place, place + 1), "to close this one");
            self.fail(error, 1);
        }
    }

    /// Reports an error at the next `len` bytes, unless the item has one already.
    fn fail(&mut self, error: Diagnostic, len: usize) {
        self.token(len, |_| ());
        if let Some(chunk) = self.current.as_mut().filter(|chunk| !chunk.bad) {
            chunk.bad = true;
            self.errors.push(error);
        }
    }

    fn close_chunk(&mut self) {
        let unclosed = self.levels.drain(1..).next_back().map(|level| level.open);
        if let Some(level) = self.levels.first_mut() {
            *level = Level::default();
        }
        let Some(mut chunk) = self.current.take() else {
            return;
        };
        chunk.open = self.at >= self.text.len();
        if let Some((open, place)) = unclosed.filter(|_| !chunk.bad) {
            chunk.bad = true;
            let text = format!("`{}` is not closed", open as char);
            let wanted = format!("`{}` is missing", closing(open) as char);
            let span = self.span(place, place + 1);
            let error = Diagnostic::new(&BRACKETS, text).label(span, wanted);
            self.errors.push(error.unfinished(chunk.open));
        }
        self.chunks.push(chunk);
    }
}

impl Level {
    fn operator(&mut self) {
        self.operators += 1;
    }

    fn separate(&mut self) {
        self.deepest = self.deepest.max(self.operators + self.inner);
        self.operators = 0;
        self.inner = 0;
    }
}

fn closing(open: u8) -> u8 {
    match open {
        b'(' => b')',
        b'{' => b'}',
        _ => b']',
    }
}
