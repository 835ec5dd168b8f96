//! The parser of expressions: precedence, and the literals.

use std::sync::LazyLock;

use pest::iterators::Pairs;
use pest::pratt_parser::{Assoc, Op, PrattParser};

use super::{Builder, Node, Rule};
use crate::diag::Diagnostic;
use crate::diag::codes::syntax::{CHAINED, DOLLAR, NUMBER, STRING};
use crate::source::Span;
use crate::syntax::ast::*;
use crate::syntax::literal;

/// From the loosest to the tightest.
static PRECEDENCE: LazyLock<PrattParser<Rule>> = LazyLock::new(|| {
    let left = |rule| Op::infix(rule, Assoc::Left);
    PrattParser::new()
        .op(left(Rule::or))
        .op(left(Rule::and))
        .op(Op::prefix(Rule::not))
        .op(left(Rule::eq)
            | left(Rule::not_eq)
            | left(Rule::less)
            | left(Rule::less_eq)
            | left(Rule::more)
            | left(Rule::more_eq)
            | left(Rule::glob)
            | left(Rule::not_glob)
            | left(Rule::r#in)
            | left(Rule::not_in)
            | left(Rule::under))
        .op(left(Rule::range))
        .op(left(Rule::add) | left(Rule::sub))
        .op(left(Rule::mul) | left(Rule::div) | left(Rule::rem))
        .op(Op::prefix(Rule::neg))
});

/// An expression, and whether it stands in brackets.
struct Operand {
    expr: Expr,
    bracketed: bool,
}

impl Builder<'_> {
    /// The tree of an `expr` node.
    pub(super) fn expr(&mut self, node: Node<'_>) -> Option<Expr> {
        self.operands(node.into_inner()).map(|operand| operand.expr)
    }

    fn operands(&mut self, nodes: Pairs<'_, Rule>) -> Option<Operand> {
        let builder = std::cell::RefCell::new(self);
        PRECEDENCE
            .map_primary(|node| builder.borrow_mut().primary(node))
            .map_prefix(|op, operand| builder.borrow_mut().prefix(&op, operand?))
            .map_infix(|left, op, right| builder.borrow_mut().infix(left?, &op, right?))
            .parse(nodes)
    }

    fn plain(&self, node: &Node<'_>, kind: ExprKind) -> Option<Operand> {
        Some(open(self.span(node), kind))
    }

    fn fail(&mut self, error: Diagnostic) -> Option<Operand> {
        self.errors.push(error);
        None
    }

    fn prefix(&mut self, op: &Node<'_>, operand: Operand) -> Option<Operand> {
        let kind = match op.as_rule() {
            Rule::not => UnaryOp::Not,
            _ => UnaryOp::Neg,
        };
        let span = join(self.span(op), operand.expr.span);
        let node = ExprKind::Unary(kind, Box::new(operand.expr));
        Some(open(span, node))
    }

    fn infix(&mut self, left: Operand, op: &Node<'_>, right: Operand) -> Option<Operand> {
        let span = join(left.expr.span, right.expr.span);
        let node = match op.as_rule() {
            Rule::and => ExprKind::And(flat(left, right, |node| match node {
                ExprKind::And(all) => Ok(all),
                other => Err(other),
            })),
            Rule::or => ExprKind::Or(flat(left, right, |node| match node {
                ExprKind::Or(all) => Ok(all),
                other => Err(other),
            })),
            rule => {
                let op = self.at(op, operator(rule));
                self.check_chain(&left, op)?;
                let plain = |operand: &Operand| {
                    !operand.bracketed && !matches!(operand.expr.node, ExprKind::Unary(..))
                };
                let plain = plain(&left) && plain(&right);
                let touch =
                    left.expr.span.end == op.span.start && op.span.end == right.expr.span.start;
                ExprKind::Binary(Binary {
                    op,
                    tight: touch && plain && op.node.is_arithmetic(),
                    left: Box::new(left.expr),
                    right: Box::new(right.expr),
                })
            }
        };
        Some(open(span, node))
    }

    /// `a < b < c` would compare a truth value with `c`.
    fn check_chain(&mut self, left: &Operand, op: Spanned<BinaryOp>) -> Option<()> {
        let ExprKind::Binary(inner) = &left.expr.node else {
            return Some(());
        };
        if left.bracketed || !inner.op.node.is_comparison() || !op.node.is_comparison() {
            return Some(());
        }
        let error = Diagnostic::new(&CHAINED, "comparisons do not chain")
            .label(op.span, "a second comparison")
            .label(inner.op.span, "after this one")
            .help("write `a < b and b < c`, or a range: `b in a..c`");
        self.errors.push(error);
        None
    }

    fn primary(&mut self, node: Node<'_>) -> Option<Operand> {
        let text = node.as_str();
        match node.as_rule() {
            Rule::number => self.number(&node),
            Rule::string => {
                let text = self.string(&node)?;
                self.plain(&node, ExprKind::Text(text))
            }
            Rule::device => self.plain(&node, ExprKind::Device(text.to_owned())),
            Rule::boolean => self.plain(&node, ExprKind::Bool(text == "true")),
            Rule::dollar => self.dollar(&node),
            Rule::path => self.path(node),
            Rule::call => {
                let span = self.span(&node);
                let mut inner = node.into_inner();
                let name = self.word(&inner.next()?);
                let args = self.list(inner)?;
                Some(open(span, ExprKind::Call(name, args)))
            }
            Rule::set => {
                let span = self.span(&node);
                let items = self.list(node.into_inner())?;
                Some(open(span, ExprKind::Set(items)))
            }
            _ => {
                let span = self.span(&node);
                let mut operand = self.operands(node.into_inner().next()?.into_inner())?;
                operand.expr.span = span;
                operand.bracketed = true;
                Some(operand)
            }
        }
    }

    fn list(&mut self, nodes: Pairs<'_, Rule>) -> Option<Vec<Expr>> {
        let all: Vec<_> = nodes.map(|node| self.expr(node)).collect();
        all.into_iter().collect()
    }

    fn number(&mut self, node: &Node<'_>) -> Option<Operand> {
        let text = node.as_str().to_owned();
        match literal::number(&text) {
            Ok(value) => self.plain(node, ExprKind::Number(Number { text, value })),
            Err(wrong) => {
                let mut error =
                    Diagnostic::new(&NUMBER, wrong).label(self.span(node), "this number");
                if error.message.ends_with("is not a unit") {
                    error = error
                        .help("units of time are ns us ms s min h, of size B K M G T KiB … KB …")
                        .help(format!(
                            "a name that starts with a digit is quoted: `\"{text}\"`"
                        ));
                }
                self.fail(error)
            }
        }
    }

    /// The text of a string literal.
    pub(super) fn string(&mut self, node: &Node<'_>) -> Option<String> {
        match literal::text(node.as_str()) {
            Ok(text) => Some(text),
            Err(wrong) => {
                let error = Diagnostic::new(&STRING, wrong)
                    .label(self.span(node), "in this string")
                    .help("escapes are \\\" \\\\ \\n \\t \\r \\0 \\u{…}");
                self.errors.push(error);
                None
            }
        }
    }

    fn dollar(&mut self, node: &Node<'_>) -> Option<Operand> {
        let word = &node.as_str()[1..];
        if word == "child" {
            return self.plain(node, ExprKind::Child);
        }
        match word.parse::<u32>() {
            Ok(index @ 1..=999) if !word.starts_with('0') => self.plain(node, ExprKind::Arg(index)),
            _ => {
                let span = self.span(node);
                let mut error =
                    Diagnostic::new(&DOLLAR, "this is neither an argument nor `$child`")
                        .label(span, "`$1`, `$2` … are the arguments of the command line");
                if word.starts_with(|c: char| c.is_ascii_alphabetic()) {
                    error = error.help(format!("a parameter is named without `$`: `{word}`"));
                }
                self.fail(error)
            }
        }
    }

    fn path(&mut self, node: Node<'_>) -> Option<Operand> {
        let span = self.span(&node);
        let mut path = Path {
            parts: Vec::new(),
            list: None,
        };
        for part in node.into_inner() {
            match part.as_rule() {
                Rule::list => path.list = Some(path.parts.len()),
                _ => path.parts.push(self.word(&part)),
            }
        }
        Some(open(span, ExprKind::Path(path)))
    }
}

/// An operand without brackets.
fn open(span: Span, node: ExprKind) -> Operand {
    Operand {
        expr: Spanned { node, span },
        bracketed: false,
    }
}

/// The operands of a chain of one operator; those in brackets stay together.
fn flat(
    left: Operand,
    right: Operand,
    parts: impl Fn(ExprKind) -> Result<Vec<Expr>, ExprKind>,
) -> Vec<Expr> {
    let span = left.expr.span;
    let mut all = if left.bracketed {
        vec![left.expr]
    } else {
        parts(left.expr.node).unwrap_or_else(|node| vec![Spanned { node, span }])
    };
    all.push(right.expr);
    all
}

fn join(first: Span, last: Span) -> Span {
    Span {
        end: last.end,
        ..first
    }
}

fn operator(rule: Rule) -> BinaryOp {
    match rule {
        Rule::eq => BinaryOp::Eq,
        Rule::not_eq => BinaryOp::Ne,
        Rule::less => BinaryOp::Lt,
        Rule::less_eq => BinaryOp::Le,
        Rule::more => BinaryOp::Gt,
        Rule::more_eq => BinaryOp::Ge,
        Rule::glob => BinaryOp::Glob,
        Rule::not_glob => BinaryOp::NotGlob,
        Rule::r#in => BinaryOp::In,
        Rule::not_in => BinaryOp::NotIn,
        Rule::under => BinaryOp::Under,
        Rule::range => BinaryOp::Range,
        Rule::add => BinaryOp::Add,
        Rule::sub => BinaryOp::Sub,
        Rule::mul => BinaryOp::Mul,
        Rule::div => BinaryOp::Div,
        _ => BinaryOp::Rem,
    }
}
