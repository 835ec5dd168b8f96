//! What could stand behind the tokens of a text.

use iotq_probes::catalogue::{self, Field, LAYERS, Layer};

use super::token::{Kind, Token};
use crate::syntax::{CLAUSE_KEYWORDS, ITEM_KEYWORDS};

/// What could stand at a place.
pub(super) enum Want {
    Nothing,
    /// A new definition or statement.
    Item,
    /// A layer; `on` wants a point of it.
    Layer {
        on: bool,
    },
    /// A point of a layer.
    Point(&'static Layer),
    Module,
    /// The type of a parameter.
    ParamType,
    /// A clause of the statement.
    Clause,
    /// An operator, or another clause.
    Operator {
        emit: bool,
    },
    /// A value that does not change: a definition.
    Constant,
    /// The beginning of an expression.
    Operand(Operand),
    /// A field of a layer.
    Member(Source),
    /// Something that a field is compared with.
    Value(&'static Field),
    /// Something that a field lies under.
    Above(&'static Field),
}

/// What an expression may begin with.
#[derive(Default)]
pub(super) struct Operand {
    /// The fields of these.
    pub(super) sources: Vec<Source>,
    /// They are joined: fields are read through their layers.
    pub(super) join: bool,
    /// Aggregates, too.
    pub(super) aggregates: bool,
    /// Directly behind `emit`: forms that are no expressions.
    pub(super) emit: bool,
}

/// A layer, seen from one of its points.
#[derive(Clone, Copy)]
pub(super) struct Source {
    pub(super) layer: &'static Layer,
    pub(super) point: &'static str,
}

impl Source {
    fn end(layer: &'static Layer) -> Self {
        let point = layer.end;
        Self { layer, point }
    }

    pub(super) fn fields(self) -> impl Iterator<Item = &'static Field> {
        let fields = self.layer.fields.iter();
        fields.filter(move |field| field.known_at(self.point))
    }
}

/// What could stand behind these tokens of a text; comments are none.
pub(super) fn want(text: &str, tokens: &[Token<'_>]) -> Want {
    let item = last_item(text, tokens);
    let [first, rest @ ..] = item else {
        return Want::Item;
    };
    let every = || LAYERS.iter().map(|layer| Source::end(layer)).collect();
    match (first.text, rest) {
        ("use", []) => Want::Module,
        ("param", [_, colon]) if colon.is(":") => Want::ParamType,
        ("let" | "param", rest) if ends_open(rest) => Want::Constant,
        ("def", rest) if rest.len() > 1 => expression(rest, every(), first),
        ("trace" | "on" | "join", _) => statement(item),
        _ => Want::Nothing,
    }
}

/// The tokens of the item that the text ends in.
fn last_item<'a, 't>(text: &str, tokens: &'t [Token<'a>]) -> &'t [Token<'a>] {
    let mut start = 0;
    let mut depth = 0_usize;
    let mut before = 0;
    for (index, token) in tokens.iter().enumerate() {
        // The first of its line: between two tokens there is nothing but blanks and comments.
        let fresh = index == 0 || text[before..token.start].contains('\n');
        before = token.end();
        match token.text {
            "(" | "{" | "[" => depth += 1,
            ")" | "}" | "]" => depth = depth.saturating_sub(1),
            ";" => (start, depth) = (index + 1, 0),
            word if ITEM_KEYWORDS.contains(&word) && (depth == 0 || fresh) => {
                (start, depth) = (index, 0);
            }
            _ => {}
        }
    }
    &tokens[start..]
}

fn statement(item: &[Token<'_>]) -> Want {
    let verb = &item[0];
    let clause =
        |token: &Token<'_>| token.kind == Kind::Word && CLAUSE_KEYWORDS.contains(&token.text);
    let first = item.iter().position(clause).unwrap_or(item.len());
    let Some(last) = item.iter().rposition(clause) else {
        return source(item);
    };
    let rest = &item[last + 1..];
    match (item[last].text, rest) {
        ("required", _) => Want::Clause,
        ("where" | "emit" | "by" | "having", _) => {
            match expression(&item[last..], sources(&item[1..first]), verb) {
                Want::Operand(operand) => {
                    let emit = item[last].is("emit");
                    let aggregates = emit || item[last].is("having");
                    Want::Operand(Operand {
                        aggregates,
                        emit: emit && rest.is_empty(),
                        ..operand
                    })
                }
                Want::Operator { .. } => Want::Operator {
                    emit: item[last].is("emit"),
                },
                other => other,
            }
        }
        (_, []) => Want::Constant,
        _ => Want::Clause,
    }
}

/// Among the sources of a statement.
fn source(item: &[Token<'_>]) -> Want {
    let on = item[0].is("on");
    match item {
        [.., word, dot] if dot.is(".") => match catalogue::layer(word.text) {
            Some(layer) if on => Want::Point(layer),
            None if matches!(word.text, "guest" | "host") => Want::Layer { on },
            _ => Want::Nothing,
        },
        [.., last] if last.kind == Kind::Word && item.len() > 1 && !last.is("optional") => {
            Want::Clause
        }
        _ => Want::Layer { on },
    }
}

/// The layers and points that a statement reads.
fn sources(tokens: &[Token<'_>]) -> Vec<Source> {
    let mut sources = Vec::new();
    for token in tokens {
        if let Some(layer) = catalogue::layer(token.text) {
            sources.push(Source::end(layer));
        } else if let Some(source) = sources.last_mut()
            && let Some(point) = source.layer.point(token.text)
        {
            source.point = point.name;
        }
    }
    sources
}

/// In an expression, which begins behind the first of the tokens.
fn expression(tokens: &[Token<'_>], sources: Vec<Source>, verb: &Token<'_>) -> Want {
    let Some(last) = tokens.last() else {
        return Want::Nothing;
    };
    let before = &tokens[..tokens.len() - 1];
    match last.text {
        "." => member(before, &sources).map_or(Want::Nothing, Want::Member),
        "as" => Want::Nothing,
        "in" | ".." => Want::Constant,
        "==" | "!=" | "<" | "<=" | ">" | ">=" | "~" | "!~" => {
            compared(before, &sources).map_or(Want::Constant, Want::Value)
        }
        "under" => compared(before, &sources).map_or(Want::Constant, Want::Above),
        "{" | "," if let Some(set) = open_set(tokens) => {
            compared(set, &sources).map_or(Want::Constant, Want::Value)
        }
        _ if ends_open(tokens) => Want::Operand(Operand {
            sources,
            join: verb.is("join"),
            ..Operand::default()
        }),
        _ => Want::Operator { emit: false },
    }
}

/// Whether an operand is still to come.
fn ends_open(tokens: &[Token<'_>]) -> bool {
    let Some(last) = tokens.last() else {
        return false;
    };
    match last.kind {
        Kind::Word => {
            matches!(last.text, "and" | "or" | "not") || CLAUSE_KEYWORDS.contains(&last.text)
        }
        Kind::Symbol => !matches!(last.text, ")" | "}" | "]" | "." | ":"),
        _ => false,
    }
}

/// The layer whose member stands behind `block` or `block[]`.
fn member(before: &[Token<'_>], sources: &[Source]) -> Option<Source> {
    let name = match before {
        [.., name, open, close] if open.is("[") && close.is("]") => name,
        [.., name] => name,
        [] => return None,
    };
    let mut sources = sources.iter();
    sources
        .find(|source| source.layer.name == name.text)
        .copied()
}

/// The field that these tokens end with, `not` aside.
fn compared(tokens: &[Token<'_>], sources: &[Source]) -> Option<&'static Field> {
    let tokens = match tokens {
        [rest @ .., not] if not.is("not") => rest,
        all => all,
    };
    let [before @ .., name] = tokens else {
        return None;
    };
    match before {
        [before @ .., dot] if dot.is(".") => member(before, sources)?.layer.field(name.text),
        _ => sources
            .iter()
            .find_map(|source| source.layer.field(name.text)),
    }
}

/// What stands before the `in` of a set that is open at the end of the tokens.
fn open_set<'a, 't>(tokens: &'t [Token<'a>]) -> Option<&'t [Token<'a>]> {
    let mut closed = 0_usize;
    for (index, token) in tokens.iter().enumerate().rev() {
        match token.text {
            ")" | "}" | "]" => closed += 1,
            "(" | "{" | "[" if closed > 0 => closed -= 1,
            "{" => {
                let (last, rest) = tokens[..index].split_last()?;
                return last.is("in").then_some(rest);
            }
            "(" | "[" => return None,
            _ => {}
        }
    }
    None
}
