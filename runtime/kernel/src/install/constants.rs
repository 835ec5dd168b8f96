//! The constants of the templates, set before the kernel verifies them.

use aya::EbpfLoader;
use zerocopy::IntoBytes;

use super::hooks::{BIO_COMPLETE, Hooks};
use super::layouts::Layouts;
use super::sizes::Sizes;
use crate::encode::Constants;

/// A name that the object does not have fails the load.
pub(super) fn set<'a>(
    loader: &mut EbpfLoader<'a>,
    constants: &'a Constants,
    sizes: &'a Sizes,
    layouts: &'a Layouts,
    hooks: &Hooks,
) {
    let mut set = |name, bytes: &'a [u8]| {
        loader.override_global(name, bytes, true);
    };
    set("iotq_config", constants.config.as_bytes());
    set("iotq_texts", constants.texts.as_bytes());
    set("iotq_calls", constants.calls.as_bytes());
    set("iotq_bios_mask", sizes.bios_mask.as_bytes());
    set("iotq_requests_mask", sizes.requests_mask.as_bytes());
    for (constant, tracepoint) in [
        ("iotq_block_has_start", "block_io_start"),
        ("iotq_block_has_queue", "block_bio_queue"),
        ("iotq_block_has_issue", "block_rq_issue"),
        ("iotq_block_has_end", "block_rq_complete"),
        ("iotq_block_bio_spans", BIO_COMPLETE),
    ] {
        set(constant, flag(hooks.sees(tracepoint)));
    }
    set("iotq_block_has_driver", flag(hooks.follows_drivers()));
    set("iotq_scsi_layout", layouts.scsi.as_bytes());
    set("iotq_nvme_layout", layouts.nvme.as_bytes());
    for tables in &constants.tables {
        let (start, at) = match tables.layer.name {
            "block" => ("iotq_block_start", "iotq_block_at"),
            "scsi" => ("iotq_scsi_start", "iotq_scsi_at"),
            "nvme" => ("iotq_nvme_start", "iotq_nvme_at"),
            _ => ("iotq_syscall_start", "iotq_syscall_at"),
        };
        set(start, tables.start.as_bytes());
        set(at, tables.at.as_bytes());
    }
}

fn flag(set: bool) -> &'static [u8] {
    if set { &[1] } else { &[0] }
}
