//! A request as rows: one for each child, as SQL would have it.

use iotq_lang::ir::FieldRef;
use iotq_lang::value::{Record, Value};
use iotq_probes::abi::IOTQ_MAX_MEMBERSHIPS;
use iotq_probes::catalogue::Layer;

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

/// A request as the sources of a join see it.
pub(crate) struct Parts<'a> {
    pub root: RawRecord<'a>,
    /// Each child by source; none where the layer has nothing of it. Children that no source sees are left out.
    pub children: Vec<Vec<Option<RawRecord<'a>>>>,
}

impl<'a> Parts<'a> {
    pub fn of(request: &'a Request, sources: &[Source], clock: Clock) -> Option<Self> {
        let child = |(index, bytes): (usize, &'a Vec<u8>)| {
            let record = RawRecord::parse(bytes, clock).ok()?;
            let host = request.host.get(index).and_then(Option::as_ref);
            let part = |source: &Source| {
                if source.of_host {
                    let mut all = host?
                        .iter()
                        .filter_map(|it| RawRecord::parse(it, clock).ok());
                    return all.find(|it| it.layer().id == source.layer.id);
                }
                let is_there = record.queries() >> source.bit & 1 == 1;
                is_there.then(|| record.part(source.layer)).flatten()
            };
            let parts: Vec<_> = sources.iter().map(part).collect();
            parts.iter().any(Option::is_some).then_some(parts)
        };
        Some(Self {
            root: RawRecord::parse(&request.root, clock).ok()?,
            children: request
                .children
                .iter()
                .enumerate()
                .filter_map(child)
                .collect(),
        })
    }

    /// The rows; only full ones if `required`.
    pub fn rows(&self, sources: usize, required: bool) -> impl Iterator<Item = JoinRow<'_>> {
        let nothing = self.children.is_empty().then(|| vec![None; sources]);
        let all = nothing.into_iter().chain(self.children.iter().cloned());
        all.filter_map(move |mut parts| {
            *parts.first_mut()? = Some(self.root);
            let is_full = parts.iter().all(Option::is_some);
            (is_full || !required).then_some(JoinRow {
                parts,
                children: &self.children,
            })
        })
    }
}

/// One row: the root, and one child as each layer below has it.
pub(crate) struct JoinRow<'a> {
    /// By source; none where the layer has nothing of the request.
    parts: Vec<Option<RawRecord<'a>>>,
    /// All children, as each source has them.
    children: &'a [Vec<Option<RawRecord<'a>>>],
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
        self.children
            .iter()
            .filter_map(|child| child.get(field.source)?.as_ref())
            .map(|part| part.value(field))
            .collect()
    }
}
