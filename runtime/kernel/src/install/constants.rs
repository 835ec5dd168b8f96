//! The constants of the templates, set before the kernel verifies them.

use aya::EbpfLoader;
use zerocopy::IntoBytes;

use super::layouts::Layouts;
use crate::encode::Constants;

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
    for tables in &constants.tables {
        let (start, at) = match tables.layer.name {
            "block" => ("iotq_block_start", "iotq_block_at"),
            "fs" => ("iotq_fs_start", "iotq_fs_at"),
            "scsi" => ("iotq_scsi_start", "iotq_scsi_at"),
            "nvme" => ("iotq_nvme_start", "iotq_nvme_at"),
            "cache" => ("iotq_cache_start", "iotq_cache_at"),
            "sched" => ("iotq_sched_start", "iotq_sched_at"),
            "virtio" => ("iotq_virtio_start", "iotq_virtio_at"),
            _ => ("iotq_syscall_start", "iotq_syscall_at"),
        };
        set(start, tables.start.as_bytes());
        set(at, tables.at.as_bytes());
    }
}
