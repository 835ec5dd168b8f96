//! The canonical form of a syntax tree: parsing it gives the same tree.
//!
//! One item a paragraph, definitions together; clauses in a fixed order, each on a line of its own if the statement is
//! long; no brackets that precedence does not need. Numbers stay as written, comments are dropped but for the help of
//! parameters.

use std::fmt::Write;

use super::ast::*;
use super::literal::quote;

/// Statements up to this width stay on one line.
const WIDTH: usize = 80;

/// A whole script.
pub fn script(script: &Script) -> String {
    let mut out = String::new();
    let mut before: Option<&Item> = None;
    for item in &script.items {
        let statement = |item: &Item| matches!(item, Item::Statement(_));
        if before.is_some_and(|before| statement(before) || statement(&item.node)) {
            out.push('\n');
        }
        out.push_str(&self::item(&item.node));
        out.push('\n');
        before = Some(&item.node);
    }
    out
}

fn item(item: &Item) -> String {
    match item {
        Item::Let(it) => format!("let {} = {}", it.name.node, expr(&it.value)),
        Item::Def(it) => format!("def {} = {}", it.name.node, expr(&it.value)),
        Item::Use(import) => match import {
            Import::Module(path) => format!("use {}", dotted(path)),
            Import::File(path) => format!("use {}", quote(&path.node)),
        },
        Item::Param(it) => {
            let mut out = String::new();
            for line in &it.help {
                let _ = writeln!(out, "{}", format!("## {line}").trim_end());
            }
            let _ = write!(out, "param {}: {}", it.name.node, it.ty.node);
            if let Some(default) = &it.default {
                let _ = write!(out, " = {}", expr(default));
            }
            out
        }
        Item::Statement(it) => statement(it),
    }
}

fn statement(it: &Statement) -> String {
    let verb = match it.verb {
        Verb::Trace => "trace",
        Verb::On => "on",
        Verb::Join => "join",
    };
    let sources: Vec<_> = it.sources.iter().map(source).collect();
    let mut parts = vec![format!("{verb} {}", sources.join(", "))];
    let mut clause = |word: &str, value: Option<String>| {
        parts.extend(value.map(|value| format!("{word} {value}")));
    };
    let value = |clause: &Option<Spanned<Expr>>| clause.as_ref().map(|it| expr(&it.node));
    clause("where", value(&it.filter));
    clause("emit", it.emit.as_ref().map(|it| emit(&it.node)));
    clause("by", it.by.as_ref().map(|it| columns(&it.node)));
    clause("having", value(&it.having));
    clause("top", value(&it.top));
    clause("every", value(&it.every));
    clause("for", value(&it.duration));
    clause("limit", value(&it.limit));
    if it.required.is_some() {
        parts.push("required".to_owned());
    }
    let width: usize = parts.iter().map(|part| part.chars().count() + 1).sum();
    parts.join(if width > WIDTH { "\n  " } else { " " })
}

fn source(it: &Source) -> String {
    let optional = if it.optional.is_some() {
        "optional "
    } else {
        ""
    };
    format!("{optional}{}", dotted(&it.path.node))
}

fn emit(it: &Emit) -> String {
    match it {
        Emit::Columns(all) => columns(all),
        Emit::Tree => "tree".to_owned(),
        Emit::Stages => "stages".to_owned(),
    }
}

fn columns(all: &[Column]) -> String {
    let one = |column: &Column| match &column.name {
        Some(name) if is_word(&name.node) => format!("{} as {}", expr(&column.expr), name.node),
        Some(name) => format!("{} as {}", expr(&column.expr), quote(&name.node)),
        None => expr(&column.expr),
    };
    all.iter().map(one).collect::<Vec<_>>().join(", ")
}

fn is_word(text: &str) -> bool {
    let start = |c: char| c.is_ascii_alphabetic() || c == '_';
    text.starts_with(start)
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        && !super::is_reserved(text)
}

fn dotted(parts: &[Name]) -> String {
    let parts: Vec<_> = parts.iter().map(|part| part.node.as_str()).collect();
    parts.join(".")
}

/// One expression.
pub fn expr(it: &Expr) -> String {
    let mut out = String::new();
    write_expr(&mut out, it, Level::Or);
    out
}

/// How tightly a form binds, from the loosest.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Level {
    Or,
    And,
    Not,
    Compare,
    Range,
    Sum,
    Product,
    Neg,
    Primary,
}

impl Level {
    fn of(it: &ExprKind) -> Self {
        match it {
            ExprKind::Or(_) => Level::Or,
            ExprKind::And(_) => Level::And,
            ExprKind::Unary(UnaryOp::Not, _) => Level::Not,
            ExprKind::Unary(UnaryOp::Neg, _) => Level::Neg,
            ExprKind::Binary(it) => Level::of_operator(it.op.node),
            _ => Level::Primary,
        }
    }

    fn of_operator(op: BinaryOp) -> Self {
        match op {
            BinaryOp::Add | BinaryOp::Sub => Level::Sum,
            BinaryOp::Mul | BinaryOp::Div | BinaryOp::Rem => Level::Product,
            BinaryOp::Range => Level::Range,
            _ => Level::Compare,
        }
    }

    fn tighter(self) -> Self {
        match self {
            Level::Or => Level::And,
            Level::And => Level::Not,
            Level::Not => Level::Compare,
            Level::Compare => Level::Range,
            Level::Range => Level::Sum,
            Level::Sum => Level::Product,
            Level::Product => Level::Neg,
            Level::Neg | Level::Primary => Level::Primary,
        }
    }
}

/// Writes an expression where one at least as tight as `level` can stand without brackets.
fn write_expr(out: &mut String, it: &Expr, level: Level) {
    let own = Level::of(&it.node);
    if own < level {
        out.push('(');
        write_expr(out, it, Level::Or);
        out.push(')');
        return;
    }
    match &it.node {
        ExprKind::Number(number) => out.push_str(&number.text),
        ExprKind::Text(text) => out.push_str(&quote(text)),
        ExprKind::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
        ExprKind::Device(text) => out.push_str(text),
        ExprKind::Arg(index) => out.push_str(&format!("${index}")),
        ExprKind::Child => out.push_str("$child"),
        ExprKind::Any => out.push_str("any"),
        ExprKind::Path(path) => out.push_str(&self::path(path)),
        ExprKind::Call(name, args) => {
            out.push_str(&name.node);
            write_list(out, args, '(', ')');
        }
        ExprKind::Set(items) => write_list(out, items, '{', '}'),
        ExprKind::Unary(UnaryOp::Not, operand) => {
            out.push_str("not ");
            write_expr(out, operand, own);
        }
        ExprKind::Unary(UnaryOp::Neg, operand) => {
            out.push('-');
            write_expr(out, operand, own);
        }
        ExprKind::Binary(it) => write_binary(out, it, own),
        ExprKind::And(all) => write_chain(out, all, " and ", own),
        ExprKind::Or(all) => write_chain(out, all, " or ", own),
    }
}

fn write_binary(out: &mut String, it: &Binary, own: Level) {
    let chains = it.op.node.is_arithmetic();
    write_expr(out, &it.left, if chains { own } else { own.tighter() });
    let op = it.op.node.text();
    if it.tight || it.op.node == BinaryOp::Range {
        out.push_str(op);
    } else {
        let _ = write!(out, " {op} ");
    }
    write_expr(out, &it.right, own.tighter());
}

fn write_chain(out: &mut String, all: &[Expr], word: &str, own: Level) {
    for (index, operand) in all.iter().enumerate() {
        if index > 0 {
            out.push_str(word);
        }
        write_expr(out, operand, own.tighter());
    }
}

fn write_list(out: &mut String, all: &[Expr], open: char, close: char) {
    out.push(open);
    for (index, item) in all.iter().enumerate() {
        if index > 0 {
            out.push_str(", ");
        }
        write_expr(out, item, Level::Or);
    }
    out.push(close);
}

/// Words with dots between them.
pub fn path(it: &Path) -> String {
    let mut out = String::new();
    for (index, part) in it.parts.iter().enumerate() {
        if index > 0 {
            out.push('.');
        }
        out.push_str(&part.node);
        if it.list == Some(index + 1) {
            out.push_str("[]");
        }
    }
    out
}
