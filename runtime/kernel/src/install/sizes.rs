//! How large the maps are: those that a plan does not use stay at one entry.

use std::ops::RangeInclusive;

use aya::EbpfLoader;
use aya::util::online_cpus;
use iotq_probes::abi::{
    IOTQ_CACHE_EVENTS, IOTQ_GUEST_ANSWERS, IOTQ_MOST_ROOTS, IOTQ_PLACE_KEYS, IOTQ_ROOT_CALLS,
    IOTQ_ROOT_CHILDREN, IOTQ_ROOT_WAITS, iotq_config,
};
use iotq_probes::catalogue::layer;

use super::hooks::{BIO_COMPLETE, Hooks, PAGE_ADDED, PUSH, VIRTIO_NOTIFY};
use crate::encode::Constants;
use crate::groups::Room;
use crate::names::device;

/// About the size of a record in the ring.
const RECORD: u32 = 184;
const RING_PER_CPU: u32 = 512 << 10;
const RINGS: RangeInclusive<u32> = 1 << 20..=16 << 20;
/// Pairs of places for bios, powers of two. With `block_io_start`, a bio waits only until it has a request, which is soon; else
/// until its request is inserted or issued. A small table stays in the CPU's cache.
const BIOS_UNTIL_ISSUED: u32 = 4096;
const BIOS_UNTIL_STARTED: u32 = 512;
const BIO_SPANS: u32 = 16_384;
const REQUESTS: RangeInclusive<u32> = 4096..=1 << 18;
/// Calls in flight, at most, and what is kept of each one's children.
const ROOTS: u32 = IOTQ_MOST_ROOTS;
/// Threads in filesystems at the same time, at most.
const FS_CALLS: u32 = 4096;
const PROCESSES: u32 = 65_536;
const RINGS_UNTOLD: u32 = 1024;
/// Disks, and directions, of which it is known where the last request ended.
const ENDS: u32 = 4096;
/// Pieces of files of which it is remembered who made them dirty.
const DIRTIERS: u32 = 65_536;
/// Requests of guests under way. Each CPU sets some aside for itself.
const GUEST_REQUESTS: u32 = 8192;
const GUEST_REQUESTS_PER_CPU: u32 = 256;
/// Queues of their disks.
const GUEST_QUEUES: u32 = 4096;
/// Their requests that are kept: a second of 32 000 each second. Guests tell of theirs sooner than that.
const KEPT: u32 = 32_768;
/// What belongs to those that are followed, a power of two: of most, their trail, a call and a request to a disk.
const KEPT_PARTS: u32 = 65_536;
/// Processes whose guests are asked.
const KEEPING: u32 = 1024;
/// Of guests that are followed: places of data in their memory, processes, files.
const GUEST_BUFFERS: u32 = 16_384;
const GUESTS: u32 = 1024;
const GUEST_FILES: u32 = 4096;
/// Threads that look up pages of files at the same time.
const LOOKUPS: u32 = 8192;

/// Entries of the maps; of the ring, bytes.
pub(super) struct Sizes {
    ring: u32,
    sets: u32,
    requests: u32,
    bios: u32,
    bio_tasks: u32,
    bio_spans: u32,
    roots: u32,
    follow: bool,
    waits: u32,
    submitters: u32,
    root_calls: u32,
    fs_calls: u32,
    cached: u32,
    lookups: u32,
    families: u32,
    untold: u32,
    ends: u32,
    origins: bool,
    guest_requests: u32,
    guest_queues: u32,
    kept: u32,
    keeping: u32,
    kept_parts: u32,
    follow_guests: bool,
    guest_calls: u32,
    groups: Room,
}

impl Sizes {
    /// For these hooks and constants. `ring`: what the user wants.
    pub fn choose(constants: &Constants, hooks: &Hooks, ring: Option<u32>) -> Self {
        let used = |target, entries| if hooks.sees(target) { entries } else { 1 };
        let requests = if hooks.follows_requests() {
            let all = u32::try_from(device::request_count().saturating_mul(4)).unwrap_or(u32::MAX);
            all.clamp(*REQUESTS.start(), *REQUESTS.end())
                .next_power_of_two()
        } else {
            1
        };
        let follow = constants.config.follow != 0;
        // Whose they are is asked again when their request is issued.
        let wait = if hooks.sees("block_io_start") && !follow {
            BIOS_UNTIL_STARTED
        } else {
            BIOS_UNTIL_ISSUED
        };
        let bios = if hooks.sees_bios() { wait } else { 1 };
        let roots = if hooks.sees("sys_enter") {
            ROOTS
        } else {
            IOTQ_PLACE_KEYS
        };
        Self {
            ring: ring_bytes(ring),
            sets: u32::try_from(constants.sets.len().max(1)).unwrap_or(u32::MAX),
            requests,
            bios,
            bio_tasks: if hooks.sees("block_io_start") {
                1
            } else {
                bios
            },
            bio_spans: used(BIO_COMPLETE, BIO_SPANS),
            roots,
            follow,
            waits: if joins(constants, "sched") {
                ROOTS * IOTQ_ROOT_WAITS
            } else {
                1
            },
            submitters: if follow { roots } else { 1 },
            root_calls: if joins(constants, "fs") { ROOTS } else { 1 },
            fs_calls: if constants.tables.iter().any(|it| it.layer.name == "fs") {
                FS_CALLS
            } else {
                IOTQ_PLACE_KEYS
            },
            untold: used(VIRTIO_NOTIFY, RINGS_UNTOLD),
            ends: if constants.config.want_sequence != 0 {
                ENDS
            } else {
                1
            },
            cached: if joins(constants, "cache") {
                ROOTS * IOTQ_CACHE_EVENTS
            } else {
                1
            },
            lookups: used(PAGE_ADDED, LOOKUPS),
            origins: constants.config.want_origin != 0,
            guest_requests: used(
                PUSH,
                GUEST_REQUESTS.saturating_add(cpus().saturating_mul(GUEST_REQUESTS_PER_CPU)),
            ),
            guest_queues: used(PUSH, GUEST_QUEUES),
            kept: only_if(constants.config.keep != 0, KEPT),
            keeping: only_if(constants.config.keep != 0, KEEPING),
            kept_parts: only_if(
                constants.config.keep != 0 && constants.config.follow_guests != 0,
                KEPT_PARTS,
            ),
            follow_guests: constants.config.follow_guests != 0,
            guest_calls: if constants.config.follow_guests != 0 && joins(constants, "syscall") {
                ROOTS * IOTQ_ROOT_CALLS
            } else {
                1
            },
            groups: constants.groupings.room,
            families: if constants.config.families > 0 {
                PROCESSES
            } else {
                1
            },
        }
    }

    pub fn apply(&self, loader: &mut EbpfLoader<'_>) {
        for (map, entries) in [
            ("iotq_ring", self.ring),
            ("iotq_sets", self.sets),
            ("iotq_request_keys", self.requests),
            ("iotq_requests", self.requests.div_ceil(2)),
            ("iotq_claims", self.requests),
            ("iotq_bios", self.bios),
            ("iotq_bio_tasks", self.bio_tasks),
            ("iotq_bio_spans", self.bio_spans),
            ("iotq_roots", self.roots),
            ("iotq_root_keys", self.roots / IOTQ_PLACE_KEYS),
            (
                "iotq_children",
                self.only_if_followed(self.roots * IOTQ_ROOT_CHILDREN),
            ),
            ("iotq_waits", self.waits),
            ("iotq_submitters", self.submitters),
            ("iotq_root_calls", self.root_calls),
            ("iotq_fs_calls", self.fs_calls),
            ("iotq_fs_keys", self.fs_calls / IOTQ_PLACE_KEYS),
            ("iotq_cached", self.cached),
            ("iotq_lookups", self.lookups),
            ("iotq_bio_owners", self.only_if_followed(self.bios)),
            ("iotq_families", self.families),
            ("iotq_untold", self.untold),
            ("iotq_ends", self.ends),
            ("iotq_dirtiers", if self.origins { DIRTIERS } else { 1 }),
            ("iotq_qemu_requests", self.guest_requests),
            ("iotq_qemu_queues", self.guest_queues),
            ("iotq_qemu_given", self.guest_queues),
            ("iotq_kept", self.kept),
            ("iotq_keeping", self.keeping),
            ("iotq_kept_parts", self.kept_parts),
            (
                "iotq_guest_requests",
                self.only_for_guests(self.guest_requests),
            ),
            ("iotq_guest_buffers", self.only_for_guests(GUEST_BUFFERS)),
            ("iotq_guests", self.only_for_guests(GUESTS)),
            ("iotq_guest_files", self.only_for_guests(GUEST_FILES)),
            (
                "iotq_guest_answers",
                self.only_for_guests(IOTQ_GUEST_ANSWERS),
            ),
            ("iotq_guest_calls", self.guest_calls),
            ("iotq_bio_origins", if self.origins { self.bios } else { 1 }),
            ("iotq_group_heads", self.groups.heads.max(1)),
            ("iotq_groups", self.groups.groups.max(1)),
            ("iotq_hists", self.groups.histograms.max(1)),
        ] {
            loader.map_max_entries(map, entries);
        }
    }

    /// Tells the templates what they must know of sizes.
    pub fn tell(&self, config: &mut iotq_config) {
        config.requests_mask = self.requests - 1;
        config.bios_mask = self.bios - 1;
        config.parts_mask = self.kept_parts - 1;
        config.roots_mask = self.roots / IOTQ_PLACE_KEYS - 1;
        config.fs_mask = self.fs_calls / IOTQ_PLACE_KEYS - 1;
        config.wakeup_bytes = self.ring / 4;
        config.wakeup_every = self.wakeup_period() - 1;
    }

    fn only_if_followed(&self, entries: u32) -> u32 {
        if self.follow { entries } else { 1 }
    }

    fn only_for_guests(&self, entries: u32) -> u32 {
        if self.follow_guests { entries } else { 1 }
    }

    /// How many records a CPU may add before it looks how much is in the ring, a power of two: all CPUs together no more
    /// than a quarter of the ring.
    fn wakeup_period(&self) -> u32 {
        let records = self.ring / 4 / cpus() / RECORD;
        1 << records.clamp(1, 256).ilog2()
    }
}

fn only_if(used: bool, entries: u32) -> u32 {
    if used { entries } else { 1 }
}

/// A power of two of at least one page.
fn ring_bytes(wanted: Option<u32>) -> u32 {
    let page = u32::try_from(rustix::param::page_size()).unwrap_or(4096);
    let usual = cpus().saturating_mul(RING_PER_CPU);
    let bytes = wanted.unwrap_or(usual.clamp(*RINGS.start(), *RINGS.end()));
    bytes.clamp(page, 1 << 30).next_power_of_two()
}

/// Whether a join has a layer below its root.
fn joins(constants: &Constants, name: &str) -> bool {
    layer(name).is_some_and(|layer| constants.config.joined[usize::from(layer.id)] != 0)
}

fn cpus() -> u32 {
    online_cpus().map_or(1, |cpus| {
        u32::try_from(cpus.len().max(1)).unwrap_or(u32::MAX)
    })
}
