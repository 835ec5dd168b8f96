//! A request as rows: one for each child, as SQL would have it.

use std::collections::HashSet;

use iotq_lang::ir::FieldRef;
use iotq_lang::value::{Record, Value};
use iotq_probes::abi::IOTQ_MAX_MEMBERSHIPS;
use iotq_probes::catalogue::{CHILDREN, Layer};

use super::Request;
use crate::{Clock, RawRecord};

/// One layer of a join.
pub(crate) struct Source {
    pub layer: &'static Layer,
    /// The bit of its stream.
    pub bit: u8,
    /// The host of the guest has it.
    pub of_host: bool,
}

/// One operation as each source has it; none where the layer has nothing of it.
pub(crate) type Sides<'a> = Vec<Option<RawRecord<'a>>>;

/// Something that a root has caused.
pub(crate) struct Child<'a> {
    pub own: Sides<'a>,
    /// On the host of its guest: what was done for it there.
    pub below: Vec<Sides<'a>>,
}

/// A request as the sources of a join see it.
pub(crate) struct Parts<'a> {
    pub root: RawRecord<'a>,
    /// Those that no source sees are left out.
    pub children: Vec<Child<'a>>,
    /// All records of each source.
    lists: Vec<Vec<RawRecord<'a>>>,
}

impl<'a> Parts<'a> {
    pub fn of(request: &'a Request, sources: &[Source], clock: Clock) -> Option<Self> {
        let host = request
            .host
            .iter()
            .map(|it| it.as_deref().unwrap_or_default());
        let host = host.chain(std::iter::repeat(&[][..]));
        let children = request.children.iter().zip(host);
        let children = children.filter_map(|(guest, host)| Child::of(guest, host, sources, clock));
        let children: Vec<_> = children.collect();
        Some(Self {
            root: RawRecord::parse(&request.root, clock).ok()?,
            lists: lists(&children, sources),
            children,
        })
    }

    /// The rows; only full ones if `required`.
    pub fn rows(&self, sources: usize, required: bool) -> impl Iterator<Item = JoinRow<'_>> {
        let nothing = self.children.is_empty().then(|| vec![None; sources]);
        let all = self.children.iter().flat_map(Child::rows);
        all.chain(nothing).filter_map(move |mut parts| {
            *parts.first_mut()? = Some(self.root);
            let is_full = parts.iter().all(Option::is_some);
            (is_full || !required).then_some(JoinRow {
                parts,
                lists: &self.lists,
            })
        })
    }
}

impl<'a> Child<'a> {
    /// `host`: what the host has of it, the request in QEMU first.
    fn of(guest: &'a [u8], host: &'a [Vec<u8>], sources: &[Source], clock: Clock) -> Option<Self> {
        let record = RawRecord::parse(guest, clock).ok()?;
        let mut host = host.iter().map(|it| RawRecord::parse(it, clock).ok());
        let request = host.next().flatten();
        let own = |source: &Source| match source.of_host {
            true => request.filter(|it| it.layer().id == source.layer.id),
            false => {
                let is_there = record.queries() >> source.bit & 1 == 1;
                is_there.then(|| record.part(source.layer)).flatten()
            }
        };
        let below = |it: RawRecord<'a>| {
            let part = |source: &Source| source.of_host.then(|| below(it, source)).flatten();
            sources.iter().map(part).collect::<Sides<'_>>()
        };
        let is_seen = |it: &Sides<'_>| it.iter().any(Option::is_some);
        let it = Self {
            own: sources.iter().map(own).collect(),
            below: host.flatten().map(below).filter(is_seen).collect(),
        };
        (is_seen(&it.own) || !it.below.is_empty()).then_some(it)
    }

    /// One for each thing that was done for it, else one.
    fn rows(&self) -> impl Iterator<Item = Sides<'a>> {
        let nothing = self.below.is_empty().then(|| self.own.clone());
        let each = self.below.iter().map(|it| {
            let both = self.own.iter().zip(it);
            both.map(|(own, below)| own.or(*below)).collect()
        });
        each.chain(nothing)
    }
}

/// What a layer of the host has of something that was done there: a driver's record has that of the block layer, too.
fn below<'a>(record: RawRecord<'a>, source: &Source) -> Option<RawRecord<'a>> {
    let is_block = source.layer.id == CHILDREN.id && record.request().is_some();
    let is_own = record.layer().id == source.layer.id;
    (is_own || is_block)
        .then(|| record.part(source.layer))
        .flatten()
}

/// All records of each source. What was done on the host for several requests at once counts once.
fn lists<'a>(children: &[Child<'a>], sources: &[Source]) -> Vec<Vec<RawRecord<'a>>> {
    let list = |(index, source): (usize, &Source)| {
        let own = children.iter().map(|it| &it.own);
        let all = own.chain(children.iter().flat_map(|it| &it.below));
        let mut seen = HashSet::new();
        let is_new = |it: &RawRecord<'a>| !source.of_host || seen.insert(identity(it));
        let all = all.filter_map(|it| it.get(index).copied().flatten());
        all.filter(is_new).collect()
    };
    sources.iter().enumerate().map(list).collect()
}

/// A record without its time, which was brought from one clock to the other.
fn identity<'a>(record: &RawRecord<'a>) -> &'a [u8] {
    record.bytes().get(size_of::<u64>()..).unwrap_or_default()
}

/// One row: the root, and one child as each layer below has it.
pub(crate) struct JoinRow<'a> {
    /// By source; none where the layer has nothing of the request.
    parts: Sides<'a>,
    /// All records of each source.
    lists: &'a [Vec<RawRecord<'a>>],
}

impl<'a> JoinRow<'a> {
    /// The same with another record of the layers of the host.
    pub fn with_host(mut self, sources: &[Source], record: RawRecord<'a>) -> Self {
        for (part, source) in self.parts.iter_mut().zip(sources) {
            if source.of_host && source.layer.id == record.layer().id {
                *part = Some(record);
            }
        }
        self
    }
}

impl Record for JoinRow<'_> {
    fn value(&self, field: FieldRef) -> Value<'_> {
        let part = self.parts.get(field.source).and_then(Option::as_ref);
        part.map_or(Value::Null, |part| part.value(field))
    }

    /// Those of the root's caller, and those of the origin of what it caused.
    fn members(&self) -> u64 {
        const OWN: u64 = (1 << IOTQ_MAX_MEMBERSHIPS) - 1;
        let members = |part: &Option<RawRecord>| part.as_ref().map_or(0, Record::members);
        let below = self.parts.iter().skip(1).map(members);
        let root = self.parts.first().map_or(0, members);
        root & OWN | below.fold(0, |all, one| all | one) & !OWN
    }

    fn children(&self, field: FieldRef) -> Vec<Value<'_>> {
        let all = self.lists.get(field.source).into_iter().flatten();
        all.map(|part| part.value(field)).collect()
    }
}
