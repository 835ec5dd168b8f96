//! Diagnostics are data: a code, a message, labelled places, help. One file renders them.

pub mod codes;
mod render;

pub use render::render;

use crate::source::Span;

/// A kind of error: stable, with a page that explains it (`iotq explain E0201`).
#[derive(Debug, PartialEq, Eq)]
pub struct Code {
    /// `E` and four digits.
    pub id: &'static str,
    /// A few words.
    pub title: &'static str,
    /// What it means, why it is an error, and the way out, with an example. Plain text, wrapped at 100 columns.
    pub page: &'static str,
    /// What the command exits with: 1 failed while running, 2 the query is wrong, 3 this machine or user may not.
    pub exit: u8,
}

/// One error, ready to be rendered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// Its kind.
    pub code: &'static Code,
    /// What is wrong, in one line.
    pub message: String,
    /// Where; the first is the place itself, others explain it. May be empty if the error has no place.
    pub labels: Vec<Label>,
    /// How to mend it: a line each.
    pub help: Vec<String>,
    /// The text ends too early: a line behind it may mend it.
    pub unfinished: bool,
}

/// A place with a remark.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// The place.
    pub span: Span,
    /// The remark.
    pub text: String,
}

impl Diagnostic {
    /// An error without a place.
    pub fn new(code: &'static Code, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            labels: Vec::new(),
            help: Vec::new(),
            unfinished: false,
        }
    }

    /// Marks an error that a line behind the text may mend.
    #[must_use]
    pub fn unfinished(mut self, is: bool) -> Self {
        self.unfinished = is;
        self
    }

    /// Adds a place.
    #[must_use]
    pub fn label(mut self, span: Span, text: impl Into<String>) -> Self {
        self.labels.push(Label {
            span,
            text: text.into(),
        });
        self
    }

    /// Adds a way out.
    #[must_use]
    pub fn help(mut self, text: impl Into<String>) -> Self {
        self.help.push(text.into());
        self
    }
}

/// The error of every stage: at least one diagnostic.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{} errors, the first: {}", .0.len(), .0.first().map_or("none", |first| &first.message))]
pub struct Errors(pub Vec<Diagnostic>);

impl Errors {
    /// The text is only not finished: nothing is wrong with it that a further line could not mend.
    pub fn unfinished(&self) -> bool {
        self.0.iter().all(|error| error.unfinished)
    }
}
