//! What the words of a text are, for colours.

use std::ops::Range;

use iotq_probes::catalogue::{self, LAYERS};

use super::token::{Kind, Token, tokens};
use crate::check::functions;
use crate::syntax::is_reserved;

/// What a piece of text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// A reserved word.
    Keyword,
    /// A layer, a point, or a field.
    Name,
    /// A function or aggregate.
    Function,
    /// A number with its unit.
    Number,
    /// Text between quotes.
    Text,
    /// An argument of the command line, or `$child`.
    Argument,
    /// A comment.
    Comment,
    /// It cannot be so: a string without its end.
    Wrong,
}

/// The pieces of a text that are something, in order and apart.
pub fn highlight(text: &str) -> Vec<(Range<usize>, Class)> {
    let tokens = tokens(text);
    let class = |(index, token): (usize, &Token<'_>)| {
        let class = match token.kind {
            Kind::Word => word(token.text, tokens.get(index + 1))?,
            Kind::Number => Class::Number,
            Kind::Dollar => Class::Argument,
            Kind::Text { closed: true } => Class::Text,
            Kind::Text { closed: false } => Class::Wrong,
            Kind::Comment => Class::Comment,
            Kind::Symbol => return None,
        };
        Some((token.start..token.end(), class))
    };
    tokens.iter().enumerate().filter_map(class).collect()
}

fn word(word: &str, next: Option<&Token<'_>>) -> Option<Class> {
    if is_reserved(word) {
        return Some(Class::Keyword);
    }
    let called = next.is_some_and(|next| next.is("("));
    if called && functions().any(|function| function.name == word) {
        return Some(Class::Function);
    }
    let mut layers = LAYERS.iter();
    let known = catalogue::layer(word).is_some()
        || layers.any(|layer| layer.field(word).is_some() || layer.point(word).is_some());
    known.then_some(Class::Name)
}
