//! Syntax tree → checked program: names against the catalogue, types, units.
//!
//! Definitions are replaced by what they stand for, so that an error in a `def` shows where it is used with a layer. A
//! check that fails reports and returns [`Reported`], which silences what would follow from it.

pub(crate) mod across;
mod apart;
mod arith;
mod call;
mod compare;
mod expr;
mod fields;
mod import;
mod near;
mod operand;
mod output;
mod params;
mod scope;
mod sides;
mod sources;
mod statement;
mod types;

use std::collections::{HashMap, HashSet};
use std::rc::Rc;

pub use call::{FunctionInfo, functions};
pub use import::{Imported, Modules, NotFound, Wanted, defined};
pub use near::{did_you_mean, near};
pub use params::{ParamDecl, param_types, params};
pub use sides::{Placed, place};

use crate::diag::codes::syntax::TOO_LARGE_EXPRESSION;
use crate::diag::{Diagnostic, Errors};
use crate::ir;
use crate::source::{Sources, Span};
use crate::syntax::{self, ast};

/// The most nodes that a program may have once its definitions are replaced.
const MAX_NODES: usize = 1 << 18;

/// In a program of so many, a definition of which one use was wrong is not looked at again: definitions of definitions
/// would tell each error thousands of times.
const PATIENCE: usize = 1 << 12;

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
    /// Finds the texts that are used.
    pub modules: &'a Modules<'a>,
    /// The key of the script itself, as `modules` would give it: using it again adds nothing.
    pub key: Option<String>,
}

impl Default for Inputs<'_> {
    fn default() -> Self {
        Self {
            args: Vec::new(),
            params: Vec::new(),
            child: false,
            modules: &|_| Err(NotFound(None)),
            key: None,
        }
    }
}

/// Checks a program. The modules that it uses are added to `sources`.
pub fn check(
    sources: &mut Sources,
    script: &ast::Script,
    inputs: &Inputs<'_>,
) -> Result<ir::Checked, Errors> {
    // Whoever asks guests puts their names in: see `place`.
    let mut script = script.clone();
    apart::take(&mut script);
    checked(sources, &script, inputs).map(|(_, checked)| checked)
}

/// The same, with what is known of its definitions.
fn checked<'a>(
    sources: &'a mut Sources,
    script: &ast::Script,
    inputs: &'a Inputs<'_>,
) -> Result<(Checker<'a>, ir::Checked), Errors> {
    let mut checker = Checker {
        sources,
        inputs,
        errors: Vec::new(),
        names: Vec::new(),
        name_ids: HashMap::new(),
        scope: scope::Scope::default(),
        imported: Vec::new(),
        env: Env::default(),
        nodes: 0,
        depth: 0,
        expanding: Vec::new(),
        failed: HashSet::new(),
    };
    checker.collect(script);
    let mut statements = Vec::new();
    for item in &script.items {
        if checker.is_full() {
            break;
        }
        if let ast::Item::Statement(statement) = &item.node {
            statements.extend(checker.statement(statement, item.span));
        }
    }
    if !checker.errors.is_empty() {
        return Err(Errors(checker.errors));
    }
    let names = std::mem::take(&mut checker.names);
    Ok((checker, ir::Checked { statements, names }))
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
    name_ids: HashMap<(ir::NameKind, String), ir::NameId>,
    scope: scope::Scope,
    /// The keys of the texts that are used.
    imported: Vec<String>,
    env: Env,
    /// Nodes made so far.
    nodes: usize,
    /// How deep the expression is that is being checked.
    depth: usize,
    /// The definitions that are being replaced, the outermost first.
    expanding: Vec<String>,
    /// The definitions of which a use was wrong.
    failed: HashSet<String>,
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
        let known = |other: &Diagnostic| {
            (other.code, &other.message, &other.labels)
                == (error.code, &error.message, &error.labels)
        };
        if !self.is_full() && !self.errors.iter().any(known) {
            self.errors.push(error);
        }
        Reported
    }

    /// Enough errors have been reported: the rest is not looked at.
    fn is_full(&self) -> bool {
        self.errors.len() >= MAX_ERRORS
    }

    /// Reports that something has no end; once is enough.
    fn too_large(&mut self, span: Span, message: &str, label: &str) -> Reported {
        let known = self
            .errors
            .iter()
            .any(|error| error.code == &TOO_LARGE_EXPRESSION);
        if known {
            return Reported;
        }
        self.report(Diagnostic::new(&TOO_LARGE_EXPRESSION, message).label(span, label))
    }

    /// Counts a node and a level; every recursion over expressions passes here.
    fn nested<T>(&mut self, span: Span, f: impl FnOnce(&mut Self) -> Res<T>) -> Res<T> {
        if self.is_full() {
            return Err(Reported);
        }
        if self.nodes >= MAX_NODES {
            let label = "its definitions, replaced, have too many parts";
            return Err(self.too_large(span, "this program is too large", label));
        }
        if self.depth >= MAX_DEPTH {
            let label = "definitions inside definitions, too many of them";
            return Err(self.too_large(span, "this expression is too deep", label));
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
        let next = ir::NameId(self.names.len());
        let id = *self.name_ids.entry((kind, text.clone())).or_insert(next);
        if id == next {
            self.names.push(ir::Name { kind, text, span });
        }
        id
    }
}
