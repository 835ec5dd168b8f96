//! Source texts and places in them.

/// A text that is compiled: a query, a script, a module of the standard library.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// What messages call it: `<query>`, a path, `stdlib.name`.
    pub name: String,
    /// Its text.
    pub text: String,
}

/// All texts of one compilation; [`Span::file`] is the index.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sources(pub Vec<Source>);

impl Sources {
    /// The text of a place; empty if there is no such place.
    pub fn text(&self, span: Span) -> &str {
        let source = self.0.get(span.file as usize);
        source
            .and_then(|source| source.text.get(span.start as usize..span.end as usize))
            .unwrap_or("")
    }
}

/// A place: bytes `start..end` of a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Span {
    /// The index in [`Sources`].
    pub file: u32,
    /// First byte.
    pub start: u32,
    /// Behind the last byte.
    pub end: u32,
}
