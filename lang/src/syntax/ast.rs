//! The syntax tree: what was written, with its places. Names are not resolved and nothing is typed.

use crate::source::Span;

/// Something and its place. Equality ignores the place.
#[derive(Clone, Copy, Debug)]
pub struct Spanned<T> {
    /// What it is.
    pub node: T,
    /// Where it was written.
    pub span: Span,
}

impl<T: PartialEq> PartialEq for Spanned<T> {
    fn eq(&self, other: &Self) -> bool {
        self.node == other.node
    }
}

/// A word as written.
pub type Name = Spanned<String>;

/// A source text.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Script {
    /// In the order of the source.
    pub items: Vec<Spanned<Item>>,
}

/// What a script is made of.
#[derive(Clone, Debug, PartialEq)]
pub enum Item {
    /// `let NAME = EXPR`: a constant.
    Let(Definition),
    /// `def NAME = EXPR`: an expression that takes its meaning where it is used.
    Def(Definition),
    /// `param NAME: TYPE = EXPR`
    Param(Param),
    /// `use stdlib.NAME`, `use "FILE"`
    Use(Import),
    /// `trace`, `on`, `join`
    Statement(Box<Statement>),
}

/// What is used.
#[derive(Clone, Debug, PartialEq)]
pub enum Import {
    /// A module of the standard library: the words between the dots.
    Module(Vec<Name>),
    /// A file, by its path.
    File(Name),
}

impl Import {
    /// The name of the module, or the path of the file.
    pub fn text(&self) -> String {
        match self {
            Import::Module(path) => {
                let parts: Vec<&str> = path.iter().map(|part| part.node.as_str()).collect();
                parts.join(".")
            }
            Import::File(path) => path.node.clone(),
        }
    }
}

/// A named expression.
#[derive(Clone, Debug, PartialEq)]
pub struct Definition {
    /// Its name.
    pub name: Name,
    /// What the name stands for.
    pub value: Expr,
}

/// A value that the command line may give.
#[derive(Clone, Debug, PartialEq)]
pub struct Param {
    /// Its name.
    pub name: Name,
    /// Its type.
    pub ty: Name,
    /// What it is if it is not given.
    pub default: Option<Expr>,
    /// The lines of the comment above it.
    pub help: Vec<String>,
}

/// A statement.
#[derive(Clone, Debug, PartialEq)]
pub struct Statement {
    /// Its first word.
    pub verb: Verb,
    /// Layers or points.
    pub sources: Vec<Source>,
    /// `where`
    pub filter: Option<Spanned<Expr>>,
    /// `emit`
    pub emit: Option<Spanned<Emit>>,
    /// `by`
    pub by: Option<Spanned<Vec<Column>>>,
    /// `every`
    pub every: Option<Spanned<Expr>>,
    /// `top`
    pub top: Option<Spanned<Expr>>,
    /// `having`
    pub having: Option<Spanned<Expr>>,
    /// `for`
    pub duration: Option<Spanned<Expr>>,
    /// `limit`
    pub limit: Option<Spanned<Expr>>,
    /// `required`
    pub required: Option<Spanned<()>>,
}

/// How a statement reads its sources. The place of a clause is that of its keyword.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// One row per span of a layer.
    Trace,
    /// One row per event at a point.
    On,
    /// One row per request.
    Join,
}

/// `guest.block.complete`, with `optional` before it in a join.
#[derive(Clone, Debug, PartialEq)]
pub struct Source {
    /// The word `optional` was there.
    pub optional: Option<Spanned<()>>,
    /// The words between the dots.
    pub path: Spanned<Vec<Name>>,
}

/// What is emitted.
#[derive(Clone, Debug, PartialEq)]
pub enum Emit {
    /// Expressions.
    Columns(Vec<Column>),
    /// The request's tree.
    Tree,
    /// The request's stages.
    Stages,
}

/// `EXPR as NAME`
#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    /// The value.
    pub expr: Expr,
    /// The `as` name.
    pub name: Option<Name>,
}

/// An expression.
pub type Expr = Spanned<ExprKind>;

/// The forms of expressions.
#[derive(Clone, Debug, PartialEq)]
pub enum ExprKind {
    /// `42`, `1.5`, `10ms`, `4KiB`
    Number(Number),
    /// `"text"`
    Text(String),
    /// `true`, `false`
    Bool(bool),
    /// `253:0`, `2:0:0:0`
    Device(String),
    /// `$1`
    Arg(u32),
    /// `$child`
    Child,
    /// The value of a parameter that restricts nothing. Not written: a parameter's `any` becomes it.
    Any,
    /// `lat`, `block.lat`, `block[].lat`, or a name of the machine.
    Path(Path),
    /// `f(a, b)`
    Call(Name, Vec<Expr>),
    /// `{a, b}`
    Set(Vec<Expr>),
    /// `not a`, `-a`
    Unary(UnaryOp, Box<Expr>),
    /// `a + b`, `a == b`, `a..b`
    Binary(Binary),
    /// `a and b and c`; at least two.
    And(Vec<Expr>),
    /// `a or b or c`; at least two.
    Or(Vec<Expr>),
}

/// A number as written, and its value.
#[derive(Clone, Debug, PartialEq)]
pub struct Number {
    /// As written.
    pub text: String,
    /// The value in the unit of its type.
    pub value: Quantity,
}

/// A number with its unit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Quantity {
    /// Without a unit.
    Int(u64),
    /// With a fraction.
    Float(f64),
    /// Nanoseconds.
    Duration(u64),
    /// Bytes.
    Bytes(u64),
}

/// Words with dots between them.
#[derive(Clone, Debug, PartialEq)]
pub struct Path {
    /// The words; at least one.
    pub parts: Vec<Name>,
    /// `[]` stands after so many of them.
    pub list: Option<usize>,
}

/// Operators before one operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnaryOp {
    /// `not`
    Not,
    /// `-`
    Neg,
}

/// An operator between two operands.
#[derive(Clone, Debug, PartialEq)]
pub struct Binary {
    /// The operator.
    pub op: Spanned<BinaryOp>,
    /// No blanks around the operator, and simple operands: `dm-0` may be one name.
    pub tight: bool,
    /// What is on its left.
    pub left: Box<Expr>,
    /// What is on its right.
    pub right: Box<Expr>,
}

/// Operators between two operands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BinaryOp {
    /// `==`
    Eq,
    /// `!=`
    Ne,
    /// `<`
    Lt,
    /// `<=`
    Le,
    /// `>`
    Gt,
    /// `>=`
    Ge,
    /// `~`
    Glob,
    /// `!~`
    NotGlob,
    /// `in`
    In,
    /// `not in`
    NotIn,
    /// `under`
    Under,
    /// `..`
    Range,
    /// `+`
    Add,
    /// `-`
    Sub,
    /// `*`
    Mul,
    /// `/`
    Div,
    /// `%`
    Rem,
}

impl BinaryOp {
    /// As it is written.
    pub fn text(self) -> &'static str {
        match self {
            BinaryOp::Eq => "==",
            BinaryOp::Ne => "!=",
            BinaryOp::Lt => "<",
            BinaryOp::Le => "<=",
            BinaryOp::Gt => ">",
            BinaryOp::Ge => ">=",
            BinaryOp::Glob => "~",
            BinaryOp::NotGlob => "!~",
            BinaryOp::In => "in",
            BinaryOp::NotIn => "not in",
            BinaryOp::Under => "under",
            BinaryOp::Range => "..",
            BinaryOp::Add => "+",
            BinaryOp::Sub => "-",
            BinaryOp::Mul => "*",
            BinaryOp::Div => "/",
            BinaryOp::Rem => "%",
        }
    }

    /// A sum, difference, product, quotient or remainder.
    pub fn is_arithmetic(self) -> bool {
        use BinaryOp::*;
        matches!(self, Add | Sub | Mul | Div | Rem)
    }

    /// Yields a truth value; such operators do not chain.
    pub fn is_comparison(self) -> bool {
        !self.is_arithmetic() && self != BinaryOp::Range
    }
}
