//! The names that a program defines.
//!
//! They are visible in the whole script, whatever the order. A script's own definition replaces one of a module.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::{Checker, PATIENCE, Place, Res};
use crate::diag::Diagnostic;
use crate::diag::codes::names::{CYCLE, DEFINED_TWICE, MODULE_ITEM};
use crate::source::Span;
use crate::syntax::ast::{self, BinaryOp, ExprKind, Item};

/// What the names mean.
#[derive(Default)]
pub(super) struct Scope {
    all: BTreeMap<String, Definition>,
    /// One of them is a parameter that restricts nothing.
    pub(super) any: bool,
}

/// What a name means.
#[derive(Clone)]
pub(super) struct Definition {
    /// Where it is defined.
    pub(super) span: Span,
    /// Its fields and aggregates are those of the place where it is used; without, it is a constant.
    pub(super) open: bool,
    /// What it stands for; nothing if that had an error of its own.
    pub(super) body: Option<Rc<ast::Expr>>,
    /// It comes from a module.
    pub(super) imported: bool,
}

impl Scope {
    pub(super) fn get(&self, name: &str) -> Option<&Definition> {
        self.all.get(name)
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.all.keys().map(String::as_str)
    }
}

impl Checker<'_> {
    /// Collects the definitions of a script and of the modules it uses.
    pub(super) fn collect(&mut self, script: &ast::Script) {
        self.definitions(script, false);
        self.check_given(script);
        let closed = self.scope.all.iter().filter(|(_, it)| !it.open);
        let lets: Vec<_> = closed
            .filter_map(|(name, it)| it.body.clone().map(|body| (name.clone(), body)))
            .collect();
        for (name, body) in lets {
            // A name of the machine, a set or a range gets its type where it is used.
            let range = matches!(&body.node, ExprKind::Binary(it) if it.op.node == BinaryOp::Range);
            let whole = matches!(body.node, ExprKind::Set(_) | ExprKind::Any);
            let fluid = range || whole || self.is_any(&body) || self.is_open(&body);
            if !fluid {
                self.expanding.push(name);
                let checked = self.in_place(Place::Constant, |checker| checker.infer(&body));
                let name = self.expanding.pop();
                let known = name.and_then(|name| self.scope.all.get_mut(&name));
                if let (Err(super::Reported), Some(known)) = (checked, known) {
                    known.body = None;
                }
            }
        }
    }

    /// Collects the definitions of one text.
    pub(super) fn definitions(&mut self, script: &ast::Script, imported: bool) {
        for item in &script.items {
            let (name, definition) = match &item.node {
                Item::Let(it) => (&it.name, self.definition_of(it, false, imported)),
                Item::Def(it) => (&it.name, self.definition_of(it, true, imported)),
                Item::Use(import) => {
                    self.import(import, item.span);
                    continue;
                }
                Item::Param(it) if !imported => {
                    let body = self.param_value(it).ok().map(Rc::new);
                    let any = |body: &Rc<ast::Expr>| matches!(body.node, ExprKind::Any);
                    self.scope.any |= body.as_ref().is_some_and(any);
                    let span = it.name.span;
                    let definition = Definition {
                        span,
                        open: false,
                        body,
                        imported,
                    };
                    (&it.name, definition)
                }
                Item::Statement(_) if !imported => continue,
                _ => {
                    let error = Diagnostic::new(&MODULE_ITEM, "a module holds only definitions")
                        .label(item.span, "neither `let` nor `def` nor `use`");
                    self.report(error);
                    continue;
                }
            };
            self.define(&name.node, definition);
        }
    }

    fn definition_of(&self, it: &ast::Definition, open: bool, imported: bool) -> Definition {
        Definition {
            span: it.name.span,
            open,
            body: Some(Rc::new(it.value.clone())),
            imported,
        }
    }

    fn define(&mut self, name: &str, definition: Definition) {
        match self.scope.all.get(name) {
            Some(first) if first.imported == definition.imported => {
                let error = Diagnostic::new(&DEFINED_TWICE, format!("`{name}` is defined twice"))
                    .label(definition.span, "again")
                    .label(first.span, "first here");
                self.report(error);
            }
            Some(first) if !first.imported => {}
            _ => {
                self.scope.all.insert(name.to_owned(), definition);
            }
        }
    }

    fn find(&self, path: &ast::Path) -> Option<Definition> {
        let ([name], None) = (path.parts.as_slice(), path.list) else {
            return None;
        };
        if let Some(known) = self.scope.all.get(&name.node) {
            return Some(known.clone());
        }
        let mut columns = self.env.columns.iter();
        let column = columns.find(|(column, _)| *column == name.node && self.in_having())?;
        Some(Definition {
            span: column.1.span,
            open: true,
            body: Some(Rc::clone(&column.1)),
            imported: false,
        })
    }

    fn in_having(&self) -> bool {
        self.env.place == Place::Having
    }

    /// What a path stands for, if it is a defined name.
    pub(super) fn definition(&self, path: &ast::Path) -> Option<Rc<ast::Expr>> {
        self.find(path)?.body
    }

    /// Checks what a defined name stands for, in its place. `None`: it is not one.
    pub(super) fn expand<T>(
        &mut self,
        path: &ast::Path,
        span: Span,
        f: impl FnOnce(&mut Self, &ast::Expr) -> Res<T>,
    ) -> Option<Res<T>> {
        let definition = self.find(path)?;
        let name = &path.parts.first()?.node;
        if self.expanding.contains(name) {
            let error = Diagnostic::new(&CYCLE, format!("`{name}` stands for itself"))
                .label(span, "this leads back to it")
                .label(definition.span, "defined here");
            return Some(Err(self.report(error)));
        }
        let Some(body) = definition.body else {
            return Some(Err(super::Reported));
        };
        if self.nodes > PATIENCE && self.failed.contains(name) {
            return Some(Err(super::Reported));
        }
        let place = if definition.open {
            self.env.place
        } else {
            Place::Constant
        };
        self.expanding.push(name.clone());
        let result = self.nested(span, |checker| {
            checker.in_place(place, |checker| f(checker, &body))
        });
        self.failed
            .extend(self.expanding.pop().filter(|_| result.is_err()));
        Some(result)
    }
}
