//! A request as a tree: its root, what it caused, and what that was on the layers below.

use iotq_lang::eval;
use iotq_lang::ir::{Column, FieldRef};
use iotq_lang::value::{Record, Value};
use iotq_probes::catalogue::{CHILDREN, Layer, Type};

use super::row::{self, Source};
use crate::beyond::Cut;
use crate::{Names, RawRecord};

/// A request, to be drawn.
pub struct Tree<'a> {
    /// The index of the statement.
    pub statement: usize,
    /// Its root, with all else below it.
    pub root: Node<'a>,
    /// What the machine calls the numbers in it.
    pub names: &'a dyn Names,
}

/// The time of a root at its device, by what it was on the host of its guest: in nanoseconds.
#[derive(Clone, Copy, Debug)]
pub struct Parts {
    pub(crate) cut: Cut,
    /// Those at the host's disks are told apart.
    pub(crate) has_disks: bool,
    /// How far off the guest's clock may be, by which these were cut.
    pub uncertainty: u64,
}

impl Parts {
    /// With their names.
    pub fn named(&self) -> impl Iterator<Item = (&'static str, i128)> {
        let cut = self.cut;
        let disks = [("host.queue", cut.queue), ("host.device", cut.device)];
        let disks = disks.into_iter().filter(|_| self.has_disks);
        let before = [("kick", cut.kick), ("vmm", cut.vmm)];
        let all = before.into_iter().chain(disks);
        all.chain([("inject", cut.inject)])
            .map(|(name, ns)| (name, ns.into()))
    }
}

/// One operation on one layer.
pub struct Node<'a> {
    /// The layer.
    pub layer: &'static Layer,
    /// When it began, in nanoseconds after the root did.
    pub start: i128,
    /// How long it took; none if its end was not seen.
    pub lat: Option<i128>,
    /// What it caused, in the order of their beginnings.
    pub children: Vec<Node<'a>>,
    /// Of a root over a VM boundary.
    pub parts: Option<Parts>,
    record: RawRecord<'a>,
    columns: &'a [Column],
}

impl<'a> Node<'a> {
    fn new(record: RawRecord<'a>, columns: &'a [Column], began: i128) -> Self {
        let mut node = Self {
            layer: record.layer(),
            start: 0,
            lat: None,
            children: Vec::new(),
            parts: None,
            record,
            columns,
        };
        node.lat = node.duration("lat");
        let end = match record.layer().id == CHILDREN.id {
            true => record.at(),
            false => record.done(),
        };
        node.start = i128::from(end) - node.lat.unwrap_or(0) - began;
        node
    }

    /// A duration by its name.
    pub fn duration(&self, field: &str) -> Option<i128> {
        let layer = self.layer;
        let field = layer.field(field).filter(|it| it.ty == Type::Duration)?;
        let read = FieldRef {
            source: 0,
            layer,
            field,
        };
        match self.record.value(read) {
            Value::Int(ns) => Some(ns),
            _ => None,
        }
    }

    /// Its columns: names and values with their types.
    pub fn cells(&self) -> impl Iterator<Item = (&'a str, Value<'_>, Type)> {
        let record = &self.record;
        self.columns.iter().map(move |column| {
            let value = eval::eval(&column.expr, record);
            (column.name.as_str(), value, column.expr.ty)
        })
    }

    /// The parts that its latency is made of, in the catalogue's order; none for what is not followed.
    pub fn stages(&self) -> impl Iterator<Item = (&'static str, i128)> {
        let stages = self.layer.fields.iter().filter(|field| field.followed);
        let own = stages.filter_map(|field| Some((field.name, self.duration(field.name)?)));
        own.chain(self.parts.iter().flat_map(Parts::named))
    }
}

/// The tree of a request. `columns`: what is told of each source's operations.
pub(crate) fn root<'a>(
    parts: &row::Parts<'a>,
    sources: &[Source],
    columns: &'a [Vec<Column>],
) -> Option<Node<'a>> {
    let mut root = Node::new(parts.root, columns.first()?, 0);
    let began = std::mem::take(&mut root.start);
    let chain = Chain {
        sources,
        columns,
        began,
    };
    for child in &parts.children {
        let below = child.below.iter().flat_map(|it| chain.of(it, Vec::new()));
        let below = in_order(below.collect());
        root.children.extend(chain.of(&child.own, below));
    }
    root.children = in_order(root.children);
    Some(root)
}

fn in_order(mut nodes: Vec<Node<'_>>) -> Vec<Node<'_>> {
    nodes.sort_by_key(|it| it.start);
    nodes
}

/// How one operation on several layers is drawn.
struct Chain<'a, 's> {
    sources: &'s [Source],
    columns: &'a [Vec<Column>],
    /// When the root began.
    began: i128,
}

impl<'a> Chain<'a, '_> {
    /// The layers stand in each other: the driver's part is below the block layer's, and the host's below the guest's. What is
    /// below stands in the last one; by itself, if there is none.
    fn of(&self, parts: &[Option<RawRecord<'a>>], mut below: Vec<Node<'a>>) -> Vec<Node<'a>> {
        let mut order: Vec<usize> = (1..self.sources.len()).collect();
        order.sort_by_key(|&source| {
            let source = &self.sources[source];
            (source.of_host, source.layer.record)
        });
        for source in order.into_iter().rev() {
            let part = parts.get(source).copied().flatten();
            if let (Some(record), Some(columns)) = (part, self.columns.get(source)) {
                let mut node = Node::new(record, columns, self.began);
                node.children = std::mem::take(&mut below);
                below.push(node);
            }
        }
        below
    }
}
