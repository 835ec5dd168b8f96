//! Parameters: what the command line offers, and the values it gives.

use iotq_probes::catalogue::{LAYERS, Type};

use super::near::{did_you_mean, near};
use super::types::a;
use super::{Checker, Place, Res};
use crate::diag::Diagnostic;
use crate::diag::codes::params::{MISSING, NO_SUCH_PARAM, PARAM_TYPE, PARAM_VALUE};
use crate::source::Span;
use crate::syntax::ast::{self, Expr, ExprKind, Item, Number, Quantity, Spanned, UnaryOp};
use crate::syntax::{self, print};

/// A parameter, for the command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParamDecl {
    /// Its name.
    pub name: String,
    /// Its type, as written.
    pub ty: String,
    /// Its default, as source text.
    pub default: Option<String>,
    /// The comment above it, a line each.
    pub help: String,
}

/// The parameters of a script, in the order of the source.
pub fn params(script: &ast::Script) -> Vec<ParamDecl> {
    let items = script.items.iter();
    let params = items.filter_map(|item| match &item.node {
        Item::Param(param) => Some(param),
        _ => None,
    });
    params
        .map(|param| ParamDecl {
            name: param.name.node.clone(),
            ty: param.ty.node.clone(),
            default: param.default.as_ref().map(print::expr),
            help: param.help.join("\n"),
        })
        .collect()
}

/// What a parameter may be declared as.
#[derive(Clone, Copy, PartialEq, Eq)]
enum ParamType {
    /// A number or truth value.
    Value(Type),
    /// A process: a number, or `$child`.
    Pid,
    /// Text, or a name of the machine.
    Word,
    /// A name of one of the catalogue's lists, by the name of the list.
    Variant(&'static str),
}

/// The value of a parameter that restricts nothing: a comparison with it holds.
const ANY: &str = "any";

/// The types that name things.
const WORDS: [&str; 6] = ["string", "dev", "file", "dir", "cgroup", "comm"];

const VALUES: [Type; 5] = [
    Type::Int,
    Type::Float,
    Type::Bool,
    Type::Duration,
    Type::Bytes,
];

/// The names of the catalogue's lists.
fn lists() -> impl Iterator<Item = &'static str> {
    enums().map(|list| list.name)
}

fn enums() -> impl Iterator<Item = &'static iotq_probes::catalogue::EnumType> {
    let fields = LAYERS.iter().flat_map(|layer| layer.fields);
    fields.filter_map(|field| match field.ty {
        Type::Enum(list) => Some(list),
        _ => None,
    })
}

/// The types that a parameter may have.
pub fn param_types() -> Vec<&'static str> {
    let mut names: Vec<_> = VALUES.iter().map(|ty| ty.name()).chain(WORDS).collect();
    names.push("pid");
    for list in lists() {
        if !names.contains(&list) {
            names.push(list);
        }
    }
    names
}

fn param_type(name: &str) -> Option<ParamType> {
    if let Some(ty) = VALUES.into_iter().find(|ty| ty.name() == name) {
        return Some(ParamType::Value(ty));
    }
    match name {
        "pid" => Some(ParamType::Pid),
        _ if WORDS.contains(&name) => Some(ParamType::Word),
        _ => lists().find(|list| *list == name).map(ParamType::Variant),
    }
}

impl Checker<'_> {
    /// Values for parameters that the script does not have.
    pub(super) fn check_given(&mut self, script: &ast::Script) {
        let known = params(script);
        let names: Vec<_> = known.iter().map(|param| param.name.as_str()).collect();
        for (name, _) in &self.inputs.params {
            if !names.contains(&name.as_str()) {
                let message = format!("the script has no parameter `{}`", name.escape_debug());
                let mut error = Diagnostic::new(&NO_SUCH_PARAM, message);
                error
                    .help
                    .extend(did_you_mean(&near(name, names.iter().copied())));
                if !names.is_empty() {
                    error = error.help(format!("its parameters are {}", names.join(", ")));
                }
                self.report(error);
            }
        }
    }

    /// What a parameter stands for.
    pub(super) fn param_value(&mut self, param: &ast::Param) -> Res<Expr> {
        let Some(ty) = param_type(&param.ty.node) else {
            let mut error =
                Diagnostic::new(&PARAM_TYPE, format!("unknown type `{}`", param.ty.node))
                    .label(param.ty.span, "not a type of parameters");
            let names = param_types();
            error
                .help
                .extend(did_you_mean(&near(&param.ty.node, names.iter().copied())));
            return Err(self.report(error.help(format!("types are {}", names.join(", ")))));
        };
        let name = &param.name.node;
        let mut given = self.inputs.params.iter().rev();
        if let Some((_, text)) = given.find(|(given, _)| given == name) {
            let text = text.clone();
            return self.given_value(param, ty, &text);
        }
        match &param.default {
            Some(default) => self.default_value(param, ty, default),
            None => {
                let error = Diagnostic::new(&MISSING, format!("parameter `{name}` has no value"))
                    .label(param.name.span, "it has no default")
                    .help(format!("run with `--{name} VALUE`"));
                Err(self.report(error))
            }
        }
    }

    fn given_value(&mut self, param: &ast::Param, ty: ParamType, text: &str) -> Res<Expr> {
        let span = param.name.span;
        if text == ANY {
            return Ok(any(span));
        }
        match value(ty, text, span) {
            Some(value) => Ok(value),
            None => {
                let name = &param.name.node;
                let shown = text.escape_debug();
                let message = format!("`{shown}` is not a value for the parameter `{name}`");
                let mut error = Diagnostic::new(&PARAM_VALUE, message)
                    .label(param.ty.span, format!("its type is `{}`", param.ty.node));
                error.help.extend(example(ty));
                Err(self.report(error))
            }
        }
    }

    fn default_value(&mut self, param: &ast::Param, ty: ParamType, default: &Expr) -> Res<Expr> {
        let word = self.word(default);
        if word.as_deref() == Some(ANY) {
            return Ok(any(default.span));
        }
        let fits = match (ty, &default.node) {
            (_, ExprKind::Arg(_)) => true,
            (ParamType::Value(wanted), _) => {
                let found = self.in_place(Place::Constant, |checker| checker.infer(default))?;
                self.expect(found, wanted, param.ty.span, "the default of")?;
                return Ok(default.clone());
            }
            (ParamType::Pid, node) => matches!(node, ExprKind::Number(_) | ExprKind::Child),
            (ParamType::Variant(_), ExprKind::Path(path)) => {
                value(ty, &print::path(path), default.span).is_some()
            }
            (ParamType::Variant(_), _) => false,
            (ParamType::Word, ExprKind::Text(_)) => true,
            (ParamType::Word, ExprKind::Device(text)) => {
                return Ok(text_at(text.clone(), default.span));
            }
            (ParamType::Word, _) => match word {
                Some(word) => return Ok(text_at(word, default.span)),
                None => false,
            },
        };
        if fits {
            return Ok(default.clone());
        }
        let message = format!(
            "this is not a value for the parameter `{}`",
            param.name.node
        );
        let mut error = Diagnostic::new(&PARAM_VALUE, message)
            .label(default.span, "the default")
            .label(param.ty.span, format!("its type is `{}`", param.ty.node));
        error.help.extend(example(ty));
        Err(self.report(error))
    }
}

fn any(span: Span) -> Expr {
    Spanned {
        node: ExprKind::Any,
        span,
    }
}

fn text_at(text: String, span: Span) -> Expr {
    Spanned {
        node: ExprKind::Text(text),
        span,
    }
}

/// The value of a text from the command line.
fn value(ty: ParamType, text: &str, span: Span) -> Option<Expr> {
    let at = |node| Spanned { node, span };
    let node = match ty {
        ParamType::Word => ExprKind::Text(text.to_owned()),
        ParamType::Pid if text == "$child" => ExprKind::Child,
        ParamType::Pid => ExprKind::Number(number(text, Type::Int)?),
        ParamType::Value(Type::Bool) => ExprKind::Bool(text.parse().ok()?),
        ParamType::Value(ty) => match text.strip_prefix('-') {
            Some(rest) => {
                let operand = at(ExprKind::Number(number(rest, ty)?));
                ExprKind::Unary(UnaryOp::Neg, Box::new(operand))
            }
            None => ExprKind::Number(number(text, ty)?),
        },
        ParamType::Variant(name) => {
            let mut named = enums().filter(|list| list.name == name);
            named.find(|list| list.value(text).is_some())?;
            let part = Spanned {
                node: text.to_owned(),
                span,
            };
            ExprKind::Path(ast::Path {
                parts: vec![part],
                list: None,
            })
        }
    };
    Some(at(node))
}

fn number(text: &str, ty: Type) -> Option<Number> {
    let value = syntax::number(text).ok()?;
    let value = match (value, ty) {
        (Quantity::Int(0), Type::Duration) => Quantity::Duration(0),
        (Quantity::Int(0), Type::Bytes) => Quantity::Bytes(0),
        (Quantity::Int(value), Type::Float) => Quantity::Float(value as f64),
        other => other.0,
    };
    let fits = matches!(
        (value, ty),
        (Quantity::Int(_), Type::Int)
            | (Quantity::Float(_), Type::Float)
            | (Quantity::Duration(_), Type::Duration)
            | (Quantity::Bytes(_), Type::Bytes)
    );
    let text = text.to_owned();
    fits.then_some(Number { text, value })
}

fn example(ty: ParamType) -> Option<String> {
    Some(match ty {
        ParamType::Value(Type::Duration) => "a duration has a unit: `10ms`, `1.5s`".into(),
        ParamType::Value(Type::Bytes) => "a size has a unit: `512B`, `4KiB`, `1M`".into(),
        ParamType::Value(Type::Bool) => "write `true` or `false`".into(),
        ParamType::Value(ty) => format!("it is {}", a(ty)),
        ParamType::Pid => "write the number of a process, or `$child`".into(),
        ParamType::Word => return None,
        ParamType::Variant(name) => {
            let mut all: Vec<&str> = Vec::new();
            for list in enums().filter(|list| list.name == name) {
                all.extend(list.variants.iter().map(|(variant, _)| variant));
            }
            let mut seen = Vec::new();
            all.retain(|name| {
                let new = !seen.contains(name);
                seen.push(*name);
                new
            });
            format!("it is one of {}", all.join(", "))
        }
    })
}
