//! The checked program: every name resolved against the catalogue, every expression typed.
//!
//! Names of the machine (devices, files, control groups, processes) are still symbolic: they get their meaning when the
//! plan is bound.

mod walk;

use iotq_probes::catalogue::{Field, Layer, Point, Type};

use crate::source::Span;
use crate::value::Const;

/// A whole program.
#[derive(Clone, Debug, Default)]
pub struct Checked {
    /// In the order of the source.
    pub statements: Vec<Statement>,
    /// The machine's names that the statements mention; [`NameId`] is the index.
    pub names: Vec<Name>,
}

/// One statement.
#[derive(Clone, Debug)]
pub struct Statement {
    /// Its place in the source.
    pub span: Span,
    /// What kind of rows it makes, and from what.
    pub kind: Kind,
    /// When it ends by itself.
    pub bounds: Bounds,
}

/// What a statement is made of.
#[derive(Clone, Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "there is one for each statement of a script"
)]
pub enum Kind {
    /// `trace` and `on`: rows or groups of single records. One stream per layer or point that is named.
    Streams(Vec<Stream>),
    /// `join`: rows of one request over several layers.
    Join(Join),
}

/// The records of one point, filtered and projected.
#[derive(Clone, Debug)]
pub struct Stream {
    /// Where the records come from.
    pub source: SourcePoint,
    /// Which of them are wanted; typed `Bool`, with `let`, `def` and parameters replaced.
    pub filter: Option<Expr>,
    /// What is made of them.
    pub output: Output,
}

/// A point of a layer, on one side of a VM boundary.
#[derive(Clone, Copy, Debug)]
pub struct SourcePoint {
    /// Which machine.
    pub side: Side,
    /// The layer.
    pub layer: &'static Layer,
    /// Its point: the end of the span for `trace` and `join`.
    pub point: &'static Point,
    /// Where it was named.
    pub span: Span,
}

/// Which machine a layer is read on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// This one; no qualifier.
    Local,
    /// `guest.`
    Guest,
    /// `host.`
    Host,
}

/// Layers joined by the request that they serve.
#[derive(Clone, Debug)]
pub struct Join {
    /// The layers, the first of which is the root; the `usize` of [`FieldRef`] is the index.
    pub sources: Vec<JoinSource>,
    /// Which requests are wanted.
    pub filter: Option<Expr>,
    /// What is made of them.
    pub output: Output,
    /// Only full rows.
    pub required: bool,
}

/// One layer of a join.
#[derive(Clone, Copy, Debug)]
pub struct JoinSource {
    /// The layer.
    pub source: SourcePoint,
    /// The join goes on without it where the machine lacks it.
    pub optional: bool,
}

/// What a statement emits.
#[derive(Clone, Debug)]
pub enum Output {
    /// One row per record or request.
    Rows(Vec<Column>),
    /// One row per group.
    Groups(Groups),
    /// The request's tree, drawn.
    Tree,
    /// Where the time went, per group.
    Stages(Groups),
}

/// A named expression.
#[derive(Clone, Debug)]
pub struct Column {
    /// The `as` name, else the expression as written.
    pub name: String,
    /// The value.
    pub expr: Expr,
}

/// A grouped output.
#[derive(Clone, Debug, Default)]
pub struct Groups {
    /// The aggregates, and expressions of them. Inside, [`ExprKind::Aggregate`] stands for an aggregate.
    pub columns: Vec<Column>,
    /// The keys.
    pub by: Vec<Column>,
    /// Keep only the groups with the largest first aggregate.
    pub top: Option<u64>,
    /// Keep only these groups.
    pub having: Option<Expr>,
}

/// When a statement ends by itself, and how often it reports.
#[derive(Clone, Copy, Debug, Default)]
pub struct Bounds {
    /// `for`: nanoseconds.
    pub duration: Option<u64>,
    /// `limit`: rows.
    pub limit: Option<u64>,
    /// `every`: nanoseconds.
    pub every: Option<u64>,
}

/// A typed expression.
#[derive(Clone, Debug, PartialEq)]
pub struct Expr {
    /// What it is.
    pub kind: ExprKind,
    /// Type and unit of its value.
    pub ty: Type,
    /// Where it was written.
    pub span: Span,
}

/// The forms of expressions. `And` and `Or` are flat: no operand is of the same form.
#[derive(Clone, Debug, PartialEq)]
pub enum ExprKind {
    /// A known value, in the unit of its type.
    Const(Const),
    /// A field of a record.
    Field(FieldRef),
    /// `layer[].field`: that field of all the request's children on a layer.
    Children(FieldRef),
    /// All of them; at least two.
    And(Vec<Expr>),
    /// Any of them; at least two.
    Or(Vec<Expr>),
    /// Not.
    Not(Box<Expr>),
    /// A comparison of two values of one type.
    Compare(CompareOp, Box<Expr>, Box<Expr>),
    /// A sum, difference, product, quotient or remainder.
    Arith(ArithOp, Box<Expr>, Box<Expr>),
    /// The negative.
    Neg(Box<Expr>),
    /// Membership in a set of constants of the same type.
    In(Box<Expr>, Vec<Const>),
    /// `x in a..b`: both ends belong to it.
    Between(Box<Expr>, Box<Expr>, Box<Expr>),
    /// A text that matches a glob of `*` and `?`.
    Glob(Box<Expr>, String),
    /// A field that is what a name of the machine means: `dev == vda1`, `file == "/x"`, `pid == $child`.
    Is(FieldRef, NameId),
    /// A field that lies below what a name means: `pid under 1234`, `cgroup under "/system.slice"`.
    Under(FieldRef, NameId),
    /// A function of values.
    Call(Function, Vec<Expr>),
    /// An aggregate of values, over a group or over `layer[].field`.
    Aggregate(Aggregate, Vec<Expr>),
    /// A bit of the record's memberships: what `Under` becomes when the plan is bound.
    Member(u8),
}

/// A field of one of the statement's sources.
#[derive(Clone, Copy, Debug)]
pub struct FieldRef {
    /// The index of the source; 0 in a stream.
    pub source: usize,
    /// The layer.
    pub layer: &'static Layer,
    /// The field.
    pub field: &'static Field,
}

impl PartialEq for FieldRef {
    fn eq(&self, other: &Self) -> bool {
        self.source == other.source
            && self.layer.id == other.layer.id
            && self.field.name == other.field.name
    }
}

/// Comparisons.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CompareOp {
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
}

/// Arithmetic. Integer division truncates; a division by zero and an overflow give null.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ArithOp {
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

/// Functions of single values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Function {
    /// `abs(x)`
    Abs,
    /// `least(a, b, …)`: the smallest.
    Least,
    /// `greatest(a, b, …)`: the largest.
    Greatest,
    /// `bucket(x, width)`: `x` rounded down to a multiple of `width`.
    Bucket,
    /// `lower(text)`
    Lower,
    /// `length(text)`
    Length,
    /// `coalesce(a, b)`: `b` where `a` is null.
    Coalesce,
}

/// Aggregates.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Aggregate {
    /// `count()`, or `count(layer[])`
    Count,
    /// `sum(x)`
    Sum,
    /// `avg(x)`
    Avg,
    /// `min(x)`
    Min,
    /// `max(x)`
    Max,
    /// `stddev(x)`
    Stddev,
    /// `hist(x)`: log-linear.
    Hist,
    /// `heat(x)`: the same, shown as one line.
    Heat,
    /// `lhist(x, low, high, step)`: linear.
    Lhist,
    /// `p50 p90 p99 p999 quantile(x, q)`: the quantile, between 0 and 1.
    Quantile(f64),
    /// `rate(x)` per second, `rate()` counts.
    Rate,
    /// `ratio(condition)`: the share for which it holds.
    Ratio,
}

/// The index of a [`Name`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct NameId(pub usize);

/// A name of the machine, to be resolved when the plan is installed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name {
    /// What it names.
    pub kind: NameKind,
    /// As written, without quotes.
    pub text: String,
    /// Where it was written first.
    pub span: Span,
}

/// What a name names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NameKind {
    /// A block device: `vda1`, `253:0`, `/dev/mapper/x`.
    Dev,
    /// A file, by its path.
    File,
    /// Everything under a directory, by its path.
    Dir,
    /// A control group, by path, id or systemd unit.
    Cgroup,
    /// A control group and those below it.
    CgroupTree,
    /// A process and its descendants: a number, or `$child`.
    Family,
    /// The process started with `-c`: `$child`.
    Child,
}
