//! The constants of the templates, set before the kernel verifies them.

use aya::EbpfLoader;
use iotq_probes::abi::iotq_table;
use iotq_probes::catalogue::layer;
use zerocopy::IntoBytes;

use super::layouts::Layouts;
use crate::encode::Constants;

/// The globals with the filters of each layer: for the start of an operation, and for each point.
const TABLES: [(&str, &str, &str); 9] = [
    ("block", "iotq_block_start", "iotq_block_at"),
    ("cache", "iotq_cache_start", "iotq_cache_at"),
    ("fs", "iotq_fs_start", "iotq_fs_at"),
    ("nvme", "iotq_nvme_start", "iotq_nvme_at"),
    ("qemu", "iotq_qemu_start", "iotq_qemu_at"),
    ("sched", "iotq_sched_start", "iotq_sched_at"),
    ("scsi", "iotq_scsi_start", "iotq_scsi_at"),
    ("syscall", "iotq_syscall_start", "iotq_syscall_at"),
    ("virtio", "iotq_virtio_start", "iotq_virtio_at"),
];

const TABLE: usize = size_of::<iotq_table>();
const MOST_POINTS: usize = 16;

/// Filters without a term. The loader may have been used for another plan, which had some.
static NO_TERMS: [u8; MOST_POINTS * TABLE] = [0; MOST_POINTS * TABLE];

/// A name that the object does not have fails the load.
pub(super) fn set<'a>(loader: &mut EbpfLoader<'a>, constants: &'a Constants, layouts: &'a Layouts) {
    let mut set = |name, bytes: &'a [u8]| {
        loader.override_global(name, bytes, true);
    };
    set("iotq_config", constants.config.as_bytes());
    set("iotq_texts", constants.texts.as_bytes());
    set("iotq_groupings", constants.groupings.encoded.as_bytes());
    set("iotq_calls", constants.calls.as_bytes());
    set("iotq_scsi_layout", layouts.scsi.as_bytes());
    set("iotq_nvme_layout", layouts.nvme.as_bytes());
    set("iotq_virtio_layout", layouts.virtio.as_bytes());
    set("iotq_btrfs_layout", layouts.btrfs.as_bytes());
    set("iotq_stacks", layouts.stacks.as_bytes());
    set("iotq_qemu_layouts", layouts.qemus.as_bytes());
    for (name, start, at) in TABLES {
        let tables = constants.tables.iter().find(|it| it.layer.name == name);
        let points = layer(name).map_or(0, |layer| layer.point_slots());
        set(
            start,
            tables.map_or(&NO_TERMS[..TABLE], |it| it.start.as_bytes()),
        );
        set(
            at,
            tables.map_or(&NO_TERMS[..points * TABLE], |it| it.at.as_bytes()),
        );
    }
}
