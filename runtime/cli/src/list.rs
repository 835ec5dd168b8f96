//! `iotq list`: what there is to ask about, from the catalogue and from this machine.

mod devices;

use std::io::{self, Write};
use std::process::ExitCode;

use iotq_lang::check::{FunctionInfo, ParamDecl, functions, params};
use iotq_lang::diag::codes;
use iotq_lang::syntax;
use iotq_probes::catalogue::{Field, LAYERS, Layer, Type};
use serde_json::{Value, json};
use wildmatch::WildMatch;

use crate::args::ListFormat;
use crate::library::{MODULES, TOOLS};
use crate::report::{Failure, note};

/// Lists layers, or what the word names.
///
/// # Errors
/// If the list cannot be written.
pub fn list(what: Option<&str>, format: ListFormat) -> Result<ExitCode, Failure> {
    let rows = match what {
        None => LAYERS.iter().map(|layer| layer_row(layer)).collect(),
        Some("devices") => return devices::list(format),
        Some("modules") => modules().collect(),
        Some("tools") => tools().collect(),
        Some("functions") => functions().map(function_row).collect(),
        Some("codes") => codes::all()
            .map(|code| Row::new(code.id, "code", code.title))
            .collect(),
        Some(name) => matching(name),
    };
    if rows.is_empty() {
        note(&format!(
            "iotq: nothing is called {}; `iotq list` shows the layers, and functions, tools, devices, modules and codes can be listed",
            what.unwrap_or_default()
        ));
        return Ok(ExitCode::from(2));
    }
    let mut out = io::stdout().lock();
    match format {
        ListFormat::Text => write_text(&mut out, &rows)?,
        ListFormat::Json => rows
            .iter()
            .try_for_each(|row| writeln!(out, "{}", row.json()))?,
    }
    Ok(ExitCode::SUCCESS)
}

/// One thing: its name, what kind of thing it is, and words about it.
struct Row {
    name: String,
    kind: String,
    doc: String,
    more: Value,
}

impl Row {
    fn new(name: impl Into<String>, kind: impl Into<String>, doc: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            kind: kind.into(),
            doc: doc.into(),
            more: json!({}),
        }
    }

    fn json(&self) -> Value {
        let mut object = json!({"name": self.name, "kind": self.kind, "doc": self.doc});
        if let (Value::Object(object), Value::Object(more)) = (&mut object, &self.more) {
            object.extend(more.clone());
        }
        object
    }
}

fn write_text(out: &mut impl Write, rows: &[Row]) -> io::Result<()> {
    let width = |part: fn(&Row) -> &str| {
        rows.iter()
            .map(|row| part(row).chars().count())
            .max()
            .unwrap_or(0)
    };
    let (name, kind) = (width(|row| &row.name), width(|row| &row.kind));
    rows.iter()
        .try_for_each(|row| writeln!(out, "{:name$}  {:kind$}  {}", row.name, row.kind, row.doc))
}

fn layer_row(layer: &Layer) -> Row {
    let later = if layer.record.is_some() {
        ""
    } else {
        " (not in this build)"
    };
    let mut row = Row::new(layer.name, "layer", format!("{}{later}", layer.doc));
    row.more = json!({"runnable": layer.record.is_some()});
    row
}

/// A layer with all that is in it, or everything that matches a glob.
fn matching(name: &str) -> Vec<Row> {
    let pattern = if name.contains(['*', '?', '.']) {
        name.to_owned()
    } else {
        format!("{name}*")
    };
    let glob = WildMatch::new(&pattern);
    let rows = LAYERS.iter().flat_map(|layer| {
        let points = layer.points.iter().map(|point| {
            let mut row = Row::new(format!("{}.{}", layer.name, point.name), "point", point.doc);
            row.more =
                json!({"hooks": point.hooks.iter().map(|hook| hook.target).collect::<Vec<_>>()});
            row
        });
        let fields = layer.fields.iter().map(|field| field_row(layer, field));
        std::iter::once(layer_row(layer))
            .chain(points)
            .chain(fields)
    });
    rows.chain(modules())
        .chain(tools())
        .filter(|row| glob.matches(&row.name))
        .collect()
}

/// The modules of the standard library.
fn modules() -> impl Iterator<Item = Row> {
    MODULES
        .iter()
        .map(|(name, text)| Row::new(*name, "module", about(text)))
}

/// The tools of the standard library, with their parameters.
fn tools() -> impl Iterator<Item = Row> {
    TOOLS.iter().map(|(name, text)| {
        let mut row = Row::new(*name, "tool", about(text));
        let params = syntax::parse(text).map(|tree| params(&tree));
        let param = |it: ParamDecl| json!({"name": it.name, "type": it.ty, "default": it.default, "doc": it.help});
        let params: Vec<Value> = params.unwrap_or_default().into_iter().map(param).collect();
        row.more = json!({"params": params});
        row
    })
}

fn function_row(it: FunctionInfo) -> Row {
    let kind = if it.aggregate {
        "aggregate"
    } else {
        "function"
    };
    let mut row = Row::new(it.usage, kind, it.doc);
    row.more = json!({"function": it.name});
    row
}

/// The first paragraph of the comment at the head of a text.
fn about(text: &str) -> String {
    let heading = syntax::heading(text);
    let first = heading.into_iter().take_while(|line| !line.is_empty());
    first.collect::<Vec<_>>().join(" ")
}

fn field_row(layer: &Layer, field: &Field) -> Row {
    let at: Vec<&str> = layer
        .points
        .iter()
        .map(|point| point.name)
        .filter(|point| field.known_at(point))
        .collect();
    let mut doc = field.doc.to_owned();
    if let Type::Enum(list) = field.ty
        && list.variants.len() <= 16
    {
        let names: Vec<&str> = list.variants.iter().map(|(name, _)| *name).collect();
        doc = format!("{doc}: {}", names.join(" "));
    }
    if at.len() < layer.points.len() {
        doc = format!("{doc} [at {}]", at.join(" "));
    }
    let mut row = Row::new(
        format!("{}.{}", layer.name, field.name),
        field.ty.name(),
        doc,
    );
    row.more = json!({"unit": field.ty.unit(), "points": at, "runnable": field.slot.is_some()});
    row
}
