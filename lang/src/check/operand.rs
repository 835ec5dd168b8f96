//! Operands whose meaning comes from the other side of a comparison: names without quotes, text, arguments.
//!
//! A definition wins over a field, a field over a name of the machine. Beside a field of a list of names, the names of
//! that list win over fields. A name with dashes, dots or slashes is recovered from what would be arithmetic, if it
//! stands there without blanks and begins with a word that is not a field: `dev==dm-0`, `cgroup == system.slice`.

use iotq_probes::catalogue::{EnumType, Type};

use super::expr::constant;
use super::fields::Lookup;
use super::near::{did_you_mean, near};
use super::{Checker, Res};
use crate::diag::Diagnostic;
use crate::diag::codes::names::UNKNOWN_VARIANT;
use crate::diag::codes::params::{NO_ARG, NO_CHILD};
use crate::diag::codes::types::PATH_WANTED;
use crate::ir::{Expr, NameKind};
use crate::source::Span;
use crate::syntax::ast::{self, BinaryOp, ExprKind, Quantity};
use crate::syntax::{self, print};
use crate::value::Const;

/// What is compared with a value.
pub(super) enum Operand {
    /// Another value.
    Value(Expr),
    /// A name of the machine.
    Name(NameKind, String),
}

impl Checker<'_> {
    /// Whether an operand takes its type from the other side.
    pub(super) fn is_open(&self, it: &ast::Expr) -> bool {
        self.is_open_at(it, 0)
    }

    fn is_open_at(&self, it: &ast::Expr, depth: usize) -> bool {
        match &it.node {
            ExprKind::Text(_) | ExprKind::Arg(_) | ExprKind::Child | ExprKind::Device(_) => true,
            ExprKind::Path(path) => match self.definition(path) {
                Some(body) => depth < 32 && self.is_open_at(&body, depth + 1),
                None => self.word(it).is_some(),
            },
            ExprKind::Binary(_) => self.word(it).is_some(),
            _ => false,
        }
    }

    /// The text of an expression that is a name of the machine written without quotes.
    pub(super) fn word(&self, it: &ast::Expr) -> Option<String> {
        self.is_wordlike(it, true).then(|| print::expr(it))
    }

    /// Whether this can be one name: words joined without blanks, the first of which means nothing else.
    fn is_wordlike(&self, it: &ast::Expr, first: bool) -> bool {
        match &it.node {
            ExprKind::Path(path) if first => {
                let unknown = matches!(self.lookup(path, it.span), Lookup::Unknown);
                path.list.is_none() && self.definition(path).is_none() && unknown
            }
            ExprKind::Path(path) => path.list.is_none(),
            ExprKind::Number(_) | ExprKind::Device(_) => !first,
            ExprKind::Binary(it) => {
                let joins = matches!(it.op.node, BinaryOp::Sub | BinaryOp::Div);
                it.tight
                    && joins
                    && self.is_wordlike(&it.left, first)
                    && self.is_wordlike(&it.right, false)
            }
            _ => false,
        }
    }

    /// An operand beside a value of type `ty`.
    pub(super) fn operand(&mut self, it: &ast::Expr, ty: Type) -> Res<Operand> {
        self.nested(it.span, |checker| checker.operand_kind(it, ty))
    }

    fn operand_kind(&mut self, it: &ast::Expr, ty: Type) -> Res<Operand> {
        let span = it.span;
        if self.is_any(it) {
            return Err(self.any_misplaced(span));
        }
        if let ExprKind::Path(path) = &it.node
            && let Some(result) = self.expand(path, span, |checker, body| checker.operand(body, ty))
        {
            return result.map(|operand| match operand {
                Operand::Value(value) => Operand::Value(Expr { span, ..value }),
                name => name,
            });
        }
        match ty {
            Type::Enum(list) => self.variant(it, list),
            Type::Text => Ok(Operand::Value(match self.spelled(it)? {
                Some(text) => constant(Const::Text(text), ty, span),
                None => self.infer(it)?,
            })),
            Type::Dev => self.machine_name(it, NameKind::Dev),
            Type::Cgroup => match &it.node {
                ExprKind::Number(number) => {
                    Ok(Operand::Name(NameKind::Cgroup, number.text.clone()))
                }
                _ => self.machine_name(it, NameKind::Cgroup),
            },
            Type::File => self.file(it),
            Type::Pid => match &it.node {
                ExprKind::Child => self.child(span),
                ExprKind::Arg(index) if self.arg(*index, span)? == "$child" => self.child(span),
                _ => Ok(Operand::Value(self.infer(it)?)),
            },
            _ => Ok(Operand::Value(self.infer(it)?)),
        }
    }

    /// The text of a string, an argument or a word.
    fn spelled(&mut self, it: &ast::Expr) -> Res<Option<String>> {
        match &it.node {
            ExprKind::Text(text) => Ok(Some(text.clone())),
            ExprKind::Arg(index) => self.arg(*index, it.span).map(Some),
            _ => Ok(self.word(it)),
        }
    }

    fn machine_name(&mut self, it: &ast::Expr, kind: NameKind) -> Res<Operand> {
        if let ExprKind::Device(text) = &it.node
            && kind == NameKind::Dev
        {
            return Ok(Operand::Name(kind, text.clone()));
        }
        Ok(match self.spelled(it)? {
            Some(text) => Operand::Name(kind, text),
            None => Operand::Value(self.infer(it)?),
        })
    }

    fn file(&mut self, it: &ast::Expr) -> Res<Operand> {
        match &it.node {
            ExprKind::Text(_) | ExprKind::Arg(_) => self.machine_name(it, NameKind::File),
            _ => match self.word(it) {
                None => Ok(Operand::Value(self.infer(it)?)),
                Some(word) => {
                    let error =
                        Diagnostic::new(&PATH_WANTED, "a file is named by its path, quoted")
                            .label(it.span, "not a path")
                            .help(format!("write `\"/path/to/{word}\"`"));
                    Err(self.report(error))
                }
            },
        }
    }

    fn child(&mut self, span: Span) -> Res<Operand> {
        self.check_child(span)?;
        Ok(Operand::Name(NameKind::Child, "$child".into()))
    }

    /// `$child` needs a command.
    pub(super) fn check_child(&mut self, span: Span) -> Res<()> {
        if self.inputs.child {
            return Ok(());
        }
        let error = Diagnostic::new(&NO_CHILD, "no command is started, so there is no `$child`")
            .label(span, "the process that `-c` starts")
            .help("run with `-c 'COMMAND'`");
        Err(self.report(error))
    }

    /// One of a list of names.
    fn variant(&mut self, it: &ast::Expr, list: &'static EnumType) -> Res<Operand> {
        let ty = Type::Enum(list);
        let written = match &it.node {
            ExprKind::Path(path) if path.list.is_none() => Some(print::path(path)),
            ExprKind::Arg(index) => Some(self.arg(*index, it.span)?),
            ExprKind::Binary(_) => self.word(it),
            _ => None,
        };
        let Some(written) = written else {
            return Ok(Operand::Value(self.infer(it)?));
        };
        if let Some(value) = list.value(&written) {
            let value = Const::Int(value.into());
            return Ok(Operand::Value(constant(value, ty, it.span)));
        }
        if let ExprKind::Path(path) = &it.node
            && !matches!(self.lookup(path, it.span), Lookup::Unknown)
        {
            return Ok(Operand::Value(self.infer(it)?));
        }
        let names: Vec<_> = list.variants.iter().map(|(name, _)| *name).collect();
        let message = format!("`{}` has no `{}`", list.name, written.escape_debug());
        let mut error = Diagnostic::new(&UNKNOWN_VARIANT, message).label(it.span, "no such name");
        error
            .help
            .extend(did_you_mean(&near(&written, names.iter().copied())));
        Err(self.report(error.help(format!("it is one of {}", names.join(", ")))))
    }

    /// The text of an argument.
    pub(super) fn arg(&mut self, index: u32, span: Span) -> Res<String> {
        let place = usize::try_from(index)
            .unwrap_or(usize::MAX)
            .saturating_sub(1);
        if let Some(text) = self.inputs.args.get(place) {
            return Ok(text.clone());
        }
        let label = match self.inputs.args.len() {
            0 => "no arguments were given".to_owned(),
            1 => "one argument was given".to_owned(),
            count => format!("{count} arguments were given"),
        };
        let error = Diagnostic::new(&NO_ARG, format!("argument `${index}` is missing"))
            .label(span, label)
            .help("arguments stand behind the script: `iotq FILE.iotq ARGUMENT …`");
        Err(self.report(error))
    }

    /// An argument where its type is not known: a number with its unit, else text.
    pub(super) fn arg_value(&mut self, index: u32, span: Span) -> Res<Expr> {
        let text = self.arg(index, span)?;
        Ok(match signed(&text) {
            Some((value, negative)) => {
                let mut value = super::expr::quantity(value, span);
                if negative {
                    super::arith::negate(&mut value);
                }
                value
            }
            None => constant(Const::Text(text), Type::Text, span),
        })
    }
}

/// A number with a sign.
fn signed(text: &str) -> Option<(Quantity, bool)> {
    let (rest, negative) = match text.strip_prefix('-') {
        Some(rest) => (rest, true),
        None => (text, false),
    };
    syntax::number(rest).ok().map(|value| (value, negative))
}
