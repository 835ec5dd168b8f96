//! What a statement emits: columns, groups, trees, stages.
//!
//! A plain column beside aggregates must be a key of `by`: it is then shown as that key, under the name it has in `emit`.
//! `having` may use the `as` names of `emit`. A join without `emit` shows the default columns of its root, and the
//! latencies of the others.

use std::rc::Rc;

use iotq_probes::catalogue::{Field, Type};

use super::fields::source_name;
use super::{Checker, Place, Res, Tally};
use crate::diag::Diagnostic;
use crate::diag::codes::statements::{COLUMN_TWICE, MIXED, NO_AGGREGATES, NO_GROUPS, NOT_HERE};
use crate::ir::{Column, Expr, ExprKind, FieldRef, Groups, Output};
use crate::source::Span;
use crate::syntax::ast::{self, Emit};

/// The most columns of a statement.
const MAX_COLUMNS: usize = 256;

/// The most keys.
const MAX_KEYS: usize = 4;

/// A column that has been checked, and what it is made of.
struct Item<'a> {
    column: Column,
    tally: Tally,
    written: &'a ast::Column,
}

impl Checker<'_> {
    /// The output of a statement over the sources of the environment.
    pub(super) fn output(&mut self, it: &ast::Statement) -> Res<Output> {
        match it.emit.as_ref().map(|emit| (&emit.node, emit.span)) {
            None => {
                self.no_groups(it)?;
                Ok(Output::Rows(self.default_columns()))
            }
            Some((Emit::Tree, span)) => {
                self.join_only("tree", span)?;
                self.no_groups(it)?;
                Ok(Output::Tree)
            }
            Some((Emit::Stages, span)) => {
                self.join_only("stages", span)?;
                let by = self.keys(it)?;
                self.groups(it, Vec::new(), by).map(Output::Stages)
            }
            Some((Emit::Columns(columns), _)) => self.columns(it, columns),
        }
    }

    fn join_only(&mut self, what: &str, span: Span) -> Res<()> {
        if self.env.join {
            return Ok(());
        }
        let first = self.env.sources.first().map(source_name);
        let first = first
            .filter(|name| name != "syscall")
            .unwrap_or("block".into());
        let error = Diagnostic::new(&NOT_HERE, format!("`{what}` belongs to a join"))
            .label(span, "a single layer has no requests to follow")
            .help(format!("write `join syscall, {first} … emit {what}`"));
        Err(self.report(error))
    }

    /// Clauses that are about groups, in a statement of rows.
    fn no_groups(&mut self, it: &ast::Statement) -> Res<()> {
        let by = it.by.as_ref().map(|clause| clause.span);
        if let Some(span) = by {
            let error = Diagnostic::new(&NO_AGGREGATES, "`by` groups nothing")
                .label(span, "there is no aggregate in `emit`")
                .help("add one: `emit count()`, `emit hist(lat)` …");
            return Err(self.report(error));
        }
        let clauses = [
            ("having", it.having.as_ref().map(|clause| clause.span)),
            ("top", it.top.as_ref().map(|clause| clause.span)),
            ("every", it.every.as_ref().map(|clause| clause.span)),
        ];
        let found = clauses
            .into_iter()
            .find_map(|(word, span)| Some((word, span?)));
        let Some((word, span)) = found else {
            return Ok(());
        };
        let error = Diagnostic::new(&NO_GROUPS, format!("`{word}` is about groups"))
            .label(span, "this statement emits rows")
            .help(match word {
                "having" => "to choose among rows, write `where`",
                "top" => "for a number of rows, write `limit`",
                _ => "rows are shown as they come",
            });
        Err(self.report(error))
    }

    fn columns(&mut self, it: &ast::Statement, columns: &[ast::Column]) -> Res<Output> {
        self.few(columns, MAX_COLUMNS, "too many columns")?;
        let items: Vec<_> = columns.iter().map(|column| self.item_of(column)).collect();
        let by = self.keys(it);
        let items: Vec<Item<'_>> = items.into_iter().collect::<Res<_>>()?;
        let by = by?;
        self.unique_names(columns, it.by.as_ref().map_or(&[][..], |by| &by.node))?;
        let aggregate = items.iter().find_map(|item| item.tally.aggregate);
        let Some(aggregate) = aggregate else {
            self.no_groups(it)?;
            let columns = items.into_iter().map(|item| item.column);
            return Ok(Output::Rows(columns.collect()));
        };
        let keys = it.by.as_ref().map_or(&[][..], |by| &by.node);
        let (columns, by) = self.split(items, by, keys, aggregate)?;
        self.groups(it, columns, by).map(Output::Groups)
    }

    fn few(&mut self, columns: &[ast::Column], most: usize, message: &str) -> Res<()> {
        let Some(column) = columns.get(most) else {
            return Ok(());
        };
        let label = format!("there can be {most}");
        Err(self.too_large(column.expr.span, message, &label))
    }

    fn item_of<'a>(&mut self, written: &'a ast::Column) -> Res<Item<'a>> {
        self.env.tally = Tally::default();
        let expr = self.in_place(Place::Column, |checker| checker.infer(&written.expr))?;
        let tally = self.env.tally;
        if let (Some(plain), Some(aggregate)) = (tally.plain, tally.aggregate) {
            return Err(self.mixed(plain, aggregate));
        }
        Ok(Item {
            column: Column {
                name: self.column_name(written),
                expr,
            },
            tally,
            written,
        })
    }

    fn mixed(&mut self, plain: Span, aggregate: Span) -> super::Reported {
        let error = Diagnostic::new(&MIXED, "a value of single rows beside one of a group")
            .label(plain, "which of the group's rows?")
            .label(aggregate, "this is one value for the whole group")
            .help("make it a key with `by`, or reduce it: `max(…)`, `avg(…)`");
        self.report(error)
    }

    /// Aggregates apart from columns that repeat a key.
    fn split(
        &mut self,
        items: Vec<Item<'_>>,
        mut by: Vec<Column>,
        keys: &[ast::Column],
        aggregate: Span,
    ) -> Res<(Vec<Column>, Vec<Column>)> {
        let mut columns = Vec::new();
        for item in items {
            if item.tally.plain.is_none() {
                columns.push(item.column);
                continue;
            }
            let same = |(key, written): (&Column, &ast::Column)| {
                written.expr == item.written.expr || is_same_field(&key.expr, &item.column.expr)
            };
            match by.iter().zip(keys).position(same) {
                Some(index) if item.written.name.is_some() => by[index].name = item.column.name,
                Some(_) => {}
                None => return Err(self.mixed(item.column.expr.span, aggregate)),
            }
        }
        Ok((columns, by))
    }

    fn keys(&mut self, it: &ast::Statement) -> Res<Vec<Column>> {
        let Some(by) = &it.by else {
            return Ok(Vec::new());
        };
        self.few(&by.node, MAX_KEYS, "too many keys")?;
        let one = |key: &ast::Column| {
            let expr = self.in_place(Place::Row, |checker| checker.infer(&key.expr))?;
            let name = self.column_name(key);
            Ok(Column { name, expr })
        };
        let all: Vec<_> = by.node.iter().map(one).collect();
        all.into_iter().collect()
    }

    fn groups(
        &mut self,
        it: &ast::Statement,
        columns: Vec<Column>,
        by: Vec<Column>,
    ) -> Res<Groups> {
        let top = self.bound(it.top.as_ref(), Type::Int);
        let having = self.having(it);
        Ok(Groups {
            columns,
            by,
            top: top?,
            having: having?,
        })
    }

    fn having(&mut self, it: &ast::Statement) -> Res<Option<Expr>> {
        let Some(having) = &it.having else {
            return Ok(None);
        };
        if let Some(Emit::Columns(columns)) = it.emit.as_ref().map(|emit| &emit.node) {
            let named = columns.iter().filter_map(|column| {
                let name = column.name.as_ref()?.node.clone();
                Some((name, Rc::new(column.expr.clone())))
            });
            self.env.columns = named.collect();
        }
        self.env.tally = Tally::default();
        let condition = self.in_place(Place::Having, |checker| checker.condition(&having.node));
        self.env.columns.clear();
        let condition = condition?;
        if let Some(plain) = self.env.tally.plain {
            let error = Diagnostic::new(&MIXED, "`having` judges whole groups")
                .label(plain, "this is a value of single rows")
                .help("to choose among rows, also by their keys, write `where`");
            return Err(self.report(error));
        }
        Ok(Some(condition))
    }

    fn unique_names(&mut self, columns: &[ast::Column], keys: &[ast::Column]) -> Res<()> {
        let mut seen: Vec<(String, &ast::Column, bool)> = Vec::new();
        let columns = columns.iter().map(|column| (column, false));
        for (column, key) in columns.chain(keys.iter().map(|key| (key, true))) {
            let name = self.column_name(column);
            let span = column
                .name
                .as_ref()
                .map_or(column.expr.span, |name| name.span);
            let twin = seen.iter().find(|(other, ..)| *other == name);
            match twin {
                // `emit op, count() by op` names its key twice on purpose.
                Some((_, first, false)) if key && first.expr == column.expr => {}
                Some((_, first, _)) => {
                    let before = first
                        .name
                        .as_ref()
                        .map_or(first.expr.span, |name| name.span);
                    let error =
                        Diagnostic::new(&COLUMN_TWICE, format!("two columns are named `{name}`"))
                            .label(span, "again")
                            .label(before, "first here")
                            .help("give one another name with `as`");
                    return Err(self.report(error));
                }
                None => seen.push((name, column, key)),
            }
        }
        Ok(())
    }

    /// The `as` name, else the expression as written, with single blanks.
    pub(super) fn column_name(&self, column: &ast::Column) -> String {
        match &column.name {
            Some(name) => name.node.clone(),
            None => normalised(self.sources.text(column.expr.span)),
        }
    }

    fn default_columns(&self) -> Vec<Column> {
        let Some(root) = self.env.sources.first() else {
            return Vec::new();
        };
        let known = |name: &&&str| {
            let field = root.layer.field(name);
            field.is_some_and(|field| field.known_at(root.point.name))
        };
        let names = root.layer.columns.iter().filter(known);
        let mut columns: Vec<_> = names
            .filter_map(|name| self.default_column(0, name))
            .collect();
        for index in 1..self.env.sources.len() {
            let column = self.default_column(index, "lat");
            columns.extend(column.map(|column| Column {
                name: format!("{}.lat", source_name(&self.env.sources[index])),
                ..column
            }));
        }
        columns
    }

    fn default_column(&self, source: usize, name: &str) -> Option<Column> {
        let at = self.env.sources.get(source)?;
        let field: &'static Field = at.layer.field(name)?;
        let layer = at.layer;
        let kind = ExprKind::Field(FieldRef {
            source,
            layer,
            field,
        });
        Some(Column {
            name: name.to_owned(),
            expr: Expr {
                kind,
                ty: field.ty,
                span: at.span,
            },
        })
    }
}

fn is_same_field(a: &Expr, b: &Expr) -> bool {
    matches!((&a.kind, &b.kind), (ExprKind::Field(a), ExprKind::Field(b)) if a == b)
}

/// A text with single blanks for all space and comments outside of strings.
fn normalised(text: &str) -> String {
    let mut out = String::new();
    let (mut in_string, mut in_comment, mut escaped) = (false, false, false);
    for c in text.chars() {
        if in_comment {
            in_comment = c != '\n';
        } else if in_string {
            in_string = escaped || c != '"';
            escaped = c == '\\' && !escaped;
            out.push(c);
        } else if c == '#' {
            in_comment = true;
        } else if !c.is_whitespace() {
            in_string = c == '"';
            out.push(c);
        } else if !out.ends_with(' ') {
            out.push(' ');
        }
    }
    out.trim().to_owned()
}
