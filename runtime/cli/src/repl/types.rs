//! `:type`: the type of an expression on each layer, or the columns of a statement.

use std::io::{self, Write};

use iotq_lang::ir::{Column, Groups, Kind, Output};
use iotq_lang::syntax::ITEM_KEYWORDS;
use iotq_probes::catalogue::{LAYERS, Type};

use super::session::Session;
use crate::report::{Failure, note};

/// Tells the types of a statement's columns, or of an expression.
///
/// # Errors
/// Those of the text.
pub fn tell(session: &Session, text: &str) -> Result<(), Failure> {
    let first = text.split_whitespace().next().unwrap_or("");
    if ITEM_KEYWORDS.contains(&first) {
        return statement(session, text);
    }
    let mut types: Vec<(Type, Vec<&str>)> = Vec::new();
    let mut wrong = None;
    for layer in LAYERS {
        let query = format!("trace {}\nemit ({text}\n) as it", layer.name);
        match columns(session, &query) {
            Ok(columns) => {
                for (_, ty) in columns {
                    match types.iter_mut().find(|(known, _)| *known == ty) {
                        Some((_, layers)) => layers.push(layer.name),
                        None => types.push((ty, vec![layer.name])),
                    }
                }
            }
            Err(failure) => wrong = wrong.or(Some((layer.name, failure))),
        }
    }
    match wrong {
        Some((layer, failure)) if types.is_empty() => {
            note(&format!("iotq: it has no type on any layer; on `{layer}`:"));
            Err(failure)
        }
        _ => {
            let mut out = io::stdout().lock();
            for (ty, layers) in types {
                writeln!(out, "{:10} on {}", described(ty), layers.join(", "))?;
            }
            Ok(())
        }
    }
}

fn statement(session: &Session, text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    for (name, ty) in columns(session, text)? {
        writeln!(out, "{name:15} {}", described(ty))?;
    }
    Ok(())
}

/// A type with its unit.
fn described(ty: Type) -> String {
    match (ty.unit(), ty) {
        ("", Type::Enum(list)) => format!("{} (one of {} names)", ty.name(), list.variants.len()),
        ("", _) | (_, Type::Bytes) => ty.name().to_owned(),
        (unit, _) => format!("{} ({unit})", ty.name()),
    }
}

/// Names and types of all columns of a text's statements.
fn columns(session: &Session, text: &str) -> Result<Vec<(String, Type)>, Failure> {
    let checked = session.script("<query>", text)?.check(true)?;
    let mut all = Vec::new();
    for statement in checked.statements {
        match statement.kind {
            Kind::Streams(streams) => {
                all.extend(streams.into_iter().flat_map(|it| output(it.output)))
            }
            Kind::Join(join) => all.extend(output(join.output)),
        }
    }
    Ok(all)
}

fn output(output: Output) -> Vec<(String, Type)> {
    let typed = |column: Column| (column.name, column.expr.ty);
    match output {
        Output::Rows(columns) => columns.into_iter().map(typed).collect(),
        Output::Groups(Groups { by, columns, .. }) => {
            by.into_iter().chain(columns).map(typed).collect()
        }
        Output::Tree | Output::Stages(_) => Vec::new(),
    }
}
