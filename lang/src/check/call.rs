//! Functions and aggregates.
//!
//! `avg`, `stddev` and `rate` of whole numbers are fractions; of durations and sizes they keep the unit (`rate`: each second).
//! An aggregate of `layer[].field` reduces the list within one request, so it is a value of a row: it may stand in
//! `where` and inside another aggregate.

use iotq_probes::catalogue::Type;

use super::near::{did_you_mean, near};
use super::operand::Operand;
use super::types::{a, is_ordered};
use super::{Checker, Place, Res};
use crate::diag::Diagnostic;
use crate::diag::codes::names::UNKNOWN_FUNCTION;
use crate::diag::codes::statements::{AGGREGATE_HERE, NESTED_AGGREGATE};
use crate::diag::codes::types::{ARGUMENTS, EMPTY};
use crate::ir::{Aggregate, Expr, ExprKind, Function};
use crate::source::Span;
use crate::syntax::ast::{self, Name};
use crate::value::Const;

/// Name, function, how it is written, and what it gives.
const FUNCTIONS: [(&str, Function, &str, &str); 7] = [
    ("abs", Function::Abs, "abs(x)", "without its sign"),
    (
        "least",
        Function::Least,
        "least(a, b, …)",
        "the smallest of values of one type; null if one of them is",
    ),
    (
        "greatest",
        Function::Greatest,
        "greatest(a, b, …)",
        "the largest of values of one type; null if one of them is",
    ),
    (
        "bucket",
        Function::Bucket,
        "bucket(x, width)",
        "rounded down to a multiple of the width",
    ),
    (
        "lower",
        Function::Lower,
        "lower(text)",
        "with small ASCII letters",
    ),
    ("length", Function::Length, "length(text)", "in bytes"),
    (
        "coalesce",
        Function::Coalesce,
        "coalesce(a, b)",
        "`a`, or `b` if `a` is null",
    ),
];

/// Name, aggregate, how it is written, and what it tells. The share of `quantile` is its second argument.
const AGGREGATES: [(&str, Aggregate, &str, &str); 16] = [
    ("count", Aggregate::Count, "count()", "rows"),
    ("sum", Aggregate::Sum, "sum(x)", "the sum, exactly"),
    ("avg", Aggregate::Avg, "avg(x)", "the mean"),
    ("min", Aggregate::Min, "min(x)", "the smallest value"),
    ("max", Aggregate::Max, "max(x)", "the largest value"),
    (
        "stddev",
        Aggregate::Stddev,
        "stddev(x)",
        "the standard deviation of a sample",
    ),
    ("hist", Aggregate::Hist, "hist(x)", "a log-linear histogram"),
    (
        "heat",
        Aggregate::Heat,
        "heat(x)",
        "the same as a line of shades: with `every`, a heat map",
    ),
    (
        "lhist",
        Aggregate::Lhist,
        "lhist(x, low, high, step)",
        "a histogram of equal steps",
    ),
    (
        "p50",
        Aggregate::Quantile(0.5),
        "p50(x)",
        "the median, within 1/32",
    ),
    (
        "p90",
        Aggregate::Quantile(0.9),
        "p90(x)",
        "what 90 % do not exceed, within 1/32",
    ),
    (
        "p99",
        Aggregate::Quantile(0.99),
        "p99(x)",
        "what 99 % do not exceed, within 1/32",
    ),
    (
        "p999",
        Aggregate::Quantile(0.999),
        "p999(x)",
        "what 99.9 % do not exceed, within 1/32",
    ),
    (
        "quantile",
        Aggregate::Quantile(f64::NAN),
        "quantile(x, 0.95)",
        "what such a share does not exceed, within 1/32",
    ),
    (
        "rate",
        Aggregate::Rate,
        "rate() or rate(x)",
        "rows, or the sum, each second",
    ),
    (
        "ratio",
        Aggregate::Ratio,
        "ratio(condition)",
        "the share of the rows for which it is true",
    ),
];

/// A function or aggregate, for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FunctionInfo {
    /// Its name.
    pub name: &'static str,
    /// How it is written.
    pub usage: &'static str,
    /// What it gives.
    pub doc: &'static str,
    /// It makes one value of many rows.
    pub aggregate: bool,
}

/// All functions, then all aggregates.
pub fn functions() -> impl Iterator<Item = FunctionInfo> {
    let info = |name, usage, doc, aggregate| FunctionInfo {
        name,
        usage,
        doc,
        aggregate,
    };
    let functions = FUNCTIONS.iter();
    let functions = functions.map(move |&(name, _, usage, doc)| info(name, usage, doc, false));
    let aggregates = AGGREGATES.iter();
    functions.chain(aggregates.map(move |&(name, _, usage, doc)| info(name, usage, doc, true)))
}

/// The most buckets of `lhist`.
const MAX_BUCKETS: i128 = 4096;

/// A call as written.
struct Call<'a> {
    name: &'a Name,
    args: &'a [ast::Expr],
    usage: &'static str,
    span: Span,
}

impl Checker<'_> {
    /// `name(args)`
    pub(super) fn call(&mut self, name: &Name, args: &[ast::Expr], span: Span) -> Res<Expr> {
        let call = |usage| Call {
            name,
            args,
            usage,
            span,
        };
        if let Some(&(_, function, usage, _)) = FUNCTIONS.iter().find(|it| it.0 == name.node) {
            return self.function(function, &call(usage));
        }
        if let Some(&(_, aggregate, usage, _)) = AGGREGATES.iter().find(|it| it.0 == name.node) {
            return self.aggregate(aggregate, &call(usage));
        }
        let names = || functions().map(|it| it.name);
        let mut error = Diagnostic::new(
            &UNKNOWN_FUNCTION,
            format!("unknown function `{}`", name.node),
        )
        .label(name.span, "no such function");
        error.help.extend(did_you_mean(&near(&name.node, names())));
        if error.help.is_empty() {
            let all: Vec<_> = names().collect();
            error = error.help(format!("there are {}", all.join(", ")));
        }
        Err(self.report(error))
    }

    fn wrong_arguments(&mut self, call: &Call<'_>, span: Span, label: String) -> super::Reported {
        let message = format!("`{}` does not take these arguments", call.name.node);
        let error = Diagnostic::new(&ARGUMENTS, message)
            .label(span, label)
            .help(format!("it is written `{}`", call.usage));
        self.report(error)
    }

    fn count_arguments(&mut self, call: &Call<'_>, from: usize, to: usize) -> Res<()> {
        let count = call.args.len();
        if (from..=to).contains(&count) {
            return Ok(());
        }
        let label = match count {
            0 => "no arguments".to_owned(),
            1 => "one argument".to_owned(),
            _ => format!("{count} arguments"),
        };
        Err(self.wrong_arguments(call, call.span, label))
    }

    fn values(&mut self, args: &[ast::Expr]) -> Res<Vec<Expr>> {
        let one = |arg| self.infer(arg).and_then(|value| self.scalar(value));
        let all: Vec<_> = args.iter().map(one).collect();
        all.into_iter().collect()
    }

    fn function(&mut self, function: Function, call: &Call<'_>) -> Res<Expr> {
        let (from, to) = match function {
            Function::Abs | Function::Lower | Function::Length => (1, 1),
            Function::Least | Function::Greatest => (2, 64),
            Function::Bucket | Function::Coalesce => (2, 2),
        };
        self.count_arguments(call, from, to)?;
        let mut args = match function {
            Function::Coalesce => self.alternatives(call)?,
            _ => self.values(call.args)?,
        };
        let ty = args[0].ty;
        let wanted = match function {
            Function::Abs => super::types::is_numeric(ty),
            Function::Least | Function::Greatest => is_ordered(ty),
            Function::Bucket => matches!(ty, Type::Int | Type::Duration | Type::Bytes | Type::Time),
            Function::Lower | Function::Length => ty == Type::Text,
            Function::Coalesce => true,
        };
        if !wanted {
            let label = format!("this is {}", a(ty));
            return Err(self.wrong_arguments(call, args[0].span, label));
        }
        if function == Function::Bucket {
            let width = if ty == Type::Time { Type::Duration } else { ty };
            let step = self.constant(&call.args[1], width, args[0].span)?;
            self.positive(&step, call.args[1].span)?;
            args[1] = super::expr::constant(step, width, call.args[1].span);
        } else {
            self.same_types(&mut args)?;
        }
        let ty = match function {
            Function::Length => Type::Int,
            _ => args[0].ty,
        };
        Ok(Expr {
            kind: ExprKind::Call(function, args),
            ty,
            span: call.span,
        })
    }

    /// A value and what replaces it: `coalesce(error, EIO)`.
    fn alternatives(&mut self, call: &Call<'_>) -> Res<Vec<Expr>> {
        let value = self.infer(&call.args[0])?;
        match self.operand(&call.args[1], value.ty)? {
            Operand::Value(other) => Ok(vec![value, other]),
            Operand::Name(..) => Err(self.misplaced_name(&call.args[1])),
        }
    }

    /// Makes all values those of one type, in place.
    fn same_types(&mut self, args: &mut [Expr]) -> Res<()> {
        // Twice: the last may be what changes the type of the first.
        for _ in 0..2 {
            for index in 1..args.len() {
                let (first, other) = (args[0].clone(), args[index].clone());
                (args[0], args[index]) = self.unify(first, other, "combined with")?;
            }
        }
        Ok(())
    }

    fn positive(&mut self, value: &Const, span: Span) -> Res<()> {
        if matches!(value, Const::Int(1..)) {
            return Ok(());
        }
        let error = Diagnostic::new(&EMPTY, "a width is more than zero").label(span, "not this");
        Err(self.report(error))
    }

    fn aggregate(&mut self, aggregate: Aggregate, call: &Call<'_>) -> Res<Expr> {
        if let Some(path) = call.args.first().and_then(list) {
            return self.reduction(aggregate, call, path);
        }
        match self.env.place {
            Place::Column | Place::Having => self.env.tally.aggregate.get_or_insert(call.span),
            Place::Argument => {
                let error = Diagnostic::new(&NESTED_AGGREGATE, "an aggregate inside an aggregate")
                    .label(call.span, "there is no group of groups")
                    .help("within one request, a list is reduced first: `avg(max(block[].lat))`");
                return Err(self.report(error));
            }
            Place::Row | Place::Constant => {
                let error = Diagnostic::new(&AGGREGATE_HERE, "no group is known here")
                    .label(call.span, "an aggregate stands in `emit` and `having`")
                    .help("to choose among groups, write `having`");
                return Err(self.report(error));
            }
        };
        let (from, to) = match aggregate {
            Aggregate::Count => (0, 0),
            Aggregate::Rate => (0, 1),
            Aggregate::Lhist => (4, 4),
            _ => (1, 1 + usize::from(call.name.node == "quantile")),
        };
        self.count_arguments(call, from, to)?;
        let values = &call.args[..call.args.len().min(1)];
        let values = self.in_place(Place::Argument, |checker| match aggregate {
            Aggregate::Ratio => checker.condition(&call.args[0]).map(|it| vec![it]),
            _ => checker.values(values),
        })?;
        self.finish(aggregate, call, values)
    }

    /// `max(block[].lat)`: the list of one request becomes one value.
    fn reduction(&mut self, aggregate: Aggregate, call: &Call<'_>, path: &ast::Path) -> Res<Expr> {
        let whole = path.list == Some(path.parts.len());
        let wrong = match aggregate {
            Aggregate::Hist
            | Aggregate::Heat
            | Aggregate::Lhist
            | Aggregate::Rate
            | Aggregate::Ratio => Some("a list is reduced to one value: `max`, `sum`, `count` …"),
            Aggregate::Count => None,
            _ if whole => Some("which field? `layer[].field`"),
            _ => None,
        };
        let span = call.args[0].span;
        if let Some(wrong) = wrong {
            return Err(self.wrong_arguments(call, span, wrong.to_owned()));
        }
        self.count_arguments(call, 1, 1 + usize::from(call.name.node == "quantile"))?;
        let field = self.children(path, span)?;
        if matches!(self.env.place, Place::Column | Place::Having) {
            self.env.tally.plain.get_or_insert(call.span);
        }
        let value = Expr {
            kind: ExprKind::Children(field),
            ty: field.field.ty,
            span,
        };
        self.finish(aggregate, call, vec![value])
    }

    /// Checks the arguments' types and gives the aggregate its own.
    fn finish(&mut self, aggregate: Aggregate, call: &Call<'_>, mut args: Vec<Expr>) -> Res<Expr> {
        let ty = args.first().map_or(Type::Int, |value| value.ty);
        let sized = matches!(ty, Type::Int | Type::Duration | Type::Bytes);
        let wanted = match aggregate {
            Aggregate::Count | Aggregate::Ratio => true,
            Aggregate::Hist | Aggregate::Heat | Aggregate::Lhist | Aggregate::Quantile(_) => sized,
            Aggregate::Min | Aggregate::Max => sized || matches!(ty, Type::Float | Type::Time),
            _ => sized || ty == Type::Float,
        };
        if let (false, Some(value)) = (wanted, args.first()) {
            let (span, label) = (value.span, format!("this is {}", a(ty)));
            return Err(self.wrong_arguments(call, span, label));
        }
        let mut aggregate = aggregate;
        if call.name.node == "quantile" {
            aggregate = Aggregate::Quantile(self.share(call)?);
        }
        if aggregate == Aggregate::Lhist {
            args.extend(self.linear(call, &args[0])?);
        }
        let ty = match (aggregate, ty) {
            (Aggregate::Count, _) => Type::Int,
            (Aggregate::Ratio, _) => Type::Float,
            (Aggregate::Avg | Aggregate::Stddev | Aggregate::Rate, Type::Int) => Type::Float,
            (_, ty) => ty,
        };
        Ok(Expr {
            kind: ExprKind::Aggregate(aggregate, args),
            ty,
            span: call.span,
        })
    }

    /// The share of `quantile(x, share)`.
    fn share(&mut self, call: &Call<'_>) -> Res<f64> {
        self.count_arguments(call, 2, 2)?;
        match self.constant(&call.args[1], Type::Float, call.name.span)? {
            Const::Float(share) if (0.0..=1.0).contains(&share) => Ok(share),
            _ => {
                let label = "a share is between 0 and 1".to_owned();
                Err(self.wrong_arguments(call, call.args[1].span, label))
            }
        }
    }

    /// The bounds of `lhist(x, low, high, step)`.
    fn linear(&mut self, call: &Call<'_>, value: &Expr) -> Res<Vec<Expr>> {
        let mut bounds = Vec::new();
        let mut numbers = Vec::new();
        for arg in &call.args[1..] {
            let bound = self.constant(arg, value.ty, value.span)?;
            if let Const::Int(number) = bound {
                numbers.push(number);
            }
            bounds.push(super::expr::constant(bound, value.ty, arg.span));
        }
        let [low, high, step] = numbers[..] else {
            return Err(self.wrong_arguments(call, call.span, "whole numbers are wanted".into()));
        };
        if step <= 0 || high <= low {
            let error = Diagnostic::new(&EMPTY, "this histogram has no buckets")
                .label(
                    call.span,
                    "from the smaller value to the larger, in steps above zero",
                )
                .help(format!("it is written `{}`", call.usage));
            return Err(self.report(error));
        }
        if (high - low) / step > MAX_BUCKETS {
            let label = format!("more than {MAX_BUCKETS} buckets");
            return Err(self.wrong_arguments(call, call.span, label));
        }
        Ok(bounds)
    }
}

/// A path with `[]`.
fn list(it: &ast::Expr) -> Option<&ast::Path> {
    match &it.node {
        ast::ExprKind::Path(path) if path.list.is_some() => Some(path),
        _ => None,
    }
}
