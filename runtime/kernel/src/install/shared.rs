//! Events that two layers look at: one program does it for both, since each run of one costs.

use std::mem::take;

use iotq_probes::abi::iotq_config;
use iotq_probes::catalogue::Hook;

const CALL_END: &str = "iotq_sys_exit";
const LOOKUPS_END: &str = "iotq_cache_exit";
pub(super) const BIOS: [&str; 2] = ["iotq_bio_queue", "iotq_bio_queue_2"];
const BIOS_OF_CACHE: [&str; 2] = ["iotq_cache_bio", "iotq_cache_bio_2"];
const DIRECT: [&str; 3] = ["iotq_dio_begin", "iotq_dio_queued", "iotq_dio_complete"];
const DIRECT_OF_FS: [&str; 3] = [
    "iotq_fs_direct",
    "iotq_fs_direct_queued",
    "iotq_fs_direct_end",
];

/// What programs do for other layers, too.
#[derive(Default)]
pub(super) struct Shared {
    /// What remembers bios tells the page cache of them.
    bios: bool,
    /// What follows libaio tells filesystems of direct I/O.
    direct: bool,
    /// Hooks that are not taken, since others do their work.
    pub served: Vec<&'static Hook>,
}

impl Shared {
    /// Takes away the hooks whose work others do.
    pub fn among(points: &mut Vec<&'static Hook>) -> Self {
        let has = |program: &&str| points.iter().any(|hook| hook.program == *program);
        let ends = has(&CALL_END);
        let bios = BIOS.iter().any(has) && BIOS_OF_CACHE.iter().any(has);
        let direct = DIRECT.iter().chain(&DIRECT_OF_FS).all(has);
        let is_served = |hook: &&Hook| {
            ends && hook.program == LOOKUPS_END
                || bios && BIOS_OF_CACHE.contains(&hook.program)
                || direct && DIRECT_OF_FS.contains(&hook.program)
        };
        let (served, own) = take(points).into_iter().partition(is_served);
        *points = own;
        Self {
            bios,
            direct,
            served,
        }
    }

    /// Tells the templates.
    pub fn tell(&self, config: &mut iotq_config) {
        config.tells_bios = self.bios.into();
        config.tells_direct = self.direct.into();
    }
}
