//! Which numbers in records have names that the host must be told: it cannot look them up.

use std::collections::HashSet;

use iotq_engine::{Clock, Names, RawRecord};
use iotq_lang::ir::{Expr, FieldRef};
use iotq_lang::plan::{GroupPlan, Meaning, Plan, StatementPlan, StreamPlan};
use iotq_lang::value::{Record, Value};
use iotq_link::message::{Named, What};
use iotq_probes::catalogue::{Layer, Type};

use crate::names::MachineNames;

/// The most names that are remembered as told; then they are told again.
const MOST: usize = 1 << 16;

/// The longest name, in bytes.
const LONGEST: usize = 4096;

/// What the host has been told.
pub struct Told {
    names: MachineNames,
    /// By the bits of the streams: the layer, and its fields that have names and are shown.
    fields: Vec<(&'static Layer, Vec<FieldRef>)>,
    known: HashSet<What>,
    new: Vec<Named>,
}

impl Told {
    /// Nothing yet, for a bound plan; `plan` has the names that `meanings` are of.
    pub fn new(bound: &Plan, plan: &Plan, meanings: &[Meaning]) -> Self {
        let mut fields: Vec<_> = bound.streams().map(|it| (it.layer, Vec::new())).collect();
        for statement in &bound.statements {
            for stream in &statement.streams {
                shown(stream).for_each(|expr| {
                    expr.walk(&mut |expr| named(expr, statement, stream, &mut fields));
                });
            }
        }
        Self {
            names: MachineNames::read(plan, meanings),
            fields,
            known: HashSet::new(),
            new: Vec::new(),
        }
    }

    /// Looks for names that a record needs.
    pub fn look(&mut self, bytes: &[u8]) {
        if let Ok(record) = RawRecord::parse(bytes, Clock::default()) {
            self.find(record.queries(), &record);
        }
    }

    /// The same, of a record for these streams.
    pub fn look_for(&mut self, streams: u32, bytes: &[u8]) {
        if let Ok(record) = RawRecord::parse(bytes, Clock::default()) {
            self.find(streams, &record);
        }
    }

    fn find(&mut self, streams: u32, record: &RawRecord) {
        for (bit, (layer, fields)) in self.fields.iter().enumerate() {
            if streams >> bit & 1 == 0 || fields.is_empty() {
                continue;
            }
            // A root's record is longer than others of its layer, and a driver's has the request's before it.
            let own = record.layer().id == layer.id;
            let Some(part) = (if own {
                Some(*record)
            } else {
                record.part(layer)
            }) else {
                continue;
            };
            for field in fields {
                tell(
                    &self.names,
                    &mut self.known,
                    &mut self.new,
                    what(*field, &part),
                );
            }
        }
    }

    /// The names that the host has not been told.
    pub fn take(&mut self) -> Vec<Named> {
        std::mem::take(&mut self.new)
    }
}

/// What is shown of a stream's records.
fn shown(stream: &StreamPlan) -> impl Iterator<Item = &Expr> {
    let columns = stream.columns.iter().map(|column| &column.expr);
    columns.chain(stream.groups.iter().flat_map(GroupPlan::of_rows))
}

/// Adds a field that has names to those of its stream: in a join, that of its source.
fn named(
    expr: &Expr,
    statement: &StatementPlan,
    stream: &StreamPlan,
    fields: &mut [(&'static Layer, Vec<FieldRef>)],
) {
    let Some(field) = expr.reads() else {
        return;
    };
    let source = statement
        .join
        .as_ref()
        .and_then(|join| join.sources.get(field.source));
    let bit = usize::from(*source.unwrap_or(&stream.bit));
    let has_names = field.field.ty.named().is_some();
    if let Some((_, fields)) = fields.get_mut(bit).filter(|_| has_names) {
        let alone = FieldRef { source: 0, ..field };
        if !fields.contains(&alone) {
            fields.push(alone);
        }
    }
}

/// What a field's value stands for.
fn what(field: FieldRef, record: &RawRecord) -> Option<What> {
    match (record.value(field), field.field.ty) {
        (Value::File { dev, inode }, _) => Some(What::File(dev, inode)),
        (Value::Int(number), Type::Dev) => u32::try_from(number).ok().map(What::Dev),
        (Value::Int(number), Type::Cgroup) => u64::try_from(number).ok().map(What::Cgroup),
        _ => None,
    }
}

fn tell(names: &MachineNames, known: &mut HashSet<What>, new: &mut Vec<Named>, what: Option<What>) {
    let Some(what) = what.filter(|what| !known.contains(what)) else {
        return;
    };
    let name = match what {
        What::Dev(number) => names.dev(number),
        What::Cgroup(id) => names.cgroup(id),
        What::File(dev, inode) => {
            // Without a path, a file is shown by its device.
            tell(names, known, new, Some(What::Dev(dev)));
            names.file(dev, inode)
        }
    };
    let Some(name) = name.filter(|name| name.len() <= LONGEST) else {
        return;
    };
    if known.len() >= MOST {
        known.clear();
    }
    known.insert(what);
    let name = name.into_owned();
    new.push(Named { what, name });
}
