//! Groups: rows become totals by their keys, as many as there is room for. Takes rows of any kind.

mod key;
#[cfg(test)]
mod tests;

use std::cmp::Ordering;
use std::collections::HashMap;
use std::collections::hash_map::Entry;

use iotq_lang::aggregate::{Emitted, Totals};
use iotq_lang::eval;
use iotq_lang::plan::GroupPlan;
use iotq_lang::value::{Record, Value};
use iotq_probes::catalogue::Type;

use crate::Names;
pub(crate) use key::Key;

/// The most groups of one stream between two reports, unless less is wanted. The rows of others are counted and left out.
pub const MAX_GROUPS: usize = 1 << 15;

/// The groups of one stream since the last report.
pub struct Grouping {
    plan: GroupPlan,
    groups: HashMap<Key, Totals>,
    /// How many there can be.
    room: usize,
    /// The key of the row at hand: kept, so that a known group costs no allocation.
    key: Key,
}

impl Grouping {
    /// Without groups.
    pub fn new(plan: GroupPlan) -> Self {
        Self {
            plan,
            groups: HashMap::new(),
            room: MAX_GROUPS,
            key: Key::default(),
        }
    }

    /// Makes room for so many groups, and no more.
    pub fn set_room(&mut self, groups: usize) {
        self.room = groups;
    }

    /// Takes a row, and says whether there was room for its group.
    pub fn add<R: Record + ?Sized>(&mut self, row: &R) -> bool {
        let group = Self::group(&mut self.groups, self.room, &mut self.key, &self.plan, row);
        group.map(|it| it.add(&self.plan.measures, row)).is_some()
    }

    /// Takes rows that have been added up elsewhere; `row` has the fields of their keys.
    pub fn add_totals<R: Record + ?Sized>(&mut self, row: &R, totals: &Totals) -> bool {
        let group = Self::group(&mut self.groups, self.room, &mut self.key, &self.plan, row);
        group.map(|it| it.merge(totals)).is_some()
    }

    /// The group of a row, which may be new; none if there is no room.
    fn group<'a, R: Record + ?Sized>(
        groups: &'a mut HashMap<Key, Totals>,
        room: usize,
        key: &mut Key,
        plan: &GroupPlan,
        row: &R,
    ) -> Option<&'a mut Totals> {
        key.set(&plan.by, row);
        if !groups.contains_key(key) {
            (groups.len() < room).then_some(())?;
            groups.insert(key.clone(), Totals::new(&plan.measures));
        }
        groups.get_mut(key)
    }

    /// Takes all groups out, with keys as people see them.
    pub(crate) fn named(&mut self, names: &dyn Names) -> impl Iterator<Item = (Key, Totals)> {
        let plan = &self.plan;
        let named = |(key, totals): (Key, _)| (key.named(plan, names), totals);
        self.groups.drain().map(named)
    }

    /// Whether there is a group with this key.
    pub(crate) fn has(&self, key: &Key) -> bool {
        self.groups.contains_key(key)
    }

    /// Takes a group of another one with the same plan.
    pub(crate) fn merge(&mut self, key: Key, totals: Totals) {
        match self.groups.entry(key) {
            Entry::Occupied(mut known) => known.get_mut().merge(&totals),
            Entry::Vacant(new) => {
                new.insert(totals);
            }
        }
    }

    /// Whether no row has come since the last report.
    pub fn is_empty(&self) -> bool {
        self.groups.is_empty()
    }

    /// The groups to be reported, of rows that came within so many seconds; begins anew.
    ///
    /// Without keys there is always one group. Groups are in the order of their keys; with `top` the largest come first.
    pub fn report(&mut self, seconds: f64) -> Report<'_> {
        let plan = &self.plan;
        let mut groups: Vec<_> = self.groups.drain().collect();
        if plan.by.is_empty() && groups.is_empty() {
            groups.push((Key::default(), Totals::new(&plan.measures)));
        }
        if let Some(having) = &plan.having {
            groups.retain(|(_, totals)| totals.meets(&plan.measures, having, seconds));
        }
        groups.sort_by(|(a, _), (b, _)| a.order(b));
        if let (Some(top), Some(first)) = (plan.top, plan.columns.first()) {
            let size = |totals: &Totals| match totals.emit(&plan.measures, &first.expr, seconds) {
                Emitted::Histogram(histogram) => Value::Int(histogram.total().into()),
                Emitted::Value(Value::Float(value)) => Value::Float(value),
                Emitted::Value(Value::Int(value)) => Value::Int(value),
                Emitted::Value(Value::Bool(value)) => Value::Bool(value),
                Emitted::Value(_) => Value::Null,
            };
            groups.sort_by_cached_key(|(_, totals)| std::cmp::Reverse(Size(size(totals))));
            groups.truncate(usize::try_from(top).unwrap_or(usize::MAX));
        }
        Report {
            plan,
            seconds,
            groups,
        }
    }
}

/// What `top` looks at. Null is the smallest.
#[derive(PartialEq)]
struct Size(Value<'static>);

impl Eq for Size {}

impl Ord for Size {
    fn cmp(&self, other: &Self) -> Ordering {
        let (null, other_null) = (self.0 == Value::Null, other.0 == Value::Null);
        let order = eval::order(&self.0, &other.0);
        order.unwrap_or_else(|| other_null.cmp(&null))
    }
}

impl PartialOrd for Size {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// The groups of an interval.
pub struct Report<'a> {
    plan: &'a GroupPlan,
    seconds: f64,
    groups: Vec<(Key, Totals)>,
}

/// Where groups come from, and when.
#[derive(Clone, Copy)]
pub struct Origin<'a> {
    /// The index of the statement.
    pub statement: usize,
    /// The bit of the stream.
    pub stream: usize,
    /// The end of the interval: nanoseconds since 1970.
    pub at: i128,
    /// What the machine calls the numbers in them.
    pub names: &'a dyn Names,
}

impl Report<'_> {
    /// The groups, to be written.
    pub fn groups<'a>(&'a self, origin: Origin<'a>) -> impl Iterator<Item = Group<'a>> {
        self.groups.iter().map(move |(key, totals)| Group {
            origin,
            plan: self.plan,
            seconds: self.seconds,
            key,
            totals,
        })
    }
}

/// One group, to be written.
pub struct Group<'a> {
    /// Where it comes from.
    pub origin: Origin<'a>,
    plan: &'a GroupPlan,
    seconds: f64,
    key: &'a Key,
    totals: &'a Totals,
}

impl<'a> Group<'a> {
    /// The values of its keys with their types.
    pub fn keys(&self) -> impl Iterator<Item = (Value<'a>, Type)> {
        let types = self.plan.by.iter().map(|key| key.expr.ty);
        self.key.values().zip(types)
    }

    /// What its columns show, with their types: of a histogram, that of its values.
    pub fn cells(&self) -> impl Iterator<Item = (Emitted<'a>, Type)> {
        let (plan, totals, seconds) = (self.plan, self.totals, self.seconds);
        plan.columns.iter().map(move |column| {
            let shown = totals.emit(&plan.measures, &column.expr, seconds);
            (shown, column.expr.ty)
        })
    }
}
