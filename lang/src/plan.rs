//! The plan: what the kernel is told, what user space does. Pure data; does not depend on the machine.

mod follow;
mod groups;

use iotq_probes::catalogue::{Field, Layer, Point, Slot, layer};

use crate::ir::{Bounds, Column, Expr, FieldRef, Name};
pub use groups::{GroupPlan, Kept, KernelGroups, Reads, kept_words, key_words};

/// A whole program, ready to be bound to a machine.
#[derive(Clone, Debug)]
pub struct Plan {
    /// In the order of the source.
    pub statements: Vec<StatementPlan>,
    /// The machine's names that the plan mentions; `NameId` is the index.
    pub names: Vec<Name>,
    /// What is needed of the templates.
    pub templates: Vec<TemplatePlan>,
}

/// One statement.
#[derive(Clone, Debug)]
pub struct StatementPlan {
    /// Its records, one stream per layer and point.
    pub streams: Vec<StreamPlan>,
    /// How the records of several streams become rows of whole requests; else each is a row of its own.
    pub join: Option<JoinPlan>,
    /// When it ends by itself.
    pub bounds: Bounds,
}

/// Rows of requests over several layers.
#[derive(Clone, Debug)]
pub struct JoinPlan {
    /// For each of the statement's sources, the bit of its stream; the root's first.
    pub sources: Vec<u8>,
    /// The whole predicate, of which the root's stream has the part about the root alone.
    pub filter: Option<Expr>,
    /// What is left of it for the rows.
    pub residual: Option<Expr>,
    /// Only full rows.
    pub required: bool,
    /// What becomes of a request.
    pub shape: Shape,
    /// Over a VM boundary: the bit of the guest's stream that leads to its host. The streams of sources that the guest
    /// does not have are filled there.
    pub via: Option<u8>,
}

/// What becomes of a request of a join.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// A row for each thing that it caused.
    Rows,
    /// One row of its root, if it has any that passes.
    Whole,
    /// A tree, if it has any row that passes: of every layer, the columns of its stream.
    Tree,
}

/// What the records of a stream are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Rows by themselves.
    Rows,
    /// A request's root, with what it caused on other layers.
    Root,
    /// What a root caused: there is no row for it alone, and no filter.
    Child,
    /// What a root's host has done for it: it is looked up there, and no record of the guest's.
    Beyond,
}

/// The records of one point, filtered as early as can be, then projected.
#[derive(Clone, Debug)]
pub struct StreamPlan {
    /// What its records are for.
    pub role: Role,
    /// The query goes on without it where the machine lacks its layer.
    pub optional: bool,
    /// The bit in `iotq_head.queries`: streams are numbered through, in the order of the source.
    pub bit: u8,
    /// Where the records come from.
    pub layer: &'static Layer,
    /// The point.
    pub point: &'static Point,
    /// The whole predicate, whose meaning the three parts below must have.
    pub filter: Option<Expr>,
    /// Clauses that the kernel decides at the operation's start.
    pub start: Vec<Clause>,
    /// Clauses that the kernel decides at the point.
    pub end: Vec<Clause>,
    /// What is left for user space.
    pub residual: Option<Expr>,
    /// What is emitted of each record; nothing where groups are.
    pub columns: Vec<Column>,
    /// How records become groups, if they do.
    pub groups: Option<GroupPlan>,
}

/// A disjunction of terms; a filter is a conjunction of clauses.
#[derive(Clone, Debug, PartialEq)]
pub struct Clause(pub Vec<Term>);

/// A test that the kernel can do on one field. On a null value it does not hold, negated or not.
#[derive(Clone, Debug, PartialEq)]
pub struct Term {
    /// What is read.
    pub operand: Operand,
    /// What it is compared with.
    pub test: Test,
    /// The opposite is wanted.
    pub negate: bool,
}

/// What a term reads.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Operand {
    /// A field's slot in the record of a layer.
    Field {
        /// The layer's name.
        layer: &'static str,
        /// The field's name.
        field: &'static str,
        /// Where it lies.
        slot: Slot,
    },
    /// The record's memberships.
    Members,
}

/// What a term compares with.
#[derive(Clone, Debug, PartialEq)]
pub enum Test {
    /// Between the two, which both belong to it.
    Range(i128, i128),
    /// The field's bit is set, or this bit of the memberships.
    Bit(u64),
    /// This text.
    Text(String),
    /// Text that begins so.
    Prefix(String),
    /// One of these.
    Set(Vec<i128>),
    /// What a name means; only before binding.
    Name(usize),
    /// Below what a name means; only before binding.
    Under(usize),
}

impl Plan {
    /// All streams. Their bits are in this order, but for those that a guest does not have.
    pub fn streams(&self) -> impl Iterator<Item = &StreamPlan> {
        self.statements.iter().flat_map(|each| &each.streams)
    }

    /// All streams in the order of their bits, with the numbers of their statements.
    pub fn by_bits(&self) -> Vec<(usize, &StreamPlan)> {
        let statements = self.statements.iter().enumerate();
        let streams =
            statements.flat_map(|(index, it)| it.streams.iter().map(move |it| (index, it)));
        let mut all: Vec<_> = streams.collect();
        all.sort_by_key(|(_, it)| it.bit);
        all
    }

    /// The streams whose records are judged by themselves.
    pub fn judged(&self) -> impl Iterator<Item = &StreamPlan> {
        self.streams().filter(|stream| stream.is_judged())
    }

    /// The values of a layer's field `event` that its streams want, if their filters say so at the start; none: all.
    pub fn events(&self, layer: &Layer) -> Option<Vec<u64>> {
        let mut events = Vec::new();
        for stream in self.streams().filter(|it| it.layer.id == layer.id) {
            let mut clauses = stream.start.iter();
            events.extend(clauses.find_map(Clause::events)?);
        }
        Some(events)
    }

    /// The different texts and prefixes that the kernel compares with: at most `IOTQ_MAX_TEXTS`.
    pub fn texts(&self) -> Vec<&Test> {
        let mut texts = Vec::new();
        for Term { test, .. } in self.streams().flat_map(StreamPlan::terms) {
            if test.is_text() && !texts.contains(&test) {
                texts.push(test);
            }
        }
        texts
    }
}

impl StreamPlan {
    /// Whether its records are judged by themselves.
    pub fn is_judged(&self) -> bool {
        matches!(self.role, Role::Rows | Role::Root)
    }

    /// All expressions that are evaluated for each record.
    pub fn exprs(&self) -> impl Iterator<Item = &Expr> {
        let columns = self.columns.iter().map(|column| &column.expr);
        let groups = self.groups.iter().flat_map(GroupPlan::of_rows);
        self.filter.iter().chain(columns).chain(groups)
    }

    /// All terms of its clauses.
    pub fn terms(&self) -> impl Iterator<Item = &Term> {
        self.start
            .iter()
            .chain(&self.end)
            .flat_map(|clause| &clause.0)
    }
}

impl Clause {
    /// The values of the field `event` for which it holds, if it is about that alone.
    fn events(&self) -> Option<Vec<u64>> {
        let mut events = Vec::new();
        for Term {
            operand,
            test,
            negate,
        } in &self.0
        {
            operand
                .field()
                .filter(|field| field.name == "event" && !negate)?;
            match test {
                Test::Range(low, high) if low == high => events.push(u64::try_from(*low).ok()?),
                Test::Set(items) => {
                    for item in items {
                        events.push(u64::try_from(*item).ok()?);
                    }
                }
                _ => return None,
            }
        }
        Some(events)
    }
}

impl Operand {
    /// Where the field lies; none for the memberships.
    pub fn slot(&self) -> Option<Slot> {
        match self {
            Operand::Field { slot, .. } => Some(*slot),
            Operand::Members => None,
        }
    }

    /// The field that is read; none for the memberships.
    pub fn field(&self) -> Option<&'static Field> {
        self.reads().map(|field| field.field)
    }

    /// The same, with its layer.
    pub fn reads(&self) -> Option<FieldRef> {
        let Operand::Field {
            layer: name, field, ..
        } = self
        else {
            return None;
        };
        let layer = layer(name)?;
        let field = layer.field(field)?;
        Some(FieldRef {
            source: 0,
            layer,
            field,
        })
    }
}

impl Term {
    /// Whether it holds for no value.
    pub fn is_never(&self) -> bool {
        self.test == Test::NEVER && !self.negate
    }
}

impl Test {
    /// The range that no value lies in.
    pub const NEVER: Test = Test::Range(1, 0);

    /// Whether it compares text.
    pub fn is_text(&self) -> bool {
        matches!(self, Test::Text(_) | Test::Prefix(_))
    }
}

/// What is needed of one template.
#[derive(Clone, Debug)]
pub struct TemplatePlan {
    /// The layer.
    pub layer: &'static Layer,
    /// The query goes on without it where the machine lacks it.
    pub optional: bool,
    /// The points to hook, whether asked for or needed by fields; in the layer's order.
    pub points: Vec<&'static Point>,
    /// The fields that are read by any part of the plan; in the catalogue's order.
    pub fields: Vec<&'static Field>,
}

/// What a name means on a machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// A process.
    Pid(u32),
    /// A block device, or several that are one to their user.
    Dev {
        /// Its own number; of a controller, those of its disks.
        own: Vec<u32>,
        /// The disks that its requests are to: the whole disk, and its paths if it is an NVMe multipath head.
        disks: Vec<u32>,
        /// Of a partition: its first and last sector on the disk.
        sectors: Option<(u64, u64)>,
        /// The devices of its filesystems: itself and its partitions.
        numbers: Vec<u32>,
    },
    /// A file.
    File {
        /// Device of the filesystem.
        dev: u32,
        /// Inode.
        inode: u64,
    },
    /// A control group.
    Cgroup(u64),
    /// A bit of the memberships, which the installer fills: a family of processes, a subtree of control groups, a
    /// directory.
    Member(u8),
}
