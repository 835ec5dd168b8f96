//! `use`: texts that are used, each once, whoever uses it and however often.

use super::Checker;
use crate::diag::Diagnostic;
use crate::diag::codes::names::UNKNOWN_MODULE;
use crate::diag::codes::syntax::TOO_LARGE_EXPRESSION;
use crate::source::{Source, Span};
use crate::syntax::ast::{self, Import, Item};

/// So many texts may be used.
const MAX_IMPORTS: usize = 256;

/// A text that is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted<'a> {
    /// `use stdlib.name`
    Module(&'a str),
    /// `use "path"`, in the source of that name.
    File {
        /// As written.
        path: &'a str,
        /// The source that uses it.
        from: &'a str,
    },
}

/// A text that was found.
#[derive(Clone, Debug)]
pub struct Imported {
    /// The same for the same text, whatever it was called.
    pub key: String,
    /// The text, under the name that messages give it.
    pub source: Source,
}

/// Why a text was not found: there is none, or what the system says.
#[derive(Clone, Debug, Default)]
pub struct NotFound(pub Option<String>);

/// Finds the texts that are used.
pub type Modules<'a> = dyn Fn(Wanted<'_>) -> Result<Imported, NotFound> + 'a;

/// The names that a script defines, those of what it uses included; what cannot be read is left out.
pub fn defined(script: &ast::Script, from: &str, modules: &Modules<'_>) -> Vec<String> {
    let mut names = Vec::new();
    let mut seen = Vec::new();
    names_of(script, from, modules, &mut names, &mut seen);
    names
}

fn names_of(
    script: &ast::Script,
    from: &str,
    modules: &Modules<'_>,
    names: &mut Vec<String>,
    seen: &mut Vec<String>,
) {
    for item in &script.items {
        match &item.node {
            Item::Let(it) | Item::Def(it) => names.push(it.name.node.clone()),
            Item::Param(it) => names.push(it.name.node.clone()),
            Item::Statement(_) => {}
            Item::Use(import) => {
                let written = import.text();
                let Ok(found) = modules(wanted(import, &written, from)) else {
                    continue;
                };
                if seen.len() >= MAX_IMPORTS || seen.contains(&found.key) {
                    continue;
                }
                seen.push(found.key);
                if let Ok(parsed) = crate::syntax::parse(&found.source.text) {
                    names_of(&parsed, &found.source.name, modules, names, seen);
                }
            }
        }
    }
}

fn wanted<'a>(import: &Import, written: &'a str, from: &'a str) -> Wanted<'a> {
    match import {
        Import::Module(_) => Wanted::Module(written),
        Import::File(_) => Wanted::File {
            path: written,
            from,
        },
    }
}

impl Checker<'_> {
    /// Adds the definitions of a text that is used.
    pub(super) fn import(&mut self, import: &Import, span: Span) {
        let written = import.text();
        let from = self.sources.0.get(span.file as usize);
        let from = from.map_or_else(String::new, |source| source.name.clone());
        let found = match (self.inputs.modules)(wanted(import, &written, &from)) {
            Ok(found) => found,
            Err(NotFound(why)) => {
                self.not_found(import, &written, why, span);
                return;
            }
        };
        if self.inputs.key.as_ref() == Some(&found.key) || self.imported.contains(&found.key) {
            return;
        }
        if self.imported.len() >= MAX_IMPORTS {
            self.report(
                Diagnostic::new(&TOO_LARGE_EXPRESSION, "too many files are used")
                    .label(span, format!("more than {MAX_IMPORTS}")),
            );
            return;
        }
        self.imported.push(found.key);
        let file = u32::try_from(self.sources.0.len()).unwrap_or(u32::MAX);
        let parsed = crate::syntax::parse_file(&found.source.text, file);
        self.sources.0.push(found.source);
        match parsed {
            Ok(module) => self.definitions(&module, true),
            Err(errors) => {
                for error in errors.0 {
                    self.report(error);
                }
            }
        }
    }

    fn not_found(&mut self, import: &Import, written: &str, why: Option<String>, span: Span) {
        let shown = written.escape_debug();
        let error = match import {
            Import::Module(_) => {
                Diagnostic::new(&UNKNOWN_MODULE, format!("unknown module `{shown}`"))
                    .label(span, "no such module")
                    .help("`iotq list modules` shows them")
            }
            Import::File(_) => {
                Diagnostic::new(&UNKNOWN_MODULE, format!("`{shown}` cannot be used"))
                    .label(span, "relative to the folder of the file that uses it")
            }
        };
        let error = match why {
            Some(why) => error.help(format!("the system says: {why}")),
            None => error,
        };
        self.report(error);
    }
}
