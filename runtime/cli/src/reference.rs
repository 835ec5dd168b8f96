//! `iotq reference`: the pages of layers, functions, tools and error codes, as Markdown. They are made from what the
//! compiler itself uses.

use std::fmt::Write as _;
use std::io::{self, Write};
use std::process::ExitCode;

use iotq_lang::check::{functions, params};
use iotq_lang::diag::codes;
use iotq_lang::syntax;
use iotq_probes::catalogue::{Field, LAYERS, Layer, Type};

use crate::args::Page;
use crate::library::TOOLS;
use crate::report::Failure;

/// Prints a page.
///
/// # Errors
/// If it cannot be written.
pub fn reference(page: Page) -> Result<ExitCode, Failure> {
    let mut text = String::from("<!-- Made by `iotq reference`: see CONTRIBUTING.md. -->\n\n");
    match page {
        Page::Layers => layers(&mut text),
        Page::Functions => all_functions(&mut text),
        Page::Tools => tools(&mut text),
        Page::Codes => all_codes(&mut text),
    }
    io::stdout().write_all(text.as_bytes())?;
    Ok(ExitCode::SUCCESS)
}

/// Appends a line. A `String` takes everything: there is no error to return.
macro_rules! line {
    ($out:expr, $($arg:tt)*) => {
        { let _ = writeln!($out, $($arg)*); }
    };
}

fn layers(out: &mut String) {
    line!(out, "# Layers, points and fields\n");
    line!(
        out,
        "`iotq list`, `iotq list block`, `iotq list 'block.*lat*'` show the same on a terminal.\n"
    );
    for layer in LAYERS {
        line!(out, "- [{0}](#{0}): {1}", layer.name, layer.doc);
    }
    for layer in LAYERS {
        line!(out, "\n## {}\n\n{}.", layer.name, capital(layer.doc));
        if layer.record.is_none() {
            line!(out, "\nThis build has no probes for it.");
        }
        let columns: Vec<String> = layer
            .columns
            .iter()
            .map(|name| format!("`{name}`"))
            .collect();
        line!(
            out,
            "\n`trace {}` gives a row at `{}`, with {}.",
            layer.name,
            layer.end,
            columns.join(" ")
        );
        points(out, layer);
        line!(
            out,
            "\n| field | type | known at | |\n| --- | --- | --- | --- |"
        );
        for field in layer.fields {
            line!(
                out,
                "| `{}` | {} | {} | {} |",
                field.name,
                field.ty.name(),
                known_at(layer, field),
                cell(field.doc)
            );
        }
        lists(out, layer);
    }
}

fn points(out: &mut String, layer: &Layer) {
    line!(out, "\n| point | | hooks |\n| --- | --- | --- |");
    for point in layer.points {
        let hooks: Vec<&str> = point.hooks.iter().map(|hook| hook.target).collect();
        let hooks = hooks.join(", ");
        line!(out, "| `{}` | {} | {hooks} |", point.name, cell(point.doc));
    }
}

fn known_at(layer: &Layer, field: &Field) -> String {
    let points = layer.points.iter().map(|point| point.name);
    let known: Vec<&str> = points.filter(|point| field.known_at(point)).collect();
    if known.len() == layer.points.len() {
        return String::new();
    }
    known.join(", ")
}

/// The names of a layer's lists.
fn lists(out: &mut String, layer: &Layer) {
    let mut seen = Vec::new();
    for field in layer.fields {
        let Type::Enum(list) = field.ty else { continue };
        if seen.contains(&list.name) {
            continue;
        }
        seen.push(list.name);
        let names: Vec<String> = list
            .variants
            .iter()
            .map(|(name, _)| format!("`{name}`"))
            .collect();
        line!(out, "\n`{}`: {}", list.name, names.join(" "));
    }
}

fn all_functions(out: &mut String) {
    line!(out, "# Functions and aggregates\n");
    line!(
        out,
        "What they make of types and of null is told in the [manual](../REFERENCE.md#functions).\n"
    );
    for (title, aggregate) in [("function", false), ("aggregate", true)] {
        line!(out, "| {title} | |\n| --- | --- |");
        for function in functions().filter(|it| it.aggregate == aggregate) {
            line!(out, "| `{}` | {} |", function.usage, cell(function.doc));
        }
        if !aggregate {
            line!(out, "");
        }
    }
}

fn tools(out: &mut String) {
    line!(out, "# Tools\n");
    line!(
        out,
        "`iotq TOOL` runs one, `iotq TOOL --help` tells the same as this page. The options of a run, such as `--for` and\n\
         `--format`, can stand behind them, too."
    );
    for (name, text) in TOOLS {
        let heading = syntax::heading(text);
        let shown = heading.iter().position(|line| line.starts_with("  "));
        let (prose, sample) = heading.split_at(shown.unwrap_or(heading.len()));
        line!(
            out,
            "\n## {name}\n\n{}\n\n```text",
            prose.join("\n").trim_end()
        );
        for line in sample {
            line!(out, "{}", line.strip_prefix("  ").unwrap_or(line));
        }
        line!(
            out,
            "```\n\n| option | type | default | |\n| --- | --- | --- | --- |"
        );
        let params = syntax::parse(text)
            .map(|tree| params(&tree))
            .unwrap_or_default();
        for param in params {
            let default = param.default.unwrap_or_default();
            let help = param.help.replace('\n', " ");
            line!(
                out,
                "| `--{}` | {} | {default} | {} |",
                param.name,
                param.ty,
                cell(&help)
            );
        }
    }
}

fn all_codes(out: &mut String) {
    line!(out, "# Error codes\n");
    line!(
        out,
        "`iotq explain E0302` shows one of them. A command that fails exits with the number in brackets: 1 it failed while\n\
         running, 2 the query or the command line is wrong, 3 this machine or this user may not."
    );
    for code in codes::all() {
        line!(
            out,
            "\n## {}: {} ({})\n\n{}",
            code.id,
            code.title,
            code.exit,
            code.page.trim_end()
        );
    }
}

/// Text of a table's cell.
fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    let first = chars.next().map(|first| first.to_uppercase().to_string());
    first.unwrap_or_default() + chars.as_str()
}
