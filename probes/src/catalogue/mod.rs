//! The one list of layers, points, fields and hooks.
//!
//! The resolver, the C header of the templates, `iotq list`, completion and the reference pages are made from it.

mod block;
mod cache;
mod enums;
mod fs;
mod made;
mod nvme;
mod qemu;
mod request;
mod sched;
mod scsi;
mod syscall;
mod types;
mod virtio;

pub use enums::*;
pub use syscall::{CALLS, Call, Fd, Offset, SUBMITTERS, Size};
pub use types::*;

/// The version of the catalogue and of the records: a peer with another one is refused.
pub const VERSION: u32 = 1;

/// Every layer, from the system call down to the device.
pub static LAYERS: [&Layer; 9] = [
    &syscall::LAYER,
    &fs::LAYER,
    &cache::LAYER,
    &sched::LAYER,
    &block::LAYER,
    &nvme::LAYER,
    &scsi::LAYER,
    &virtio::LAYER,
    &qemu::LAYER,
];

/// A layer by name.
pub fn layer(name: &str) -> Option<&'static Layer> {
    LAYERS.iter().find(|layer| layer.name == name).copied()
}

/// A layer by the number in its records.
pub fn layer_by_id(id: u8) -> Option<&'static Layer> {
    LAYERS.iter().find(|layer| layer.id == id).copied()
}

/// The hooks that follow a process's descendants, for `pid under`.
pub static FAMILY: [Hook; 2] = [
    Hook::typed("sched_process_fork", "iotq_family_fork", &[2]),
    Hook::typed("sched_process_exit", "iotq_family_exit", &[1, 2]),
];

/// The hooks that tell what the callers of followed operations do, for their stages.
pub static FOLLOW: [Hook; 2] = [
    Hook::typed("sched_switch", "iotq_sched_switch", &[3, 4]),
    Hook::typed("sched_wakeup", "iotq_sched_wakeup", &[1]),
];

/// The layer whose operations are followed.
pub static ROOTS: &Layer = &syscall::LAYER;

/// The layer whose requests are the children of followed operations.
pub static CHILDREN: &Layer = &block::LAYER;

/// Its points that tell of them from their beginnings on.
pub static CHILDREN_POINTS: [&str; 5] = ["queue", "split", "merge", "issue", "complete"];

#[cfg(test)]
mod tests;
