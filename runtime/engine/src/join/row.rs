//! A request as rows: one for each child, as SQL would have it.

use iotq_lang::ir::FieldRef;
use iotq_lang::value::{Record, Value};
use iotq_probes::catalogue::Layer;

use super::Request;
use crate::{Clock, RawRecord};

/// One layer of a join.
pub(crate) struct Source {
    pub layer: &'static Layer,
    /// The bit of its stream.
    pub bit: u8,
}

/// One row: the root, and one child as each layer below has it.
pub(crate) struct JoinRow<'a> {
    /// By source; none where the layer has nothing of the request.
    parts: Vec<Option<RawRecord<'a>>>,
    /// All children, as each source has them.
    children: &'a [Vec<Option<RawRecord<'a>>>],
}

impl Record for JoinRow<'_> {
    fn value(&self, field: FieldRef) -> Value<'_> {
        let part = self.parts.get(field.source).and_then(Option::as_ref);
        part.map_or(Value::Null, |part| part.value(field))
    }

    fn members(&self) -> u64 {
        let root = self.parts.first().and_then(Option::as_ref);
        root.map_or(0, Record::members)
    }

    fn children(&self, field: FieldRef) -> Vec<Value<'_>> {
        self.children
            .iter()
            .filter_map(|child| child.get(field.source)?.as_ref())
            .map(|part| part.value(field))
            .collect()
    }
}

/// Hands each row of a request to `each` that has all its parts, or any if not `required`.
pub(crate) fn rows<E>(
    request: &Request,
    sources: &[Source],
    required: bool,
    clock: Clock,
    mut each: impl FnMut(&dyn Record) -> Result<(), E>,
) -> Result<(), E> {
    let Ok(root) = RawRecord::parse(&request.root, clock) else {
        return Ok(());
    };
    let children: Vec<Vec<Option<RawRecord>>> = request
        .children
        .iter()
        .filter_map(|bytes| RawRecord::parse(bytes, clock).ok())
        .map(|record| parts(&record, sources))
        .filter(|parts| parts.iter().any(Option::is_some))
        .collect();
    let nothing = vec![vec![None; sources.len()]];
    for parts in if children.is_empty() {
        &nothing
    } else {
        &children
    } {
        let mut parts = parts.clone();
        if let Some(first) = parts.first_mut() {
            *first = Some(root);
        }
        if !required || parts.iter().all(Option::is_some) {
            each(&JoinRow {
                parts,
                children: &children,
            })?;
        }
    }
    Ok(())
}

/// A child as the sources have it.
fn parts<'a>(child: &RawRecord<'a>, sources: &[Source]) -> Vec<Option<RawRecord<'a>>> {
    let part = |source: &Source| {
        let is_there = child.queries() >> source.bit & 1 == 1;
        is_there.then(|| child.part(source.layer)).flatten()
    };
    sources.iter().map(part).collect()
}
