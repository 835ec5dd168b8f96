//! On which side of a VM boundary a program is asked, and a guest's half of it as text.
//!
//! The half is made from the syntax tree, so that it keeps its statements: the streams of a plan are numbered through
//! them. Qualifiers go, columns keep their names, and of modules come the definitions that are needed.

use std::collections::BTreeSet;

use iotq_probes::catalogue;

use super::scope::Definition;
use super::{Checker, Inputs, across, apart, checked, sources};
use crate::across::Across;
use crate::diag::codes::build::BOUNDARY;
use crate::diag::{Diagnostic, Errors};
use crate::half::{Apart, Half};
use crate::ir::{self, Join, Side, SourcePoint};
use crate::source::Sources;
use crate::syntax::ast::{self, Emit, Expr, ExprKind, Item, Spanned};
use crate::syntax::print;

/// Where a program is asked.
#[derive(Clone, Debug)]
pub enum Placed {
    /// On this machine, which may be a host.
    Here(ir::Checked),
    /// In guests.
    Guest(Half),
    /// In guests and on their host.
    Across(Box<Across>),
}

/// Checks a program that may name the layers of guests.
///
/// # Errors
/// Those of the check, and if it names layers on both sides that cannot be joined.
pub fn place(
    sources: &mut Sources,
    script: &ast::Script,
    inputs: &Inputs<'_>,
) -> Result<Placed, Errors> {
    let mut script = script.clone();
    let apart = apart::take(&mut script);
    let script = &script;
    let (mut checker, mut program) = checked(sources, script, inputs)?;
    if program.joins().any(Join::crosses) {
        return checker
            .across(script, program, apart)
            .map(|it| Placed::Across(Box::new(it)));
    }
    let points: Vec<SourcePoint> = points(&mut program).map(|point| *point).collect();
    let on = |guest: bool| {
        let mut points = points.iter();
        points.find(|point| (point.side == Side::Guest) == guest)
    };
    match (on(true), on(false)) {
        (Some(guest), Some(here)) => Err(Errors(vec![both(guest, here)])),
        (Some(_), None) => Ok(Placed::Guest(checker.half(script, &program, apart))),
        (None, _) => {
            self::points(&mut program).for_each(|point| point.side = Side::Local);
            Ok(Placed::Here(program))
        }
    }
}

impl ir::Checked {
    /// Whether it names the layers of guests.
    pub fn asks_guests(&self) -> bool {
        let is_guest = |point: &SourcePoint| point.side == Side::Guest;
        self.statements.iter().any(|it| match &it.kind {
            ir::Kind::Streams(streams) => streams.iter().any(|it| is_guest(&it.source)),
            ir::Kind::Join(join) => join.sources.iter().any(|it| is_guest(&it.source)),
        })
    }

    fn joins(&self) -> impl Iterator<Item = &Join> {
        self.statements.iter().filter_map(ir::Statement::join)
    }
}

impl ir::Statement {
    fn join(&self) -> Option<&Join> {
        match &self.kind {
            ir::Kind::Streams(_) => None,
            ir::Kind::Join(join) => Some(join),
        }
    }
}

fn points(program: &mut ir::Checked) -> impl Iterator<Item = &mut SourcePoint> {
    program.statements.iter_mut().flat_map(|it| {
        let (streams, join) = match &mut it.kind {
            ir::Kind::Streams(streams) => (Some(streams), None),
            ir::Kind::Join(join) => (None, Some(join)),
        };
        let streams = streams.into_iter().flatten().map(|it| &mut it.source);
        let join = join.into_iter().flat_map(|it| &mut it.sources);
        streams.chain(join.map(|it| &mut it.source))
    })
}

fn sources_of(it: &ir::Statement) -> Vec<&SourcePoint> {
    match &it.kind {
        ir::Kind::Streams(all) => all.iter().map(|it| &it.source).collect(),
        ir::Kind::Join(join) => join.sources.iter().map(|it| &it.source).collect(),
    }
}

fn both(guest: &SourcePoint, here: &SourcePoint) -> Diagnostic {
    let message = "layers on both sides of a VM boundary";
    Diagnostic::new(&BOUNDARY, message)
        .label(guest.span, "in the guest")
        .label(here.span, "on the host")
        .help("to follow requests to their host: `join guest.syscall, guest.virtio, host.qemu …`")
        .help("for both by themselves, ask one side at a time")
}

impl Checker<'_> {
    /// The parts of a program of which a join is over the boundary. Its other statements are about guests.
    fn across(
        &mut self,
        script: &ast::Script,
        program: ir::Checked,
        apart: Vec<Apart>,
    ) -> Result<Across, Errors> {
        let is_mixed = |it: &&ir::Statement| it.join().is_some_and(Join::crosses);
        let mixed: Vec<&Join> = program
            .statements
            .iter()
            .filter(is_mixed)
            .filter_map(ir::Statement::join)
            .collect();
        let mut errors: Vec<Diagnostic> = mixed
            .iter()
            .filter_map(|join| across::refusal(join, &program.names))
            .collect();
        let alone = program.statements.iter().filter(|it| !is_mixed(it));
        let here = alone
            .flat_map(|it| sources_of(it))
            .find(|it| it.side != Side::Guest);
        let guest = mixed
            .first()
            .and_then(|join| join.of_guest().next())
            .map(|it| it.source);
        errors.extend(here.zip(guest).map(|(here, guest)| both(&guest, here)));
        if !errors.is_empty() {
            return Err(Errors(errors));
        }
        self.names.clone_from(&program.names);
        let host = across::of_host(mixed.into_iter());
        let guest = self.half(script, &program, apart);
        Ok(Across {
            guest,
            host,
            program,
        })
    }

    /// The half of a guest: all that is about it.
    fn half(&mut self, script: &ast::Script, program: &ir::Checked, apart: Vec<Apart>) -> Half {
        let mut items = Vec::new();
        let mut statements = program.statements.iter();
        for item in &script.items {
            let mut item = item.clone();
            match &mut item.node {
                Item::Use(_) => continue,
                Item::Let(it) | Item::Def(it) => unqualify(&mut it.value),
                Item::Param(it) => it.help.clear(),
                Item::Statement(it) => match statements.next().and_then(ir::Statement::join) {
                    Some(join) if join.crosses() => self.part_of_guest(it, join),
                    _ => self.statement_of_guest(it),
                },
            }
            items.push(item);
        }
        if program.joins().any(Join::crosses) {
            leave_out_unused(&mut items);
        }
        let mut script = ast::Script {
            items: self.needed(&mut items),
        };
        script.items.append(&mut items);
        Half {
            text: print::script(&script),
            args: self.inputs.args.clone(),
            params: self.inputs.params.clone(),
            apart,
        }
    }

    fn statement_of_guest(&self, it: &mut ast::Statement) {
        for source in &mut it.sources {
            let path = &mut source.path.node;
            let words = path.iter().take(2).map(|word| word.node.as_str());
            if is_qualified(&words.collect::<Vec<_>>()) {
                path.remove(0);
            }
        }
        it.by.take_if(|by| by.node.is_empty());
        let (columns, clauses) = parts(it);
        columns.for_each(|column| self.column_of_guest(column));
        clauses.for_each(unqualify);
    }

    /// The column keeps the name that it has as it was written.
    fn column_of_guest(&self, it: &mut ast::Column) {
        let name = self.column_name(it);
        unqualify(&mut it.expr);
        if it.name.is_none() && print::expr(&it.expr) != name {
            it.name = Some(Spanned {
                node: name,
                span: it.expr.span,
            });
        }
    }

    /// The definitions of modules that some items need, and what these need.
    fn needed(&self, items: &mut [Spanned<Item>]) -> Vec<Spanned<Item>> {
        let mut wanted = Vec::new();
        for item in items {
            exprs(&mut item.node).for_each(|expr| names(expr, &mut wanted));
        }
        let mut seen = BTreeSet::new();
        let mut found = Vec::new();
        while let Some(name) = wanted.pop() {
            let known = self.scope.get(&name).filter(|it| it.imported);
            if let (Some(definition), true) = (known, seen.insert(name.clone())) {
                let mut item = definition_of(&name, definition);
                exprs(&mut item).for_each(|expr| {
                    unqualify(expr);
                    names(expr, &mut wanted);
                });
                let span = definition.span;
                found.push(Spanned { node: item, span });
            }
        }
        found
    }
}

/// Leaves out definitions that nothing uses: they may be about the other side.
fn leave_out_unused(items: &mut Vec<Spanned<Item>>) {
    let mut used = Vec::new();
    for item in items.iter_mut().filter(|it| name_of(&it.node).is_none()) {
        exprs(&mut item.node).for_each(|expr| names(expr, &mut used));
    }
    let mut seen = BTreeSet::new();
    while let Some(name) = used.pop() {
        if seen.insert(name.clone()) {
            let own = items.iter_mut().find(|it| name_of(&it.node) == Some(&name));
            let own = own.into_iter().flat_map(|it| exprs(&mut it.node));
            own.for_each(|expr| names(expr, &mut used));
        }
    }
    items.retain(|it| name_of(&it.node).is_none_or(|name| seen.contains(name)));
}

/// What a definition is called.
fn name_of(item: &Item) -> Option<&str> {
    match item {
        Item::Let(it) | Item::Def(it) => Some(&it.name.node),
        Item::Param(_) | Item::Use(_) | Item::Statement(_) => None,
    }
}

fn definition_of(name: &str, definition: &Definition) -> Item {
    let span = definition.span;
    let nothing = || Spanned {
        node: ExprKind::Any,
        span,
    };
    let value = definition.body.as_deref().cloned().unwrap_or_else(nothing);
    let name = Spanned {
        node: name.to_owned(),
        span,
    };
    let it = ast::Definition { name, value };
    if definition.open {
        Item::Def(it)
    } else {
        Item::Let(it)
    }
}

/// What a statement emits and groups by, and the expressions of its other clauses.
fn parts(
    it: &mut ast::Statement,
) -> (
    impl Iterator<Item = &mut ast::Column>,
    impl Iterator<Item = &mut Expr>,
) {
    let emitted = match it.emit.as_mut().map(|emit| &mut emit.node) {
        Some(Emit::Columns(columns)) => columns.as_mut_slice(),
        _ => &mut [],
    };
    let keys = it.by.iter_mut().flat_map(|by| &mut by.node);
    let clauses = [
        &mut it.filter,
        &mut it.every,
        &mut it.top,
        &mut it.having,
        &mut it.duration,
        &mut it.limit,
    ];
    let clauses = clauses.into_iter().flatten();
    (
        emitted.iter_mut().chain(keys),
        clauses.map(|clause| &mut clause.node),
    )
}

/// All expressions of an item.
fn exprs(item: &mut Item) -> Box<dyn Iterator<Item = &mut Expr> + '_> {
    match item {
        Item::Let(it) | Item::Def(it) => Box::new(std::iter::once(&mut it.value)),
        Item::Param(it) => Box::new(it.default.iter_mut()),
        Item::Use(_) => Box::new(std::iter::empty()),
        Item::Statement(it) => {
            let (columns, clauses) = parts(it);
            let columns = columns.map(|column| &mut column.expr);
            Box::new(columns.chain(clauses))
        }
    }
}

/// Removes the qualifiers of an expression.
pub(super) fn unqualify(expr: &mut Expr) {
    walk(expr, &mut |node| {
        let ExprKind::Path(path) = node else {
            return;
        };
        let words = path.parts.iter().take(2).map(|part| part.node.as_str());
        if is_qualified(&words.collect::<Vec<_>>()) {
            path.parts.remove(0);
            path.list = path.list.map(|at| at.saturating_sub(1));
        }
    });
}

/// Whether words begin with a side and a layer.
fn is_qualified(words: &[&str]) -> bool {
    let [side, layer, ..] = words else {
        return false;
    };
    sources::side(side).is_some() && catalogue::layer(layer).is_some()
}

/// Adds the single words of an expression, which may be names of definitions.
fn names(expr: &mut Expr, found: &mut Vec<String>) {
    walk(expr, &mut |node| {
        if let ExprKind::Path(path) = node
            && let [name] = path.parts.as_slice()
        {
            found.push(name.node.clone());
        }
    });
}

/// Every part of an expression, the whole first. As deep as the parser lets it be.
fn walk(expr: &mut Expr, each: &mut impl FnMut(&mut ExprKind)) {
    each(&mut expr.node);
    match &mut expr.node {
        ExprKind::Call(_, all) | ExprKind::Set(all) | ExprKind::And(all) | ExprKind::Or(all) => {
            all.iter_mut().for_each(|it| walk(it, each));
        }
        ExprKind::Unary(_, operand) => walk(operand, each),
        ExprKind::Binary(it) => {
            walk(&mut it.left, each);
            walk(&mut it.right, each);
        }
        ExprKind::Number(_)
        | ExprKind::Text(_)
        | ExprKind::Bool(_)
        | ExprKind::Device(_)
        | ExprKind::Arg(_)
        | ExprKind::Child
        | ExprKind::Any
        | ExprKind::Path(_) => {}
    }
}
