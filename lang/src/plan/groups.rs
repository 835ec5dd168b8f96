//! Groups in the plan: what is kept of each, and where.

use iotq_probes::abi;
use iotq_probes::catalogue::Slot;

use super::{Operand, Term};
use crate::aggregate::{Keep, Measure};
use crate::ir::{Column, Expr};

/// How rows become groups, and what is emitted of each.
#[derive(Clone, Debug, Default)]
pub struct GroupPlan {
    /// The keys.
    pub by: Vec<Column>,
    /// The key that is the name of the guest, if there is one. Whoever merges the groups of guests fills it in.
    pub guest: Option<usize>,
    /// What is kept of each group.
    pub measures: Vec<Measure>,
    /// What is emitted: aggregates, and expressions of them.
    pub columns: Vec<Column>,
    /// Only these groups.
    pub having: Option<Expr>,
    /// Only so many, the largest by their first column.
    pub top: Option<u64>,
    /// How they are kept in the kernel, if they are.
    pub kernel: Option<KernelGroups>,
}

/// Groups that are kept in the kernel, each CPU's for itself. No record is shipped for them.
///
/// The kernel groups by the fields that the keys read; user space evaluates the keys and merges.
#[derive(Clone, Debug, PartialEq)]
pub struct KernelGroups {
    /// These fields.
    pub key: Vec<Operand>,
    /// How each measure is kept, in the order of the measures.
    pub kept: Vec<Kept>,
    /// How many groups find room on each CPU, a power of two. The records of others go to user space.
    pub room: u32,
}

/// How a measure is kept.
#[derive(Clone, Debug, PartialEq)]
pub struct Kept {
    /// What is read of the record.
    pub reads: Reads,
    /// The first of the group's words that it uses.
    pub cell: u8,
    /// The number of its histogram, among those of the group.
    pub histogram: Option<u8>,
}

/// What a measure reads.
#[derive(Clone, Debug, PartialEq)]
pub enum Reads {
    /// A number.
    Number(Operand),
    /// Whether a condition holds.
    Truth(Term),
}

impl GroupPlan {
    /// All expressions of single rows: keys, and what is measured.
    pub fn of_rows(&self) -> impl Iterator<Item = &Expr> {
        let keys = self.by.iter().map(|key| &key.expr);
        keys.chain(self.measures.iter().map(|measure| &measure.of))
    }
}

impl KernelGroups {
    /// Words of the key.
    pub fn key_words(&self) -> usize {
        let slots = self.key.iter().filter_map(Operand::slot);
        slots.map(key_words).sum()
    }

    /// Histograms of each group.
    pub fn histograms(&self) -> usize {
        let with = self.kept.iter().filter(|kept| kept.histogram.is_some());
        with.count()
    }

    /// Bytes of a group, with its histograms.
    pub fn bytes(&self) -> usize {
        size_of::<abi::iotq_group>() + self.histograms() * abi::IOTQ_HIST_BUCKETS as usize * 8
    }
}

/// Words of a key that a slot takes.
pub fn key_words(slot: Slot) -> usize {
    match slot {
        Slot::Text { len, .. } => len.div_ceil(8),
        Slot::File { .. } => 2,
        Slot::Uint { .. } | Slot::Int { .. } | Slot::Bit { .. } => 1,
    }
}

/// Words that are kept of a measure: the count, and its parts.
pub fn kept_words(keep: Keep) -> usize {
    let Keep::Numbers(parts) = keep else {
        return 1;
    };
    let wide = usize::from(parts.sum) + usize::from(parts.squares);
    1 + 2 * wide + usize::from(parts.min) + usize::from(parts.max)
}
