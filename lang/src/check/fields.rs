//! Fields: which of the statement's sources a path reads.
//!
//! A path without a layer means, in a join, the only layer that has the field; whoever caused the request and when
//! (`time pid tid comm uid cgroup`) is read from the first layer that has it. `layer.field` finds a layer on either side of a
//! VM boundary if only one is joined. A field's own name may have dots: `origin.pid`.

use iotq_probes::catalogue::{self, Field, Known, Layer};

use super::near::{did_you_mean, near};
use super::{Checker, Place, Reported};
use crate::diag::Diagnostic;
use crate::diag::codes::names::{
    AMBIGUOUS, NOT_JOINED, NOT_KNOWN_HERE, UNKNOWN_FIELD, UNKNOWN_NAME,
};
use crate::diag::codes::types::NOT_CONSTANT;
use crate::ir::{FieldRef, Side, SourcePoint};
use crate::source::Span;
use crate::syntax::ast::{Name, Path};
use crate::syntax::print;

/// Fields that mean the whole request, whichever layer they are read from.
const SHARED: [&str; 6] = ["time", "pid", "tid", "comm", "uid", "cgroup"];

/// What a path is.
pub(super) enum Lookup {
    /// A field.
    Found(FieldRef),
    /// Meant as a field, and wrong.
    Wrong(Box<Diagnostic>),
    /// No field: it may be a name of the machine.
    Unknown,
}

/// The parts of `guest.block.lat`.
struct Qualified<'a> {
    side: Option<Side>,
    layer: &'static Layer,
    rest: &'a [Name],
}

fn qualified(parts: &[Name]) -> Option<Qualified<'_>> {
    let (side, parts) = match parts.split_first() {
        Some((first, rest)) if !rest.is_empty() => match super::sources::side(&first.node) {
            Some(side) => (Some(side), rest),
            None => (None, parts),
        },
        _ => (None, parts),
    };
    let (first, rest) = parts.split_first()?;
    let layer = catalogue::layer(&first.node)?;
    Some(Qualified { side, layer, rest })
}

/// The name of a field that stands behind its layer.
fn dotted(parts: &[Name]) -> String {
    let parts: Vec<&str> = parts.iter().map(|part| part.node.as_str()).collect();
    parts.join(".")
}

impl Checker<'_> {
    /// What a path without `[]` reads.
    pub(super) fn lookup(&self, path: &Path, span: Span) -> Lookup {
        if self.env.place == Place::Constant {
            return Lookup::Unknown;
        }
        let several = path.parts.len() > 1;
        let Some(found) = qualified(&path.parts).filter(|_| several) else {
            return self.unqualified(&dotted(&path.parts), span);
        };
        if found.rest.is_empty() {
            let error = unknown_field(&print::path(path), found.layer, span);
            return Lookup::Wrong(Box::new(error));
        }
        match self.source_of(&found, span) {
            Ok(source) => self.field_of(source, &dotted(found.rest), span),
            Err(error) => Lookup::Wrong(error),
        }
    }

    fn unqualified(&self, name: &str, span: Span) -> Lookup {
        let sources = self.env.sources.iter().enumerate();
        let having: Vec<_> = sources
            .filter(|(_, source)| source.layer.field(name).is_some())
            .collect();
        match having.as_slice() {
            [] => Lookup::Unknown,
            [(index, _)] => self.field_of(*index, name, span),
            [(index, _), ..] if SHARED.contains(&name) => self.field_of(*index, name, span),
            all => {
                let all: Vec<_> = all
                    .iter()
                    .map(|(_, source)| format!("`{}.{name}`", source_name(source)))
                    .collect();
                let error = Diagnostic::new(&AMBIGUOUS, format!("`{name}` is ambiguous"))
                    .label(span, format!("{} of the joined layers have it", all.len()))
                    .help(format!("write {}", all.join(" or ")));
                Lookup::Wrong(Box::new(error))
            }
        }
    }

    fn field_of(&self, index: usize, name: &str, span: Span) -> Lookup {
        let source = &self.env.sources[index];
        let layer = source.layer;
        match layer.field(name) {
            None => Lookup::Wrong(Box::new(unknown_field(name, layer, span))),
            Some(field) if !field.known_at(source.point.name) => {
                Lookup::Wrong(Box::new(not_known(field, source, span)))
            }
            Some(field) => Lookup::Found(FieldRef {
                source: index,
                layer,
                field,
            }),
        }
    }

    /// The index of the source that a qualified path means.
    fn source_of(&self, path: &Qualified<'_>, span: Span) -> Result<usize, Box<Diagnostic>> {
        let sources = self.env.sources.iter().enumerate();
        let all: Vec<_> = sources
            .filter(|(_, source)| source.layer.id == path.layer.id)
            .filter(|(_, source)| path.side.is_none_or(|side| source.side == side))
            .collect();
        let local = all.iter().find(|(_, source)| source.side == Side::Local);
        match (all.as_slice(), local) {
            ([(index, _)], _) | (_, Some((index, _))) => Ok(*index),
            ([], _) => Err(Box::new(self.not_joined(path, span))),
            ([_, ..], None) => Err(Box::new(
                Diagnostic::new(&AMBIGUOUS, format!("`{}` is ambiguous", path.layer.name))
                    .label(span, "it is joined on both sides")
                    .help(format!("write `guest.{0}` or `host.{0}`", path.layer.name)),
            )),
        }
    }

    fn not_joined(&self, path: &Qualified<'_>, span: Span) -> Diagnostic {
        let names: Vec<_> = self.env.sources.iter().map(source_name).collect();
        let layer = path.layer.name;
        let error = Diagnostic::new(
            &NOT_JOINED,
            format!("`{layer}` is not read by this statement"),
        )
        .label(span, format!("here is only {}", names.join(", ")));
        if self.env.join {
            error.help(format!("add `{layer}` to the layers of the join"))
        } else {
            let first = names.first().map_or("", String::as_str);
            error.help(format!(
                "to see both layers of one request: `join {first}, {layer}`"
            ))
        }
    }

    /// `layer[]` and `layer[].field`.
    pub(super) fn children(&mut self, path: &Path, span: Span) -> Result<FieldRef, Reported> {
        let split = path.list.unwrap_or(path.parts.len());
        let (layer, field) = path.parts.split_at(split.min(path.parts.len()));
        let Some(found) = qualified(layer).filter(|found| found.rest.is_empty()) else {
            let name = print::path(path);
            let error = Diagnostic::new(&UNKNOWN_NAME, format!("`{name}` is not a layer's list"))
                .label(span, "`[]` stands behind a layer: `block[].lat`");
            return Err(self.report(error));
        };
        if !self.env.join {
            let error = Diagnostic::new(&NOT_JOINED, "only a join has lists of children")
                .label(span, "the requests below one request")
                .help(format!("`join syscall, {} …`", found.layer.name));
            return Err(self.report(error));
        }
        let index = self
            .source_of(&found, span)
            .map_err(|error| self.report(*error))?;
        // `layer[]` alone counts records; every layer has a time.
        let name = match field {
            [] => "time".to_owned(),
            parts => dotted(parts),
        };
        match self.field_of(index, &name, span) {
            Lookup::Found(found) => Ok(found),
            Lookup::Wrong(error) => Err(self.report(*error)),
            Lookup::Unknown => {
                let error = unknown_field(&print::path(path), found.layer, span);
                Err(self.report(error))
            }
        }
    }

    /// A path that is nothing at all.
    pub(super) fn unknown(&mut self, path: &Path, span: Span) -> Reported {
        let name = print::path(path);
        let constant = self.env.place == Place::Constant;
        let mut error = Diagnostic::new(&UNKNOWN_NAME, format!("unknown name `{name}`"));
        if constant && is_field_anywhere(path) {
            error = Diagnostic::new(&NOT_CONSTANT, format!("`{name}` is not a constant"))
                .label(span, "a field changes from row to row")
                .help("an expression with fields is named with `def`");
            return self.report(error);
        } else if constant {
            error = error.label(span, "not a constant that is defined");
        } else {
            let sources: Vec<_> = self.env.sources.iter().map(source_name).collect();
            error = error.label(span, format!("not a field of {}", sources.join(", ")));
        }
        let sources = self.env.sources.iter().filter(|_| !constant);
        let fields = sources.flat_map(|source| source.layer.fields);
        let names = fields.map(|field| field.name).chain(self.scope.names());
        error.help.extend(did_you_mean(&near(&name, names)));
        if error.help.is_empty() {
            let sources = self.env.sources.iter();
            error.help.extend(
                sources.take(1).map(|source| {
                    format!("`iotq list '{}.*'` shows the fields", source.layer.name)
                }),
            );
        }
        self.report(error)
    }
}

/// Whether a path would be a field in some statement.
fn is_field_anywhere(path: &Path) -> bool {
    let name = dotted(&path.parts);
    let mut layers = catalogue::LAYERS.iter();
    layers.any(|layer| layer.field(&name).is_some())
        || path.parts.len() > 1 && qualified(&path.parts).is_some()
}

/// A source as it is written.
pub(super) fn source_name(source: &SourcePoint) -> String {
    let side = match source.side {
        Side::Local => "",
        Side::Guest => "guest.",
        Side::Host => "host.",
    };
    format!("{side}{}", source.layer.name)
}

fn unknown_field(name: &str, layer: &'static Layer, span: Span) -> Diagnostic {
    let mut error = Diagnostic::new(
        &UNKNOWN_FIELD,
        format!("`{}` has no field `{name}`", layer.name),
    )
    .label(span, "no such field");
    let names = layer.fields.iter().map(|field| field.name);
    error.help.extend(did_you_mean(&near(name, names)));
    error.help(format!("`iotq list '{}.*'` shows the fields", layer.name))
}

fn not_known(field: &Field, source: &SourcePoint, span: Span) -> Diagnostic {
    let layer = source.layer.name;
    let point = format!("{layer}.{}", source.point.name);
    let points = match field.known {
        Known::At(points) => points,
        Known::Start => &[],
    };
    let points: Vec<_> = points
        .iter()
        .map(|name| format!("`{layer}.{name}`"))
        .collect();
    Diagnostic::new(
        &NOT_KNOWN_HERE,
        format!("`{}` is not known at `{point}`", field.name),
    )
    .label(span, format!("{}: {}", field.name, field.doc))
    .label(source.span, "the statement looks here")
    .help(format!("it is known at {}", points.join(", ")))
}
