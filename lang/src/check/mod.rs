//! Syntax tree → checked program: names against the catalogue, types, units.
//!
//! Definitions are replaced by what they stand for, so that an error in a `def` shows where it is used with a layer. A
//! check that fails reports and returns [`Reported`], which silences what would follow from it.

mod arith;
mod call;
mod compare;
mod expr;
mod fields;
mod near;
mod operand;
mod output;
mod params;
mod scope;
mod sources;
mod statement;
mod types;

use std::rc::Rc;

pub use near::near;
pub use params::{ParamDecl, params};

use crate::diag::codes::syntax::TOO_LARGE_EXPRESSION;
use crate::diag::{Diagnostic, Errors};
use crate::ir;
use crate::source::{Sources, Span};
use crate::syntax::{self, ast};

/// The most nodes that a program may have once its definitions are replaced.
const MAX_NODES: usize = 1 << 18;

/// How deep the tree of an expression may be once its definitions are replaced.
const MAX_DEPTH: usize = 2 * syntax::MAX_DEPTH;

/// Enough errors for one run.
const MAX_ERRORS: usize = 100;

/// What a program is given from outside.
pub struct Inputs<'a> {
    /// `$1`, `$2` …
    pub args: Vec<String>,
    /// Values of parameters, as typed.
    pub params: Vec<(String, String)>,
    /// A command is started, whose process `$child` means.
    pub child: bool,
    /// The text of a module, by its name.
    pub modules: &'a dyn Fn(&str) -> Option<String>,
}

impl Default for Inputs<'_> {
    fn default() -> Self {
        Self {
            args: Vec::new(),
            params: Vec::new(),
            child: false,
            modules: &|_| None,
        }
    }
}

/// Checks a program. The modules that it uses are added to `sources`.
pub fn check(
    sources: &mut Sources,
    script: &ast::Script,
    inputs: &Inputs<'_>,
) -> Result<ir::Checked, Errors> {
    let mut checker = Checker {
        sources,
        inputs,
        errors: Vec::new(),
        names: Vec::new(),
        scope: scope::Scope::default(),
        env: Env::default(),
        nodes: 0,
        depth: 0,
        expanding: Vec::new(),
    };
    checker.collect(script);
    let mut statements = Vec::new();
    for item in &script.items {
        if checker.errors.len() >= MAX_ERRORS {
            break;
        }
        if let ast::Item::Statement(statement) = &item.node {
            statements.extend(checker.statement(statement, item.span));
        }
    }
    if !checker.errors.is_empty() {
        return Err(Errors(checker.errors));
    }
    Ok(ir::Checked {
        statements,
        names: checker.names,
    })
}

/// An error has been reported.
#[derive(Clone, Copy, Debug)]
struct Reported;

type Res<T> = Result<T, Reported>;

/// The state of a check.
struct Checker<'a> {
    sources: &'a mut Sources,
    inputs: &'a Inputs<'a>,
    errors: Vec<Diagnostic>,
    names: Vec<ir::Name>,
    scope: scope::Scope,
    env: Env,
    /// Nodes made so far.
    nodes: usize,
    /// How deep the expression is that is being checked.
    depth: usize,
    /// The definitions that are being replaced, the outermost first.
    expanding: Vec<String>,
}

/// What the names of an expression may mean.
#[derive(Default)]
struct Env {
    /// The statement's sources; the first is the root of a join.
    sources: Vec<ir::SourcePoint>,
    /// Fields are read through the layers of a join.
    join: bool,
    /// Where the expression stands.
    place: Place,
    /// What the expression is made of.
    tally: Tally,
    /// The `as` names of `emit`, for `having`.
    columns: Vec<(String, Rc<ast::Expr>)>,
}

/// Where an expression stands: decides whether it may have fields and aggregates.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Place {
    /// It has neither.
    #[default]
    Constant,
    /// `where` and `by`: fields.
    Row,
    /// `emit`: fields or aggregates.
    Column,
    /// `having`: aggregates.
    Having,
    /// The argument of an aggregate: fields.
    Argument,
}

/// Where an expression has values of single rows, and where those of groups.
#[derive(Clone, Copy, Default)]
struct Tally {
    plain: Option<Span>,
    aggregate: Option<Span>,
}

impl Checker<'_> {
    /// Keeps an error; one that is there already, from another layer of the same statement, is not repeated.
    fn report(&mut self, error: Diagnostic) -> Reported {
        if self.errors.len() < MAX_ERRORS && !self.errors.contains(&error) {
            self.errors.push(error);
        }
        Reported
    }

    /// Counts a node and a level; every recursion over expressions passes here.
    fn nested<T>(&mut self, span: Span, f: impl FnOnce(&mut Self) -> Res<T>) -> Res<T> {
        if self.nodes >= MAX_NODES {
            if self.nodes == MAX_NODES {
                self.nodes += 1;
                let error = Diagnostic::new(&TOO_LARGE_EXPRESSION, "this program is too large")
                    .label(span, "its definitions, replaced, have too many parts");
                return Err(self.report(error));
            }
            return Err(Reported);
        }
        if self.depth >= MAX_DEPTH {
            let error = Diagnostic::new(&TOO_LARGE_EXPRESSION, "this expression is too deep")
                .label(span, "definitions inside definitions, too many of them");
            return Err(self.report(error));
        }
        self.nodes += 1;
        self.depth += 1;
        let result = f(self);
        self.depth -= 1;
        result
    }

    /// Evaluates in another place of the statement.
    fn in_place<T>(&mut self, place: Place, f: impl FnOnce(&mut Self) -> T) -> T {
        let before = std::mem::replace(&mut self.env.place, place);
        let result = f(self);
        self.env.place = before;
        result
    }

    /// The number of a name of the machine.
    fn intern(&mut self, kind: ir::NameKind, text: String, span: Span) -> ir::NameId {
        let known = |name: &ir::Name| name.kind == kind && name.text == text;
        let index = self.names.iter().position(known).unwrap_or_else(|| {
            self.names.push(ir::Name { kind, text, span });
            self.names.len() - 1
        });
        ir::NameId(index)
    }
}
