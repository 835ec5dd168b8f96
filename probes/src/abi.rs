//! Generated from `bpf/abi.h` by `cargo xtask templates`.
#![expect(missing_docs, non_camel_case_types, reason = "the names and comments are those of abi.h")]

pub const IOTQ_NULL32: u32 = 4294967295;
pub const IOTQ_NULL64: i32 = -1;
pub const IOTQ_CACHE_LINE: u32 = 64;
pub const IOTQ_COMM_LEN: u32 = 16;
pub const IOTQ_NAME_LEN: u32 = 32;
pub const IOTQ_MAX_QUERIES: u32 = 32;
pub const IOTQ_MAX_TERMS: u32 = 32;
pub const IOTQ_MAX_TEXTS: u32 = 16;
pub const IOTQ_MAX_CGROUPS: u32 = 8;
pub const IOTQ_MAX_DIRECTORIES: u32 = 8;
pub const IOTQ_MAX_MEMBERSHIPS: u32 = 32;
pub const IOTQ_MAX_LAYERS: u32 = 12;
pub const IOTQ_MAX_SYSCALLS: u32 = 512;
pub const IOTQ_MARK_APPROX_QUEUE: u32 = 1;
pub const IOTQ_MARK_APPROX_TASK: u32 = 2;
pub const IOTQ_MARK_INTERNAL: u32 = 4;
pub const IOTQ_MARK_UNENDED: u32 = 8;
pub const IOTQ_MARK_APPROX_ISSUE: u32 = 16;
pub const IOTQ_MARK_APPROX_CALL: u32 = 128;
pub const IOTQ_MARK_CROWDED: u32 = 64;
pub const IOTQ_MARK_PARTS: u32 = 32;
pub const IOTQ_MARK_APPROX_ORIGIN: u32 = 256;
pub const IOTQ_MARK_APPROX_ASKED: u32 = 512;
pub const IOTQ_MARK_APPROX: u32 = 987;
pub const IOTQ_MAX_OWNERS: u32 = 16;
pub const IOTQ_DRIVER_WORDS: u32 = 8;
pub const IOTQ_RING_WORDS: u32 = 5;
pub const IOTQ_NVME_ROUND_SHIFT: u32 = 15;
pub const IOTQ_KEPT_WORDS: u32 = 27;
pub const IOTQ_PART_WORDS: u32 = 35;
pub const IOTQ_MAX_QEMUS: u32 = 8;
pub const IOTQ_QEMU_SITE_SHIFT: u32 = 8;
pub const IOTQ_ELEMENT_WINDOW: u32 = 64;
pub const IOTQ_UNTOLD: u32 = 32;
pub const IOTQ_BLOCK_SYNC: u32 = 1;
pub const IOTQ_BLOCK_META: u32 = 2;
pub const IOTQ_BLOCK_FUA: u32 = 4;
pub const IOTQ_BLOCK_PREFLUSH: u32 = 8;
pub const IOTQ_BLOCK_AHEAD: u32 = 16;
pub const IOTQ_BLOCK_PRIO: u32 = 32;
pub const IOTQ_BLOCK_BACKGROUND: u32 = 64;
pub const IOTQ_BLOCK_SWAP: u32 = 128;
pub const IOTQ_BLOCK_POLLED: u32 = 256;
pub const IOTQ_BLOCK_NOWAIT: u32 = 512;
pub const IOTQ_NUMBER_URING: u32 = 1024;
pub const IOTQ_NUMBER_AIO: u32 = 1025;
pub const IOTQ_NUMBER_FAULT: u32 = 1026;
pub const IOTQ_NUMBER_WRITEBACK: u32 = 1027;
pub const IOTQ_NUMBER_GUEST: u32 = 1028;
pub const IOTQ_NUMBER_COMMIT: u32 = 1029;
pub const IOTQ_TYPE_LEN: u32 = 16;
pub const IOTQ_FS_DIRECT: u32 = 1;
pub const IOTQ_FS_DATASYNC: u32 = 2;
pub const IOTQ_FS_QUEUED: u32 = 4;
pub const IOTQ_CACHE_EVENTS: u32 = 6;
pub const IOTQ_STAGES: u32 = 6;
pub const IOTQ_ROOT_CHILDREN: u32 = 16;
pub const IOTQ_ROOT_WAITS: u32 = 16;
pub const IOTQ_ROOT_CALLS: u32 = 8;
pub const IOTQ_MOST_ROOTS: u32 = 4096;
pub const IOTQ_GUEST_ANSWERS: u32 = 1024;
pub const IOTQ_PLACE_KEYS: u32 = 8;
pub const IOTQ_END_CLAUSE: u32 = 1;
pub const IOTQ_END_QUERY: u32 = 2;
pub const IOTQ_NEGATE: u32 = 4;
pub const IOTQ_NULLABLE: u32 = 8;
pub const IOTQ_SIGNED: u32 = 16;
pub const IOTQ_MAX_GROUPINGS: u32 = 8;
pub const IOTQ_MAX_MEASURES: u32 = 8;
pub const IOTQ_KEY_WORDS: u32 = 8;
pub const IOTQ_GROUP_WORDS: u32 = 30;
pub const IOTQ_GENERATIONS: u32 = 2;
pub const IOTQ_HIST_BITS: u32 = 4;
pub const IOTQ_HIST_BUCKETS: u32 = 976;
pub const IOTQ_KEEP_SUM: u32 = 1;
pub const IOTQ_KEEP_MIN: u32 = 2;
pub const IOTQ_KEEP_MAX: u32 = 4;
pub const IOTQ_KEEP_SQUARES: u32 = 8;
pub const IOTQ_KEEP_HIST: u32 = 16;
pub const IOTQ_KEEP_STEPS: u32 = 32;
pub const IOTQ_KEEP_TRUTH: u32 = 64;
pub const IOTQ_MAX_STACKS: u32 = 8;
pub const IOTQ_CALL_FD: u32 = 1;
pub const IOTQ_CALL_POSITION: u32 = 2;
pub const IOTQ_CALL_OFFSET: u32 = 4;
pub const IOTQ_CALL_SIZE: u32 = 8;
pub const IOTQ_CALL_VECTOR: u32 = 16;
pub const IOTQ_CALL_POINTED: u32 = 32;
pub const IOTQ_CALL_EITHER: u32 = 64;
pub const IOTQ_CALL_RANGE: u32 = 128;
pub type __u8 = ::core::ffi::c_uchar;
pub type __u16 = ::core::ffi::c_ushort;
pub type __u32 = ::core::ffi::c_uint;
pub type __u64 = ::core::ffi::c_ulonglong;
pub type __s64 = ::core::ffi::c_longlong;
#[repr(C)]
#[derive(
    Debug,
    Default,
    Copy,
    Clone,
    PartialEq,
    Eq,
    zerocopy :: FromBytes,
    zerocopy :: IntoBytes,
    zerocopy :: Immutable,
    zerocopy :: KnownLayout,
)]
pub struct iotq_head {
    pub at: __u64,
    pub queries: __u32,
    pub layer: __u8,
    pub point: __u8,
    pub marks: __u16,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of iotq_head"][::core::mem::size_of::<iotq_head>() - 16usize];
    ["Alignment of iotq_head"][::core::mem::align_of::<iotq_head>() - 8usize];
    ["Offset of field: iotq_head::at"][::core::mem::offset_of!(iotq_head, at) - 0usize];
    ["Offset of field: iotq_head::queries"][::core::mem::offset_of!(iotq_head, queries) - 8usize];
    ["Offset of field: iotq_head::layer"][::core::mem::offset_of!(iotq_head, layer) - 12usize];
    ["Offset of field: iotq_head::point"][::core::mem::offset_of!(iotq_head, point) - 13usize];
    ["Offset of field: iotq_head::marks"][::core::mem::offset_of!(iotq_head, marks) - 14usize];
};
#[repr(C)]
#[derive(
    Debug,
    Default,
    Copy,
    Clone,
    PartialEq,
    Eq,
    zerocopy :: FromBytes,
    zerocopy :: IntoBytes,
    zerocopy :: Immutable,
    zerocopy :: KnownLayout,
)]
pub struct iotq_task {
    pub cgroup: __u64,
    pub members: __u64,
    pub comm: [::core::ffi::c_char; 16usize],
    pub pid: __u32,
    pub tid: __u32,
    pub uid: __u32,
    pub root: __u32,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of iotq_task"][::core::mem::size_of::<iotq_task>() - 48usize];
    ["Alignment of iotq_task"][::core::mem::align_of::<iotq_task>() - 8usize];
    ["Offset of field: iotq_task::cgroup"][::core::mem::offset_of!(iotq_task, cgroup) - 0usize];
    ["Offset of field: iotq_task::members"][::core::mem::offset_of!(iotq_task, members) - 8usize];
    ["Offset of field: iotq_task::comm"][::core::mem::offset_of!(iotq_task, comm) - 16usize];
    ["Offset of field: iotq_task::pid"][::core::mem::offset_of!(iotq_task, pid) - 32usize];
    ["Offset of field: iotq_task::tid"][::core::mem::offset_of!(iotq_task, tid) - 36usize];
    ["Offset of field: iotq_task::uid"][::core::mem::offset_of!(iotq_task, uid) - 40usize];
    ["Offset of field: iotq_task::root"][::core::mem::offset_of!(iotq_task, root) - 44usize];
};
#[repr(C)]
#[derive(
    Debug,
    Default,
    Copy,
    Clone,
    PartialEq,
    Eq,
    zerocopy :: FromBytes,
    zerocopy :: IntoBytes,
    zerocopy :: Immutable,
    zerocopy :: KnownLayout,
)]
pub struct iotq_origin {
    pub cgroup: __u64,
    pub comm: [::core::ffi::c_char; 16usize],
    pub pid: __u32,
    pub pad: __u32,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of iotq_origin"][::core::mem::size_of::<iotq_origin>() - 32usize];
    ["Alignment of iotq_origin"][::core::mem::align_of::<iotq_origin>() - 8usize];
    ["Offset of field: iotq_origin::cgroup"][::core::mem::offset_of!(iotq_origin, cgroup) - 0usize];
    ["Offset of field: iotq_origin::comm"][::core::mem::offset_of!(iotq_origin, comm) - 8usize];
    ["Offset of field: iotq_origin::pid"][::core::mem::offset_of!(iotq_origin, pid) - 24usize];
    ["Offset of field: iotq_origin::pad"][::core::mem::offset_of!(iotq_origin, pad) - 28usize];
};
#[repr(C)]
#[derive(
    Debug,
    Default,
    Copy,
    Clone,
    PartialEq,
    Eq,
    zerocopy :: FromBytes,
    zerocopy :: IntoBytes,
    zerocopy :: Immutable,
    zerocopy :: KnownLayout,
)]
pub struct iotq_block {
    pub head: iotq_head,
    pub task: iotq_task,
    pub dev: __u32,
    pub part: __u32,
    pub flags: __u32,
    pub op: __u8,
    pub sequential: __u8,
    pub pad: [__u8; 2usize],
    pub sector: __u64,
    pub size: __u32,
    pub queue: __u32,
    pub tag: __u32,
    pub error: __u16,
    pub requeues: __u16,
    pub q2i: __u64,
    pub i2d: __u64,
    pub q2d: __u64,
    pub d2c: __u64,
    pub lat: __u64,
    pub origin: iotq_origin,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of iotq_block"][::core::mem::size_of::<iotq_block>() - 176usize];
    ["Alignment of iotq_block"][::core::mem::align_of::<iotq_block>() - 8usize];
    ["Offset of field: iotq_block::head"][::core::mem::offset_of!(iotq_block, head) - 0usize];
    ["Offset of field: iotq_block::task"][::core::mem::offset_of!(iotq_block, task) - 16usize];
    ["Offset of field: iotq_block::dev"][::core::mem::offset_of!(iotq_block, dev) - 64usize];
    ["Offset of field: iotq_block::part"][::core::mem::offset_of!(iotq_block, part) - 68usize];
    ["Offset of field: iotq_block::flags"][::core::mem::offset_of!(iotq_block, flags) - 72usize];
    ["Offset of field: iotq_block::op"][::core::mem::offset_of!(iotq_block, op) - 76usize];
    ["Offset of field: iotq_block::sequential"]
        [::core::mem::offset_of!(iotq_block, sequential) - 77usize];
    ["Offset of field: iotq_block::pad"][::core::mem::offset_of!(iotq_block, pad) - 78usize];
    ["Offset of field: iotq_block::sector"][::core::mem::offset_of!(iotq_block, sector) - 80usize];
    ["Offset of field: iotq_block::size"][::core::mem::offset_of!(iotq_block, size) - 88usize];
    ["Offset of field: iotq_block::queue"][::core::mem::offset_of!(iotq_block, queue) - 92usize];
    ["Offset of field: iotq_block::tag"][::core::mem::offset_of!(iotq_block, tag) - 96usize];
    ["Offset of field: iotq_block::error"][::core::mem::offset_of!(iotq_block, error) - 100usize];
    ["Offset of field: iotq_block::requeues"]
        [::core::mem::offset_of!(iotq_block, requeues) - 102usize];
    ["Offset of field: iotq_block::q2i"][::core::mem::offset_of!(iotq_block, q2i) - 104usize];
    ["Offset of field: iotq_block::i2d"][::core::mem::offset_of!(iotq_block, i2d) - 112usize];
    ["Offset of field: iotq_block::q2d"][::core::mem::offset_of!(iotq_block, q2d) - 120usize];
    ["Offset of field: iotq_block::d2c"][::core::mem::offset_of!(iotq_block, d2c) - 128usize];
    ["Offset of field: iotq_block::lat"][::core::mem::offset_of!(iotq_block, lat) - 136usize];
    ["Offset of field: iotq_block::origin"][::core::mem::offset_of!(iotq_block, origin) - 144usize];
};
#[repr(C)]
#[derive(
    Debug,
    Default,
    Copy,
    Clone,
    PartialEq,
    Eq,
    zerocopy :: FromBytes,
    zerocopy :: IntoBytes,
    zerocopy :: Immutable,
    zerocopy :: KnownLayout,
)]
pub struct iotq_nvme {
    pub block: iotq_block,
    pub lat: __u64,
    pub ctrl: __u32,
    pub nsid: __u32,
    pub error: __u32,
    pub retries: __u32,
    pub sq_head: __u32,
    pub sq_tail: __u32,
    pub op: __u16,
    pub qid: __u16,
    pub cid: __u16,
    pub status: __u16,
    pub opcode: __u8,
    pub pad: [__u8; 7usize],
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of iotq_nvme"][::core::mem::size_of::<iotq_nvme>() - 224usize];
    ["Alignment of iotq_nvme"][::core::mem::align_of::<iotq_nvme>() - 8usize];
    ["Offset of field: iotq_nvme::block"][::core::mem::offset_of!(iotq_nvme, block) - 0usize];
    ["Offset of field: iotq_nvme::lat"][::core::mem::offset_of!(iotq_nvme, lat) - 176usize];
    ["Offset of field: iotq_nvme::ctrl"][::core::mem::offset_of!(iotq_nvme, ctrl) - 184usize];
    ["Offset of field: iotq_nvme::nsid"][::core::mem::offset_of!(iotq_nvme, nsid) - 188usize];
    ["Offset of field: iotq_nvme::error"][::core::mem::offset_of!(iotq_nvme, error) - 192usize];
    ["Offset of field: iotq_nvme::retries"][::core::mem::offset_of!(iotq_nvme, retries) - 196usize];
    ["Offset of field: iotq_nvme::sq_head"][::core::mem::offset_of!(iotq_nvme, sq_head) - 200usize];
    ["Offset of field: iotq_nvme::sq_tail"][::core::mem::offset_of!(iotq_nvme, sq_tail) - 204usize];
    ["Offset of field: iotq_nvme::op"][::core::mem::offset_of!(iotq_nvme, op) - 208usize];
    ["Offset of field: iotq_nvme::qid"][::core::mem::offset_of!(iotq_nvme, qid) - 210usize];
    ["Offset of field: iotq_nvme::cid"][::core::mem::offset_of!(iotq_nvme, cid) - 212usize];
    ["Offset of field: iotq_nvme::status"][::core::mem::offset_of!(iotq_nvme, status) - 214usize];
    ["Offset of field: iotq_nvme::opcode"][::core::mem::offset_of!(iotq_nvme, opcode) - 216usize];
    ["Offset of field: iotq_nvme::pad"][::core::mem::offset_of!(iotq_nvme, pad) - 217usize];
};
#[repr(C)]
#[derive(
    Debug,
    Default,
    Copy,
    Clone,
    PartialEq,
    Eq,
    zerocopy :: FromBytes,
    zerocopy :: IntoBytes,
    zerocopy :: Immutable,
    zerocopy :: KnownLayout,
)]
pub struct iotq_nvme_layout {
    pub request_ctrl: __u32,
    pub request_status: __u32,
    pub request_retries: __u32,
    pub ctrl_instance: __u32,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of iotq_nvme_layout"][::core::mem::size_of::<iotq_nvme_layout>() - 16usize];
    ["Alignment of iotq_nvme_layout"][::core::mem::align_of::<iotq_nvme_layout>() - 4usize];
    ["Offset of field: iotq_nvme_layout::request_ctrl"]
        [::core::mem::offset_of!(iotq_nvme_layout, request_ctrl) - 0usize];
    ["Offset of field: iotq_nvme_layout::request_status"]
        [::core::mem::offset_of!(iotq_nvme_layout, request_status) - 4usize];
    ["Offset of field: iotq_nvme_layout::request_retries"]
        [::core::mem::offset_of!(iotq_nvme_layout, request_retries) - 8usize];
    ["Offset of field: iotq_nvme_layout::ctrl_instance"]
        [::core::mem::offset_of!(iotq_nvme_layout, ctrl_instance) - 12usize];
};
#[repr(C)]
#[derive(
    Debug,
    Default,
    Copy,
    Clone,
    PartialEq,
    Eq,
    zerocopy :: FromBytes,
    zerocopy :: IntoBytes,
    zerocopy :: Immutable,
    zerocopy :: KnownLayout,
)]
pub struct iotq_scsi {
    pub block: iotq_block,
    pub lat: __u64,
    pub host: __u32,
    pub channel: __u32,
    pub target: __u32,
    pub lun: __u32,
    pub tag: __u32,
    pub result: __u32,
    pub sense: __u32,
    pub error: __u32,
    pub op: __u8,
    pub opcode: __u8,
    pub pad: [__u8; 6usize],
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of iotq_scsi"][::core::mem::size_of::<iotq_scsi>() - 224usize];
    ["Alignment of iotq_scsi"][::core::mem::align_of::<iotq_scsi>() - 8usize];
    ["Offset of field: iotq_scsi::block"][::core::mem::offset_of!(iotq_scsi, block) - 0usize];
    ["Offset of field: iotq_scsi::lat"][::core::mem::offset_of!(iotq_scsi, lat) - 176usize];
    ["Offset of field: iotq_scsi::host"][::core::mem::offset_of!(iotq_scsi, host) - 184usize];
    ["Offset of field: iotq_scsi::channel"][::core::mem::offset_of!(iotq_scsi, channel) - 188usize];
    ["Offset of field: iotq_scsi::target"][::core::mem::offset_of!(iotq_scsi, target) - 192usize];
    ["Offset of field: iotq_scsi::lun"][::core::mem::offset_of!(iotq_scsi, lun) - 196usize];
    ["Offset of field: iotq_scsi::tag"][::core::mem::offset_of!(iotq_scsi, tag) - 200usize];
    ["Offset of field: iotq_scsi::result"][::core::mem::offset_of!(iotq_scsi, result) - 204usize];
    ["Offset of field: iotq_scsi::sense"][::core::mem::offset_of!(iotq_scsi, sense) - 208usize];
    ["Offset of field: iotq_scsi::error"][::core::mem::offset_of!(iotq_scsi, error) - 212usize];
    ["Offset of field: iotq_scsi::op"][::core::mem::offset_of!(iotq_scsi, op) - 216usize];
    ["Offset of field: iotq_scsi::opcode"][::core::mem::offset_of!(iotq_scsi, opcode) - 217usize];
    ["Offset of field: iotq_scsi::pad"][::core::mem::offset_of!(iotq_scsi, pad) - 218usize];
};
#[repr(C)]
#[derive(
    Debug,
    Default,
    Copy,
    Clone,
    PartialEq,
    Eq,
    zerocopy :: FromBytes,
    zerocopy :: IntoBytes,
    zerocopy :: Immutable,
    zerocopy :: KnownLayout,
)]
pub struct iotq_scsi_layout {
    pub cmnd_device: __u32,
    pub cmnd_cdb: __u32,
    pub cmnd_cdb_points: __u32,
    pub cmnd_result: __u32,
    pub cmnd_sense: __u32,
    pub device_host: __u32,
    pub device_channel: __u32,
    pub device_id: __u32,
    pub device_lun: __u32,
    pub host_number: __u32,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of iotq_scsi_layout"][::core::mem::size_of::<iotq_scsi_layout>() - 40usize];
    ["Alignment of iotq_scsi_layout"][::core::mem::align_of::<iotq_scsi_layout>() - 4usize];
    ["Offset of field: iotq_scsi_layout::cmnd_device"]
        [::core::mem::offset_of!(iotq_scsi_layout, cmnd_device) - 0usize];
    ["Offset of field: iotq_scsi_layout::cmnd_cdb"]
        [::core::mem::offset_of!(iotq_scsi_layout, cmnd_cdb) - 4usize];
    ["Offset of field: iotq_scsi_layout::cmnd_cdb_points"]
        [::core::mem::offset_of!(iotq_scsi_layout, cmnd_cdb_points) - 8usize];
    ["Offset of field: iotq_scsi_layout::cmnd_result"]
        [::core::mem::offset_of!(iotq_scsi_layout, cmnd_result) - 12usize];
    ["Offset of field: iotq_scsi_layout::cmnd_sense"]
        [::core::mem::offset_of!(iotq_scsi_layout, cmnd_sense) - 16usize];
    ["Offset of field: iotq_scsi_layout::device_host"]
        [::core::mem::offset_of!(iotq_scsi_layout, device_host) - 20usize];
    ["Offset of field: iotq_scsi_layout::device_channel"]
        [::core::mem::offset_of!(iotq_scsi_layout, device_channel) - 24usize];
    ["Offset of field: iotq_scsi_layout::device_id"]
        [::core::mem::offset_of!(iotq_scsi_layout, device_id) - 28usize];
    ["Offset of field: iotq_scsi_layout::device_lun"]
        [::core::mem::offset_of!(iotq_scsi_layout, device_lun) - 32usize];
    ["Offset of field: iotq_scsi_layout::host_number"]
        [::core::mem::offset_of!(iotq_scsi_layout, host_number) - 36usize];
};
#[repr(C)]
#[derive(
    Debug,
    Default,
    Copy,
    Clone,
    PartialEq,
    Eq,
    zerocopy :: FromBytes,
    zerocopy :: IntoBytes,
    zerocopy :: Immutable,
    zerocopy :: KnownLayout,
)]
pub struct iotq_virtio {
    pub block: iotq_block,
    pub driver: [__u64; 8usize],
    pub lat: __u64,
    pub a2n: __u64,
    pub device: __u32,
    pub queue: __u32,
    pub index: __u32,
    pub head: __u32,
    pub error: __u32,
    pub format: __u8,
    pub op: __u8,
    pub status: __u8,
    pub pad: __u8,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of iotq_virtio"][::core::mem::size_of::<iotq_virtio>() - 280usize];
    ["Alignment of iotq_virtio"][::core::mem::align_of::<iotq_virtio>() - 8usize];
    ["Offset of field: iotq_virtio::block"][::core::mem::offset_of!(iotq_virtio, block) - 0usize];
    ["Offset of field: iotq_virtio::driver"]
        [::core::mem::offset_of!(iotq_virtio, driver) - 176usize];
    ["Offset of field: iotq_virtio::lat"][::core::mem::offset_of!(iotq_virtio, lat) - 240usize];
    ["Offset of field: iotq_virtio::a2n"][::core::mem::offset_of!(iotq_virtio, a2n) - 248usize];
    ["Offset of field: iotq_virtio::device"]
        [::core::mem::offset_of!(iotq_virtio, device) - 256usize];
    ["Offset of field: iotq_virtio::queue"][::core::mem::offset_of!(iotq_virtio, queue) - 260usize];
    ["Offset of field: iotq_virtio::index"][::core::mem::offset_of!(iotq_virtio, index) - 264usize];
    ["Offset of field: iotq_virtio::head"][::core::mem::offset_of!(iotq_virtio, head) - 268usize];
    ["Offset of field: iotq_virtio::error"][::core::mem::offset_of!(iotq_virtio, error) - 272usize];
    ["Offset of field: iotq_virtio::format"]
        [::core::mem::offset_of!(iotq_virtio, format) - 276usize];
    ["Offset of field: iotq_virtio::op"][::core::mem::offset_of!(iotq_virtio, op) - 277usize];
    ["Offset of field: iotq_virtio::status"]
        [::core::mem::offset_of!(iotq_virtio, status) - 278usize];
    ["Offset of field: iotq_virtio::pad"][::core::mem::offset_of!(iotq_virtio, pad) - 279usize];
};
#[repr(C)]
#[derive(
    Debug,
    Default,
    Copy,
    Clone,
    PartialEq,
    Eq,
    zerocopy :: FromBytes,
    zerocopy :: IntoBytes,
    zerocopy :: Immutable,
    zerocopy :: KnownLayout,
)]
pub struct iotq_virtio_layout {
    pub queue_device: __u32,
    pub queue_index: __u32,
    pub device_index: __u32,
    pub device_id: __u32,
    pub ring_queue: __u32,
    pub ring_packed: __u32,
    pub ring_free: __u32,
    pub split_index: __u32,
    pub packed_index: __u32,
    pub blk_known: __u32,
    pub blk_type: __u32,
    pub blk_status: __u32,
    pub scsi_known: __u32,
    pub scsi_size: __u32,
    pub scsi_command: __u32,
    pub scsi_response: __u32,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of iotq_virtio_layout"][::core::mem::size_of::<iotq_virtio_layout>() - 64usize];
    ["Alignment of iotq_virtio_layout"][::core::mem::align_of::<iotq_virtio_layout>() - 4usize];
    ["Offset of field: iotq_virtio_layout::queue_device"]
        [::core::mem::offset_of!(iotq_virtio_layout, queue_device) - 0usize];
    ["Offset of field: iotq_virtio_layout::queue_index"]
        [::core::mem::offset_of!(iotq_virtio_layout, queue_index) - 4usize];
    ["Offset of field: iotq_virtio_layout::device_index"]
        [::core::mem::offset_of!(iotq_virtio_layout, device_index) - 8usize];
    ["Offset of field: iotq_virtio_layout::device_id"]
        [::core::mem::offset_of!(iotq_virtio_layout, device_id) - 12usize];
    ["Offset of field: iotq_virtio_layout::ring_queue"]
        [::core::mem::offset_of!(iotq_virtio_layout, ring_queue) - 16usize];
    ["Offset of field: iotq_virtio_layout::ring_packed"]
        [::core::mem::offset_of!(iotq_virtio_layout, ring_packed) - 20usize];
    ["Offset of field: iotq_virtio_layout::ring_free"]
        [::core::mem::offset_of!(iotq_virtio_layout, ring_free) - 24usize];
    ["Offset of field: iotq_virtio_layout::split_index"]
        [::core::mem::offset_of!(iotq_virtio_layout, split_index) - 28usize];
    ["Offset of field: iotq_virtio_layout::packed_index"]
        [::core::mem::offset_of!(iotq_virtio_layout, packed_index) - 32usize];
    ["Offset of field: iotq_virtio_layout::blk_known"]
        [::core::mem::offset_of!(iotq_virtio_layout, blk_known) - 36usize];
    ["Offset of field: iotq_virtio_layout::blk_type"]
        [::core::mem::offset_of!(iotq_virtio_layout, blk_type) - 40usize];
    ["Offset of field: iotq_virtio_layout::blk_status"]
        [::core::mem::offset_of!(iotq_virtio_layout, blk_status) - 44usize];
    ["Offset of field: iotq_virtio_layout::scsi_known"]
        [::core::mem::offset_of!(iotq_virtio_layout, scsi_known) - 48usize];
    ["Offset of field: iotq_virtio_layout::scsi_size"]
        [::core::mem::offset_of!(iotq_virtio_layout, scsi_size) - 52usize];
    ["Offset of field: iotq_virtio_layout::scsi_command"]
        [::core::mem::offset_of!(iotq_virtio_layout, scsi_command) - 56usize];
    ["Offset of field: iotq_virtio_layout::scsi_response"]
        [::core::mem::offset_of!(iotq_virtio_layout, scsi_response) - 60usize];
};
#[repr(C)]
#[derive(
    Debug,
    Default,
    Copy,
    Clone,
    PartialEq,
    Eq,
    zerocopy :: FromBytes,
    zerocopy :: IntoBytes,
    zerocopy :: Immutable,
    zerocopy :: KnownLayout,
)]
pub struct iotq_qemu {
    pub head: iotq_head,
    pub task: iotq_task,
    pub offset: __u64,
    pub size: __u64,
    pub queue: __u32,
    pub index: __u32,
    pub first: __u32,
    pub op: __u8,
    pub format: __u8,
    pub merged: __u8,
    pub status: __u8,
    pub guest: [::core::ffi::c_char; 32usize],
    pub disk: [::core::ffi::c_char; 32usize],
    pub p2s: __u64,
    pub s2p: __u64,
    pub lat: __u64,
    pub error: __u32,
    pub pad: __u32,
    pub kick: __u64,
    pub inject: __u64,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of iotq_qemu"][::core::mem::size_of::<iotq_qemu>() - 208usize];
    ["Alignment of iotq_qemu"][::core::mem::align_of::<iotq_qemu>() - 8usize];
    ["Offset of field: iotq_qemu::head"][::core::mem::offset_of!(iotq_qemu, head) - 0usize];
    ["Offset of field: iotq_qemu::task"][::core::mem::offset_of!(iotq_qemu, task) - 16usize];
    ["Offset of field: iotq_qemu::offset"][::core::mem::offset_of!(iotq_qemu, offset) - 64usize];
    ["Offset of field: iotq_qemu::size"][::core::mem::offset_of!(iotq_qemu, size) - 72usize];
    ["Offset of field: iotq_qemu::queue"][::core::mem::offset_of!(iotq_qemu, queue) - 80usize];
    ["Offset of field: iotq_qemu::index"][::core::mem::offset_of!(iotq_qemu, index) - 84usize];
    ["Offset of field: iotq_qemu::first"][::core::mem::offset_of!(iotq_qemu, first) - 88usize];
    ["Offset of field: iotq_qemu::op"][::core::mem::offset_of!(iotq_qemu, op) - 92usize];
    ["Offset of field: iotq_qemu::format"][::core::mem::offset_of!(iotq_qemu, format) - 93usize];
    ["Offset of field: iotq_qemu::merged"][::core::mem::offset_of!(iotq_qemu, merged) - 94usize];
    ["Offset of field: iotq_qemu::status"][::core::mem::offset_of!(iotq_qemu, status) - 95usize];
    ["Offset of field: iotq_qemu::guest"][::core::mem::offset_of!(iotq_qemu, guest) - 96usize];
    ["Offset of field: iotq_qemu::disk"][::core::mem::offset_of!(iotq_qemu, disk) - 128usize];
    ["Offset of field: iotq_qemu::p2s"][::core::mem::offset_of!(iotq_qemu, p2s) - 160usize];
    ["Offset of field: iotq_qemu::s2p"][::core::mem::offset_of!(iotq_qemu, s2p) - 168usize];
    ["Offset of field: iotq_qemu::lat"][::core::mem::offset_of!(iotq_qemu, lat) - 176usize];
    ["Offset of field: iotq_qemu::error"][::core::mem::offset_of!(iotq_qemu, error) - 184usize];
    ["Offset of field: iotq_qemu::pad"][::core::mem::offset_of!(iotq_qemu, pad) - 188usize];
    ["Offset of field: iotq_qemu::kick"][::core::mem::offset_of!(iotq_qemu, kick) - 192usize];
    ["Offset of field: iotq_qemu::inject"][::core::mem::offset_of!(iotq_qemu, inject) - 200usize];
};
#[repr(C)]
#[derive(
    Debug,
    Default,
    Copy,
    Clone,
    PartialEq,
    Eq,
    zerocopy :: FromBytes,
    zerocopy :: IntoBytes,
    zerocopy :: Immutable,
    zerocopy :: KnownLayout,
)]
pub struct iotq_qemu_key {
    pub address: __u64,
    pub pid: __u32,
    pub pad: __u32,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of iotq_qemu_key"][::core::mem::size_of::<iotq_qemu_key>() - 16usize];
    ["Alignment of iotq_qemu_key"][::core::mem::align_of::<iotq_qemu_key>() - 8usize];
    ["Offset of field: iotq_qemu_key::address"]
        [::core::mem::offset_of!(iotq_qemu_key, address) - 0usize];
    ["Offset of field: iotq_qemu_key::pid"][::core::mem::offset_of!(iotq_qemu_key, pid) - 8usize];
    ["Offset of field: iotq_qemu_key::pad"][::core::mem::offset_of!(iotq_qemu_key, pad) - 12usize];
};
pub const IOTQ_QEMU_KIND_BLK: iotq_qemu_kind = 0;
pub const IOTQ_QEMU_KIND_SCSI: iotq_qemu_kind = 1;
pub const IOTQ_QEMU_KIND_NVME: iotq_qemu_kind = 2;
pub type iotq_qemu_kind = ::core::ffi::c_uint;
#[repr(C)]
#[derive(
    Debug,
    Default,
    Copy,
    Clone,
    PartialEq,
    Eq,
    zerocopy :: FromBytes,
    zerocopy :: IntoBytes,
    zerocopy :: Immutable,
    zerocopy :: KnownLayout,
)]
pub struct iotq_qemu_queue {
    pub device: __u64,
    pub disk: __u64,
    pub queue: __u32,
    pub index: __u32,
    pub round: __u32,
    pub kind: __u32,
    pub name: [::core::ffi::c_char; 32usize],
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of iotq_qemu_queue"][::core::mem::size_of::<iotq_qemu_queue>() - 64usize];
    ["Alignment of iotq_qemu_queue"][::core::mem::align_of::<iotq_qemu_queue>() - 8usize];
    ["Offset of field: iotq_qemu_queue::device"]
        [::core::mem::offset_of!(iotq_qemu_queue, device) - 0usize];
    ["Offset of field: iotq_qemu_queue::disk"]
        [::core::mem::offset_of!(iotq_qemu_queue, disk) - 8usize];
    ["Offset of field: iotq_qemu_queue::queue"]
        [::core::mem::offset_of!(iotq_qemu_queue, queue) - 16usize];
    ["Offset of field: iotq_qemu_queue::index"]
        [::core::mem::offset_of!(iotq_qemu_queue, index) - 20usize];
    ["Offset of field: iotq_qemu_queue::round"]
        [::core::mem::offset_of!(iotq_qemu_queue, round) - 24usize];
    ["Offset of field: iotq_qemu_queue::kind"]
        [::core::mem::offset_of!(iotq_qemu_queue, kind) - 28usize];
    ["Offset of field: iotq_qemu_queue::name"]
        [::core::mem::offset_of!(iotq_qemu_queue, name) - 32usize];
};
#[repr(C)]
#[derive(
    Debug,
    Default,
    Copy,
    Clone,
    PartialEq,
    Eq,
    zerocopy :: FromBytes,
    zerocopy :: IntoBytes,
    zerocopy :: Immutable,
    zerocopy :: KnownLayout,
)]
pub struct iotq_kept_key {
    pub device: __u64,
    pub pid: __u32,
    pub queue: __u32,
    pub index: __u32,
    pub round: __u32,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of iotq_kept_key"][::core::mem::size_of::<iotq_kept_key>() - 24usize];
    ["Alignment of iotq_kept_key"][::core::mem::align_of::<iotq_kept_key>() - 8usize];
    ["Offset of field: iotq_kept_key::device"]
        [::core::mem::offset_of!(iotq_kept_key, device) - 0usize];
    ["Offset of field: iotq_kept_key::pid"][::core::mem::offset_of!(iotq_kept_key, pid) - 8usize];
    ["Offset of field: iotq_kept_key::queue"]
        [::core::mem::offset_of!(iotq_kept_key, queue) - 12usize];
    ["Offset of field: iotq_kept_key::index"]
        [::core::mem::offset_of!(iotq_kept_key, index) - 16usize];
    ["Offset of field: iotq_kept_key::round"]
        [::core::mem::offset_of!(iotq_kept_key, round) - 20usize];
};
#[repr(C)]
#[derive(
    Debug,
    Default,
    Copy,
    Clone,
    PartialEq,
    Eq,
    zerocopy :: FromBytes,
    zerocopy :: IntoBytes,
    zerocopy :: Immutable,
    zerocopy :: KnownLayout,
)]
pub struct iotq_kept {
    pub used: __u32,
    pub parts: __u32,
    pub first: __u64,
    pub words: [__u64; 27usize],
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of iotq_kept"][::core::mem::size_of::<iotq_kept>() - 232usize];
    ["Alignment of iotq_kept"][::core::mem::align_of::<iotq_kept>() - 8usize];
    ["Offset of field: iotq_kept::used"][::core::mem::offset_of!(iotq_kept, used) - 0usize];
    ["Offset of field: iotq_kept::parts"][::core::mem::offset_of!(iotq_kept, parts) - 4usize];
    ["Offset of field: iotq_kept::first"][::core::mem::offset_of!(iotq_kept, first) - 8usize];
    ["Offset of field: iotq_kept::words"][::core::mem::offset_of!(iotq_kept, words) - 16usize];
};
#[repr(C)]
#[derive(
    Debug,
    Default,
    Copy,
    Clone,
    PartialEq,
    Eq,
    zerocopy :: FromBytes,
    zerocopy :: IntoBytes,
    zerocopy :: Immutable,
    zerocopy :: KnownLayout,
)]
pub struct iotq_qemu_layout {
    pub name: __u64,
    pub pop_register: __u32,
    pub queue_device: __u32,
    pub queue_index: __u32,
    pub queue_last: __u32,
    pub queue_size: __u32,
    pub device_packed: __u32,
    pub packed_mask: __u32,
    pub element_count: __u32,
    pub element_outs: __u32,
    pub element_ins: __u32,
    pub element_out: __u32,
    pub element_in: __u32,
    pub blk_name: __u32,
    pub blk_device: __u32,
    pub device_parent: __u32,
    pub device_id: __u32,
    pub scsi_element: __u32,
    pub nvme_command: __u32,
    pub nvme_made_for: __u32,
    pub nvme_ends: __u32,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of iotq_qemu_layout"][::core::mem::size_of::<iotq_qemu_layout>() - 88usize];
    ["Alignment of iotq_qemu_layout"][::core::mem::align_of::<iotq_qemu_layout>() - 8usize];
    ["Offset of field: iotq_qemu_layout::name"]
        [::core::mem::offset_of!(iotq_qemu_layout, name) - 0usize];
    ["Offset of field: iotq_qemu_layout::pop_register"]
        [::core::mem::offset_of!(iotq_qemu_layout, pop_register) - 8usize];
    ["Offset of field: iotq_qemu_layout::queue_device"]
        [::core::mem::offset_of!(iotq_qemu_layout, queue_device) - 12usize];
    ["Offset of field: iotq_qemu_layout::queue_index"]
        [::core::mem::offset_of!(iotq_qemu_layout, queue_index) - 16usize];
    ["Offset of field: iotq_qemu_layout::queue_last"]
        [::core::mem::offset_of!(iotq_qemu_layout, queue_last) - 20usize];
    ["Offset of field: iotq_qemu_layout::queue_size"]
        [::core::mem::offset_of!(iotq_qemu_layout, queue_size) - 24usize];
    ["Offset of field: iotq_qemu_layout::device_packed"]
        [::core::mem::offset_of!(iotq_qemu_layout, device_packed) - 28usize];
    ["Offset of field: iotq_qemu_layout::packed_mask"]
        [::core::mem::offset_of!(iotq_qemu_layout, packed_mask) - 32usize];
    ["Offset of field: iotq_qemu_layout::element_count"]
        [::core::mem::offset_of!(iotq_qemu_layout, element_count) - 36usize];
    ["Offset of field: iotq_qemu_layout::element_outs"]
        [::core::mem::offset_of!(iotq_qemu_layout, element_outs) - 40usize];
    ["Offset of field: iotq_qemu_layout::element_ins"]
        [::core::mem::offset_of!(iotq_qemu_layout, element_ins) - 44usize];
    ["Offset of field: iotq_qemu_layout::element_out"]
        [::core::mem::offset_of!(iotq_qemu_layout, element_out) - 48usize];
    ["Offset of field: iotq_qemu_layout::element_in"]
        [::core::mem::offset_of!(iotq_qemu_layout, element_in) - 52usize];
    ["Offset of field: iotq_qemu_layout::blk_name"]
        [::core::mem::offset_of!(iotq_qemu_layout, blk_name) - 56usize];
    ["Offset of field: iotq_qemu_layout::blk_device"]
        [::core::mem::offset_of!(iotq_qemu_layout, blk_device) - 60usize];
    ["Offset of field: iotq_qemu_layout::device_parent"]
        [::core::mem::offset_of!(iotq_qemu_layout, device_parent) - 64usize];
    ["Offset of field: iotq_qemu_layout::device_id"]
        [::core::mem::offset_of!(iotq_qemu_layout, device_id) - 68usize];
    ["Offset of field: iotq_qemu_layout::scsi_element"]
        [::core::mem::offset_of!(iotq_qemu_layout, scsi_element) - 72usize];
    ["Offset of field: iotq_qemu_layout::nvme_command"]
        [::core::mem::offset_of!(iotq_qemu_layout, nvme_command) - 76usize];
    ["Offset of field: iotq_qemu_layout::nvme_made_for"]
        [::core::mem::offset_of!(iotq_qemu_layout, nvme_made_for) - 80usize];
    ["Offset of field: iotq_qemu_layout::nvme_ends"]
        [::core::mem::offset_of!(iotq_qemu_layout, nvme_ends) - 84usize];
};
pub const IOTQ_REGISTER_BX: iotq_register = 0;
pub const IOTQ_REGISTER_BP: iotq_register = 1;
pub const IOTQ_REGISTER_R12: iotq_register = 2;
pub const IOTQ_REGISTER_R13: iotq_register = 3;
pub const IOTQ_REGISTER_R14: iotq_register = 4;
pub const IOTQ_REGISTER_R15: iotq_register = 5;
pub type iotq_register = ::core::ffi::c_uint;
#[repr(C)]
#[derive(
    Debug,
    Default,
    Copy,
    Clone,
    PartialEq,
    Eq,
    zerocopy :: FromBytes,
    zerocopy :: IntoBytes,
    zerocopy :: Immutable,
    zerocopy :: KnownLayout,
)]
pub struct iotq_untold {
    pub added: __u32,
    pub told: __u32,
    pub requests: [__u64; 32usize],
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of iotq_untold"][::core::mem::size_of::<iotq_untold>() - 264usize];
    ["Alignment of iotq_untold"][::core::mem::align_of::<iotq_untold>() - 8usize];
    ["Offset of field: iotq_untold::added"][::core::mem::offset_of!(iotq_untold, added) - 0usize];
    ["Offset of field: iotq_untold::told"][::core::mem::offset_of!(iotq_untold, told) - 4usize];
    ["Offset of field: iotq_untold::requests"]
        [::core::mem::offset_of!(iotq_untold, requests) - 8usize];
};
#[repr(C)]
#[derive(
    Debug,
    Default,
    Copy,
    Clone,
    PartialEq,
    Eq,
    zerocopy :: FromBytes,
    zerocopy :: IntoBytes,
    zerocopy :: Immutable,
    zerocopy :: KnownLayout,
)]
pub struct iotq_block_slot {
    pub request: __u64,
    pub queued: __u64,
    pub inserted: __u64,
    pub issued: __u64,
    pub given: __u64,
    pub driver_layer: __u32,
    pub driver_queries: __u32,
    pub record: iotq_block,
    pub driver: [__u64; 8usize],
    pub ring: [__u64; 5usize],
    pub added: __u64,
    pub ring_queries: __u32,
    pub answered: __u32,
    pub owner_count: __u16,
    pub owned: __u16,
    pub index: __u32,
    pub rest: [__u64; 4usize],
    pub owners: [__u64; 16usize],
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of iotq_block_slot"][::core::mem::size_of::<iotq_block_slot>() - 512usize];
    ["Alignment of iotq_block_slot"][::core::mem::align_of::<iotq_block_slot>() - 8usize];
    ["Offset of field: iotq_block_slot::request"]
        [::core::mem::offset_of!(iotq_block_slot, request) - 0usize];
    ["Offset of field: iotq_block_slot::queued"]
        [::core::mem::offset_of!(iotq_block_slot, queued) - 8usize];
    ["Offset of field: iotq_block_slot::inserted"]
        [::core::mem::offset_of!(iotq_block_slot, inserted) - 16usize];
    ["Offset of field: iotq_block_slot::issued"]
        [::core::mem::offset_of!(iotq_block_slot, issued) - 24usize];
    ["Offset of field: iotq_block_slot::given"]
        [::core::mem::offset_of!(iotq_block_slot, given) - 32usize];
    ["Offset of field: iotq_block_slot::driver_layer"]
        [::core::mem::offset_of!(iotq_block_slot, driver_layer) - 40usize];
    ["Offset of field: iotq_block_slot::driver_queries"]
        [::core::mem::offset_of!(iotq_block_slot, driver_queries) - 44usize];
    ["Offset of field: iotq_block_slot::record"]
        [::core::mem::offset_of!(iotq_block_slot, record) - 48usize];
    ["Offset of field: iotq_block_slot::driver"]
        [::core::mem::offset_of!(iotq_block_slot, driver) - 224usize];
    ["Offset of field: iotq_block_slot::ring"]
        [::core::mem::offset_of!(iotq_block_slot, ring) - 288usize];
    ["Offset of field: iotq_block_slot::added"]
        [::core::mem::offset_of!(iotq_block_slot, added) - 328usize];
    ["Offset of field: iotq_block_slot::ring_queries"]
        [::core::mem::offset_of!(iotq_block_slot, ring_queries) - 336usize];
    ["Offset of field: iotq_block_slot::answered"]
        [::core::mem::offset_of!(iotq_block_slot, answered) - 340usize];
    ["Offset of field: iotq_block_slot::owner_count"]
        [::core::mem::offset_of!(iotq_block_slot, owner_count) - 344usize];
    ["Offset of field: iotq_block_slot::owned"]
        [::core::mem::offset_of!(iotq_block_slot, owned) - 346usize];
    ["Offset of field: iotq_block_slot::index"]
        [::core::mem::offset_of!(iotq_block_slot, index) - 348usize];
    ["Offset of field: iotq_block_slot::rest"]
        [::core::mem::offset_of!(iotq_block_slot, rest) - 352usize];
    ["Offset of field: iotq_block_slot::owners"]
        [::core::mem::offset_of!(iotq_block_slot, owners) - 384usize];
};
#[repr(C)]
#[derive(
    Debug,
    Default,
    Copy,
    Clone,
    PartialEq,
    Eq,
    zerocopy :: FromBytes,
    zerocopy :: IntoBytes,
    zerocopy :: Immutable,
    zerocopy :: KnownLayout,
)]
pub struct iotq_syscall {
    pub head: iotq_head,
    pub task: iotq_task,
    pub number: __u32,
    pub op: __u8,
    pub kind: __u8,
    pub pad: [__u8; 2usize],
    pub fd: __u32,
    pub dev: __u32,
    pub inode: __u64,
    pub offset: __u64,
    pub size: __u64,
    pub name: [::core::ffi::c_char; 32usize],
    pub ret: __s64,
    pub lat: __u64,
    pub error: __u32,
    pub pad2: __u32,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of iotq_syscall"][::core::mem::size_of::<iotq_syscall>() - 160usize];
    ["Alignment of iotq_syscall"][::core::mem::align_of::<iotq_syscall>() - 8usize];
    ["Offset of field: iotq_syscall::head"][::core::mem::offset_of!(iotq_syscall, head) - 0usize];
    ["Offset of field: iotq_syscall::task"][::core::mem::offset_of!(iotq_syscall, task) - 16usize];
    ["Offset of field: iotq_syscall::number"]
        [::core::mem::offset_of!(iotq_syscall, number) - 64usize];
    ["Offset of field: iotq_syscall::op"][::core::mem::offset_of!(iotq_syscall, op) - 68usize];
    ["Offset of field: iotq_syscall::kind"][::core::mem::offset_of!(iotq_syscall, kind) - 69usize];
    ["Offset of field: iotq_syscall::pad"][::core::mem::offset_of!(iotq_syscall, pad) - 70usize];
    ["Offset of field: iotq_syscall::fd"][::core::mem::offset_of!(iotq_syscall, fd) - 72usize];
    ["Offset of field: iotq_syscall::dev"][::core::mem::offset_of!(iotq_syscall, dev) - 76usize];
    ["Offset of field: iotq_syscall::inode"]
        [::core::mem::offset_of!(iotq_syscall, inode) - 80usize];
    ["Offset of field: iotq_syscall::offset"]
        [::core::mem::offset_of!(iotq_syscall, offset) - 88usize];
    ["Offset of field: iotq_syscall::size"][::core::mem::offset_of!(iotq_syscall, size) - 96usize];
    ["Offset of field: iotq_syscall::name"][::core::mem::offset_of!(iotq_syscall, name) - 104usize];
    ["Offset of field: iotq_syscall::ret"][::core::mem::offset_of!(iotq_syscall, ret) - 136usize];
    ["Offset of field: iotq_syscall::lat"][::core::mem::offset_of!(iotq_syscall, lat) - 144usize];
    ["Offset of field: iotq_syscall::error"]
        [::core::mem::offset_of!(iotq_syscall, error) - 152usize];
    ["Offset of field: iotq_syscall::pad2"][::core::mem::offset_of!(iotq_syscall, pad2) - 156usize];
};
#[repr(C)]
#[derive(
    Debug,
    Default,
    Copy,
    Clone,
    PartialEq,
    Eq,
    zerocopy :: FromBytes,
    zerocopy :: IntoBytes,
    zerocopy :: Immutable,
    zerocopy :: KnownLayout,
)]
pub struct iotq_fs {
    pub head: iotq_head,
    pub task: iotq_task,
    pub op: __u8,
    pub flags: __u8,
    pub pad: [__u8; 2usize],
    pub dev: __u32,
    pub inode: __u64,
    pub offset: __u64,
    pub size: __u64,
    pub type_: [::core::ffi::c_char; 16usize],
    pub name: [::core::ffi::c_char; 32usize],
    pub ret: __s64,
    pub lat: __u64,
    pub error: __u32,
    pub pad2: __u32,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of iotq_fs"][::core::mem::size_of::<iotq_fs>() - 168usize];
    ["Alignment of iotq_fs"][::core::mem::align_of::<iotq_fs>() - 8usize];
    ["Offset of field: iotq_fs::head"][::core::mem::offset_of!(iotq_fs, head) - 0usize];
    ["Offset of field: iotq_fs::task"][::core::mem::offset_of!(iotq_fs, task) - 16usize];
    ["Offset of field: iotq_fs::op"][::core::mem::offset_of!(iotq_fs, op) - 64usize];
    ["Offset of field: iotq_fs::flags"][::core::mem::offset_of!(iotq_fs, flags) - 65usize];
    ["Offset of field: iotq_fs::pad"][::core::mem::offset_of!(iotq_fs, pad) - 66usize];
    ["Offset of field: iotq_fs::dev"][::core::mem::offset_of!(iotq_fs, dev) - 68usize];
    ["Offset of field: iotq_fs::inode"][::core::mem::offset_of!(iotq_fs, inode) - 72usize];
    ["Offset of field: iotq_fs::offset"][::core::mem::offset_of!(iotq_fs, offset) - 80usize];
    ["Offset of field: iotq_fs::size"][::core::mem::offset_of!(iotq_fs, size) - 88usize];
    ["Offset of field: iotq_fs::type_"][::core::mem::offset_of!(iotq_fs, type_) - 96usize];
    ["Offset of field: iotq_fs::name"][::core::mem::offset_of!(iotq_fs, name) - 112usize];
    ["Offset of field: iotq_fs::ret"][::core::mem::offset_of!(iotq_fs, ret) - 144usize];
    ["Offset of field: iotq_fs::lat"][::core::mem::offset_of!(iotq_fs, lat) - 152usize];
    ["Offset of field: iotq_fs::error"][::core::mem::offset_of!(iotq_fs, error) - 160usize];
    ["Offset of field: iotq_fs::pad2"][::core::mem::offset_of!(iotq_fs, pad2) - 164usize];
};
#[repr(C)]
#[derive(
    Debug,
    Default,
    Copy,
    Clone,
    PartialEq,
    Eq,
    zerocopy :: FromBytes,
    zerocopy :: IntoBytes,
    zerocopy :: Immutable,
    zerocopy :: KnownLayout,
)]
pub struct iotq_sched {
    pub head: iotq_head,
    pub task: iotq_task,
    pub cpu: __u32,
    pub next_pid: __u32,
    pub next_comm: [::core::ffi::c_char; 16usize],
    pub waker: __u32,
    pub waker_comm: [::core::ffi::c_char; 16usize],
    pub prev_pid: __u32,
    pub prev_comm: [::core::ffi::c_char; 16usize],
    pub state: __u8,
    pub pad: [__u8; 7usize],
    pub blocked: __u64,
    pub runqueue: __u64,
    pub lat: __u64,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of iotq_sched"][::core::mem::size_of::<iotq_sched>() - 160usize];
    ["Alignment of iotq_sched"][::core::mem::align_of::<iotq_sched>() - 8usize];
    ["Offset of field: iotq_sched::head"][::core::mem::offset_of!(iotq_sched, head) - 0usize];
    ["Offset of field: iotq_sched::task"][::core::mem::offset_of!(iotq_sched, task) - 16usize];
    ["Offset of field: iotq_sched::cpu"][::core::mem::offset_of!(iotq_sched, cpu) - 64usize];
    ["Offset of field: iotq_sched::next_pid"]
        [::core::mem::offset_of!(iotq_sched, next_pid) - 68usize];
    ["Offset of field: iotq_sched::next_comm"]
        [::core::mem::offset_of!(iotq_sched, next_comm) - 72usize];
    ["Offset of field: iotq_sched::waker"][::core::mem::offset_of!(iotq_sched, waker) - 88usize];
    ["Offset of field: iotq_sched::waker_comm"]
        [::core::mem::offset_of!(iotq_sched, waker_comm) - 92usize];
    ["Offset of field: iotq_sched::prev_pid"]
        [::core::mem::offset_of!(iotq_sched, prev_pid) - 108usize];
    ["Offset of field: iotq_sched::prev_comm"]
        [::core::mem::offset_of!(iotq_sched, prev_comm) - 112usize];
    ["Offset of field: iotq_sched::state"][::core::mem::offset_of!(iotq_sched, state) - 128usize];
    ["Offset of field: iotq_sched::pad"][::core::mem::offset_of!(iotq_sched, pad) - 129usize];
    ["Offset of field: iotq_sched::blocked"]
        [::core::mem::offset_of!(iotq_sched, blocked) - 136usize];
    ["Offset of field: iotq_sched::runqueue"]
        [::core::mem::offset_of!(iotq_sched, runqueue) - 144usize];
    ["Offset of field: iotq_sched::lat"][::core::mem::offset_of!(iotq_sched, lat) - 152usize];
};
#[repr(C)]
#[derive(
    Debug,
    Default,
    Copy,
    Clone,
    PartialEq,
    Eq,
    zerocopy :: FromBytes,
    zerocopy :: IntoBytes,
    zerocopy :: Immutable,
    zerocopy :: KnownLayout,
)]
pub struct iotq_cache {
    pub head: iotq_head,
    pub task: iotq_task,
    pub dev: __u32,
    pub event: __u8,
    pub pad: [__u8; 3usize],
    pub inode: __u64,
    pub offset: __u64,
    pub size: __u64,
    pub name: [::core::ffi::c_char; 32usize],
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of iotq_cache"][::core::mem::size_of::<iotq_cache>() - 128usize];
    ["Alignment of iotq_cache"][::core::mem::align_of::<iotq_cache>() - 8usize];
    ["Offset of field: iotq_cache::head"][::core::mem::offset_of!(iotq_cache, head) - 0usize];
    ["Offset of field: iotq_cache::task"][::core::mem::offset_of!(iotq_cache, task) - 16usize];
    ["Offset of field: iotq_cache::dev"][::core::mem::offset_of!(iotq_cache, dev) - 64usize];
    ["Offset of field: iotq_cache::event"][::core::mem::offset_of!(iotq_cache, event) - 68usize];
    ["Offset of field: iotq_cache::pad"][::core::mem::offset_of!(iotq_cache, pad) - 69usize];
    ["Offset of field: iotq_cache::inode"][::core::mem::offset_of!(iotq_cache, inode) - 72usize];
    ["Offset of field: iotq_cache::offset"][::core::mem::offset_of!(iotq_cache, offset) - 80usize];
    ["Offset of field: iotq_cache::size"][::core::mem::offset_of!(iotq_cache, size) - 88usize];
    ["Offset of field: iotq_cache::name"][::core::mem::offset_of!(iotq_cache, name) - 96usize];
};
pub const IOTQ_STAGE_CPU: iotq_stage = 0;
pub const IOTQ_STAGE_RUNQUEUE: iotq_stage = 1;
pub const IOTQ_STAGE_DEVICE: iotq_stage = 2;
pub const IOTQ_STAGE_QUEUE: iotq_stage = 3;
pub const IOTQ_STAGE_BLOCKED: iotq_stage = 4;
pub const IOTQ_STAGE_OTHER: iotq_stage = 5;
pub type iotq_stage = ::core::ffi::c_uint;
#[repr(C)]
#[derive(
    Debug,
    Default,
    Copy,
    Clone,
    PartialEq,
    Eq,
    zerocopy :: FromBytes,
    zerocopy :: IntoBytes,
    zerocopy :: Immutable,
    zerocopy :: KnownLayout,
)]
pub struct iotq_trail {
    pub stages: [__u64; 6usize],
    pub children: __u32,
    pub late: __u32,
    pub crowded: __u32,
    pub gone: __u32,
    pub waits: __u32,
    pub waits_crowded: __u32,
    pub calls: __u32,
    pub calls_crowded: __u32,
    pub events: __u32,
    pub pad: __u32,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of iotq_trail"][::core::mem::size_of::<iotq_trail>() - 88usize];
    ["Alignment of iotq_trail"][::core::mem::align_of::<iotq_trail>() - 8usize];
    ["Offset of field: iotq_trail::stages"][::core::mem::offset_of!(iotq_trail, stages) - 0usize];
    ["Offset of field: iotq_trail::children"]
        [::core::mem::offset_of!(iotq_trail, children) - 48usize];
    ["Offset of field: iotq_trail::late"][::core::mem::offset_of!(iotq_trail, late) - 52usize];
    ["Offset of field: iotq_trail::crowded"]
        [::core::mem::offset_of!(iotq_trail, crowded) - 56usize];
    ["Offset of field: iotq_trail::gone"][::core::mem::offset_of!(iotq_trail, gone) - 60usize];
    ["Offset of field: iotq_trail::waits"][::core::mem::offset_of!(iotq_trail, waits) - 64usize];
    ["Offset of field: iotq_trail::waits_crowded"]
        [::core::mem::offset_of!(iotq_trail, waits_crowded) - 68usize];
    ["Offset of field: iotq_trail::calls"][::core::mem::offset_of!(iotq_trail, calls) - 72usize];
    ["Offset of field: iotq_trail::calls_crowded"]
        [::core::mem::offset_of!(iotq_trail, calls_crowded) - 76usize];
    ["Offset of field: iotq_trail::events"][::core::mem::offset_of!(iotq_trail, events) - 80usize];
    ["Offset of field: iotq_trail::pad"][::core::mem::offset_of!(iotq_trail, pad) - 84usize];
};
#[repr(C)]
#[derive(
    Debug,
    Default,
    Copy,
    Clone,
    PartialEq,
    Eq,
    zerocopy :: FromBytes,
    zerocopy :: IntoBytes,
    zerocopy :: Immutable,
    zerocopy :: KnownLayout,
)]
pub struct iotq_call_root {
    pub call: iotq_syscall,
    pub trail: iotq_trail,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of iotq_call_root"][::core::mem::size_of::<iotq_call_root>() - 248usize];
    ["Alignment of iotq_call_root"][::core::mem::align_of::<iotq_call_root>() - 8usize];
    ["Offset of field: iotq_call_root::call"]
        [::core::mem::offset_of!(iotq_call_root, call) - 0usize];
    ["Offset of field: iotq_call_root::trail"]
        [::core::mem::offset_of!(iotq_call_root, trail) - 160usize];
};
#[repr(C)]
#[derive(
    Debug,
    Default,
    Copy,
    Clone,
    PartialEq,
    Eq,
    zerocopy :: FromBytes,
    zerocopy :: IntoBytes,
    zerocopy :: Immutable,
    zerocopy :: KnownLayout,
)]
pub struct iotq_qemu_root {
    pub request: iotq_qemu,
    pub trail: iotq_trail,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of iotq_qemu_root"][::core::mem::size_of::<iotq_qemu_root>() - 296usize];
    ["Alignment of iotq_qemu_root"][::core::mem::align_of::<iotq_qemu_root>() - 8usize];
    ["Offset of field: iotq_qemu_root::request"]
        [::core::mem::offset_of!(iotq_qemu_root, request) - 0usize];
    ["Offset of field: iotq_qemu_root::trail"]
        [::core::mem::offset_of!(iotq_qemu_root, trail) - 208usize];
};
pub const IOTQ_TEST_TRUE: iotq_test = 0;
pub const IOTQ_TEST_RANGE: iotq_test = 1;
pub const IOTQ_TEST_BITS: iotq_test = 2;
pub const IOTQ_TEST_TEXT: iotq_test = 3;
pub const IOTQ_TEST_SET: iotq_test = 4;
pub type iotq_test = ::core::ffi::c_uint;
#[repr(C)]
#[derive(
    Debug,
    Default,
    Copy,
    Clone,
    PartialEq,
    Eq,
    zerocopy :: FromBytes,
    zerocopy :: IntoBytes,
    zerocopy :: Immutable,
    zerocopy :: KnownLayout,
)]
pub struct iotq_term {
    pub offset: __u16,
    pub width: __u8,
    pub test: __u8,
    pub flags: __u8,
    pub query: __u8,
    pub set: __u16,
    pub a: __u64,
    pub b: __u64,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of iotq_term"][::core::mem::size_of::<iotq_term>() - 24usize];
    ["Alignment of iotq_term"][::core::mem::align_of::<iotq_term>() - 8usize];
    ["Offset of field: iotq_term::offset"][::core::mem::offset_of!(iotq_term, offset) - 0usize];
    ["Offset of field: iotq_term::width"][::core::mem::offset_of!(iotq_term, width) - 2usize];
    ["Offset of field: iotq_term::test"][::core::mem::offset_of!(iotq_term, test) - 3usize];
    ["Offset of field: iotq_term::flags"][::core::mem::offset_of!(iotq_term, flags) - 4usize];
    ["Offset of field: iotq_term::query"][::core::mem::offset_of!(iotq_term, query) - 5usize];
    ["Offset of field: iotq_term::set"][::core::mem::offset_of!(iotq_term, set) - 6usize];
    ["Offset of field: iotq_term::a"][::core::mem::offset_of!(iotq_term, a) - 8usize];
    ["Offset of field: iotq_term::b"][::core::mem::offset_of!(iotq_term, b) - 16usize];
};
#[repr(C)]
#[derive(
    Debug,
    Default,
    Copy,
    Clone,
    PartialEq,
    Eq,
    zerocopy :: FromBytes,
    zerocopy :: IntoBytes,
    zerocopy :: Immutable,
    zerocopy :: KnownLayout,
)]
pub struct iotq_table {
    pub count: __u32,
    pub pad: __u32,
    pub terms: [iotq_term; 32usize],
    pub rest: [__u64; 7usize],
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of iotq_table"][::core::mem::size_of::<iotq_table>() - 832usize];
    ["Alignment of iotq_table"][::core::mem::align_of::<iotq_table>() - 8usize];
    ["Offset of field: iotq_table::count"][::core::mem::offset_of!(iotq_table, count) - 0usize];
    ["Offset of field: iotq_table::pad"][::core::mem::offset_of!(iotq_table, pad) - 4usize];
    ["Offset of field: iotq_table::terms"][::core::mem::offset_of!(iotq_table, terms) - 8usize];
    ["Offset of field: iotq_table::rest"][::core::mem::offset_of!(iotq_table, rest) - 776usize];
};
#[repr(C)]
#[derive(
    Debug,
    Default,
    Copy,
    Clone,
    PartialEq,
    Eq,
    zerocopy :: FromBytes,
    zerocopy :: IntoBytes,
    zerocopy :: Immutable,
    zerocopy :: KnownLayout,
)]
pub struct iotq_text {
    pub value: [__u64; 2usize],
    pub mask: [__u64; 2usize],
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of iotq_text"][::core::mem::size_of::<iotq_text>() - 32usize];
    ["Alignment of iotq_text"][::core::mem::align_of::<iotq_text>() - 8usize];
    ["Offset of field: iotq_text::value"][::core::mem::offset_of!(iotq_text, value) - 0usize];
    ["Offset of field: iotq_text::mask"][::core::mem::offset_of!(iotq_text, mask) - 16usize];
};
#[repr(C)]
#[derive(
    Debug,
    Default,
    Copy,
    Clone,
    PartialEq,
    Eq,
    zerocopy :: FromBytes,
    zerocopy :: IntoBytes,
    zerocopy :: Immutable,
    zerocopy :: KnownLayout,
)]
pub struct iotq_group {
    pub rows: __u64,
    pub next: __u32,
    pub pad: __u32,
    pub words: [__u64; 30usize],
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of iotq_group"][::core::mem::size_of::<iotq_group>() - 256usize];
    ["Alignment of iotq_group"][::core::mem::align_of::<iotq_group>() - 8usize];
    ["Offset of field: iotq_group::rows"][::core::mem::offset_of!(iotq_group, rows) - 0usize];
    ["Offset of field: iotq_group::next"][::core::mem::offset_of!(iotq_group, next) - 8usize];
    ["Offset of field: iotq_group::pad"][::core::mem::offset_of!(iotq_group, pad) - 12usize];
    ["Offset of field: iotq_group::words"][::core::mem::offset_of!(iotq_group, words) - 16usize];
};
#[repr(C)]
#[derive(
    Debug,
    Default,
    Copy,
    Clone,
    PartialEq,
    Eq,
    zerocopy :: FromBytes,
    zerocopy :: IntoBytes,
    zerocopy :: Immutable,
    zerocopy :: KnownLayout,
)]
pub struct iotq_group_head {
    pub busy: __u64,
    pub last: __u32,
    pub pad: __u32,
    pub rest: [__u64; 6usize],
    pub key: [__u64; 8usize],
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of iotq_group_head"][::core::mem::size_of::<iotq_group_head>() - 128usize];
    ["Alignment of iotq_group_head"][::core::mem::align_of::<iotq_group_head>() - 8usize];
    ["Offset of field: iotq_group_head::busy"]
        [::core::mem::offset_of!(iotq_group_head, busy) - 0usize];
    ["Offset of field: iotq_group_head::last"]
        [::core::mem::offset_of!(iotq_group_head, last) - 8usize];
    ["Offset of field: iotq_group_head::pad"]
        [::core::mem::offset_of!(iotq_group_head, pad) - 12usize];
    ["Offset of field: iotq_group_head::rest"]
        [::core::mem::offset_of!(iotq_group_head, rest) - 16usize];
    ["Offset of field: iotq_group_head::key"]
        [::core::mem::offset_of!(iotq_group_head, key) - 64usize];
};
#[repr(C)]
#[derive(
    Debug,
    Default,
    Copy,
    Clone,
    PartialEq,
    Eq,
    zerocopy :: FromBytes,
    zerocopy :: IntoBytes,
    zerocopy :: Immutable,
    zerocopy :: KnownLayout,
)]
pub struct iotq_load {
    pub mask: __u64,
    pub offset: __u16,
    pub width: __u8,
    pub pad: [__u8; 5usize],
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of iotq_load"][::core::mem::size_of::<iotq_load>() - 16usize];
    ["Alignment of iotq_load"][::core::mem::align_of::<iotq_load>() - 8usize];
    ["Offset of field: iotq_load::mask"][::core::mem::offset_of!(iotq_load, mask) - 0usize];
    ["Offset of field: iotq_load::offset"][::core::mem::offset_of!(iotq_load, offset) - 8usize];
    ["Offset of field: iotq_load::width"][::core::mem::offset_of!(iotq_load, width) - 10usize];
    ["Offset of field: iotq_load::pad"][::core::mem::offset_of!(iotq_load, pad) - 11usize];
};
#[repr(C)]
#[derive(
    Debug,
    Default,
    Copy,
    Clone,
    PartialEq,
    Eq,
    zerocopy :: FromBytes,
    zerocopy :: IntoBytes,
    zerocopy :: Immutable,
    zerocopy :: KnownLayout,
)]
pub struct iotq_measure {
    pub term: iotq_term,
    pub step: __u64,
    pub keeps: __u8,
    pub cell: __u8,
    pub hist: __u8,
    pub pad: [__u8; 5usize],
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of iotq_measure"][::core::mem::size_of::<iotq_measure>() - 40usize];
    ["Alignment of iotq_measure"][::core::mem::align_of::<iotq_measure>() - 8usize];
    ["Offset of field: iotq_measure::term"][::core::mem::offset_of!(iotq_measure, term) - 0usize];
    ["Offset of field: iotq_measure::step"][::core::mem::offset_of!(iotq_measure, step) - 24usize];
    ["Offset of field: iotq_measure::keeps"]
        [::core::mem::offset_of!(iotq_measure, keeps) - 32usize];
    ["Offset of field: iotq_measure::cell"][::core::mem::offset_of!(iotq_measure, cell) - 33usize];
    ["Offset of field: iotq_measure::hist"][::core::mem::offset_of!(iotq_measure, hist) - 34usize];
    ["Offset of field: iotq_measure::pad"][::core::mem::offset_of!(iotq_measure, pad) - 35usize];
};
#[repr(C)]
#[derive(
    Debug,
    Default,
    Copy,
    Clone,
    PartialEq,
    Eq,
    zerocopy :: FromBytes,
    zerocopy :: IntoBytes,
    zerocopy :: Immutable,
    zerocopy :: KnownLayout,
)]
pub struct iotq_grouping {
    pub layer: __u8,
    pub point: __u8,
    pub query: __u8,
    pub key_words: __u8,
    pub measures: __u8,
    pub hists: __u8,
    pub pad: __u16,
    pub groups_mask: __u32,
    pub first_group: __u32,
    pub first_hist: __u32,
    pub pad2: __u32,
    pub key: [iotq_load; 8usize],
    pub kept: [iotq_measure; 8usize],
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of iotq_grouping"][::core::mem::size_of::<iotq_grouping>() - 472usize];
    ["Alignment of iotq_grouping"][::core::mem::align_of::<iotq_grouping>() - 8usize];
    ["Offset of field: iotq_grouping::layer"]
        [::core::mem::offset_of!(iotq_grouping, layer) - 0usize];
    ["Offset of field: iotq_grouping::point"]
        [::core::mem::offset_of!(iotq_grouping, point) - 1usize];
    ["Offset of field: iotq_grouping::query"]
        [::core::mem::offset_of!(iotq_grouping, query) - 2usize];
    ["Offset of field: iotq_grouping::key_words"]
        [::core::mem::offset_of!(iotq_grouping, key_words) - 3usize];
    ["Offset of field: iotq_grouping::measures"]
        [::core::mem::offset_of!(iotq_grouping, measures) - 4usize];
    ["Offset of field: iotq_grouping::hists"]
        [::core::mem::offset_of!(iotq_grouping, hists) - 5usize];
    ["Offset of field: iotq_grouping::pad"][::core::mem::offset_of!(iotq_grouping, pad) - 6usize];
    ["Offset of field: iotq_grouping::groups_mask"]
        [::core::mem::offset_of!(iotq_grouping, groups_mask) - 8usize];
    ["Offset of field: iotq_grouping::first_group"]
        [::core::mem::offset_of!(iotq_grouping, first_group) - 12usize];
    ["Offset of field: iotq_grouping::first_hist"]
        [::core::mem::offset_of!(iotq_grouping, first_hist) - 16usize];
    ["Offset of field: iotq_grouping::pad2"]
        [::core::mem::offset_of!(iotq_grouping, pad2) - 20usize];
    ["Offset of field: iotq_grouping::key"][::core::mem::offset_of!(iotq_grouping, key) - 24usize];
    ["Offset of field: iotq_grouping::kept"]
        [::core::mem::offset_of!(iotq_grouping, kept) - 152usize];
};
#[repr(C)]
#[derive(
    Debug,
    Default,
    Copy,
    Clone,
    PartialEq,
    Eq,
    zerocopy :: FromBytes,
    zerocopy :: IntoBytes,
    zerocopy :: Immutable,
    zerocopy :: KnownLayout,
)]
pub struct iotq_set_key {
    pub value: __u64,
    pub set: __u32,
    pub pad: __u32,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of iotq_set_key"][::core::mem::size_of::<iotq_set_key>() - 16usize];
    ["Alignment of iotq_set_key"][::core::mem::align_of::<iotq_set_key>() - 8usize];
    ["Offset of field: iotq_set_key::value"][::core::mem::offset_of!(iotq_set_key, value) - 0usize];
    ["Offset of field: iotq_set_key::set"][::core::mem::offset_of!(iotq_set_key, set) - 8usize];
    ["Offset of field: iotq_set_key::pad"][::core::mem::offset_of!(iotq_set_key, pad) - 12usize];
};
#[repr(C)]
#[derive(
    Debug,
    Default,
    Copy,
    Clone,
    PartialEq,
    Eq,
    zerocopy :: FromBytes,
    zerocopy :: IntoBytes,
    zerocopy :: Immutable,
    zerocopy :: KnownLayout,
)]
pub struct iotq_cgroup {
    pub id: __u64,
    pub level: __u32,
    pub bit: __u32,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of iotq_cgroup"][::core::mem::size_of::<iotq_cgroup>() - 16usize];
    ["Alignment of iotq_cgroup"][::core::mem::align_of::<iotq_cgroup>() - 8usize];
    ["Offset of field: iotq_cgroup::id"][::core::mem::offset_of!(iotq_cgroup, id) - 0usize];
    ["Offset of field: iotq_cgroup::level"][::core::mem::offset_of!(iotq_cgroup, level) - 8usize];
    ["Offset of field: iotq_cgroup::bit"][::core::mem::offset_of!(iotq_cgroup, bit) - 12usize];
};
#[repr(C)]
#[derive(
    Debug,
    Default,
    Copy,
    Clone,
    PartialEq,
    Eq,
    zerocopy :: FromBytes,
    zerocopy :: IntoBytes,
    zerocopy :: Immutable,
    zerocopy :: KnownLayout,
)]
pub struct iotq_directory {
    pub inode: __u64,
    pub dev: __u32,
    pub volume: __u32,
    pub bit: __u32,
    pub pad: __u32,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of iotq_directory"][::core::mem::size_of::<iotq_directory>() - 24usize];
    ["Alignment of iotq_directory"][::core::mem::align_of::<iotq_directory>() - 8usize];
    ["Offset of field: iotq_directory::inode"]
        [::core::mem::offset_of!(iotq_directory, inode) - 0usize];
    ["Offset of field: iotq_directory::dev"][::core::mem::offset_of!(iotq_directory, dev) - 8usize];
    ["Offset of field: iotq_directory::volume"]
        [::core::mem::offset_of!(iotq_directory, volume) - 12usize];
    ["Offset of field: iotq_directory::bit"]
        [::core::mem::offset_of!(iotq_directory, bit) - 16usize];
    ["Offset of field: iotq_directory::pad"]
        [::core::mem::offset_of!(iotq_directory, pad) - 20usize];
};
#[repr(C)]
#[derive(
    Debug,
    Default,
    Copy,
    Clone,
    PartialEq,
    Eq,
    zerocopy :: FromBytes,
    zerocopy :: IntoBytes,
    zerocopy :: Immutable,
    zerocopy :: KnownLayout,
)]
pub struct iotq_btrfs_layout {
    pub inode: __u32,
    pub root: __u32,
    pub device: __u32,
    pub pad: __u32,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of iotq_btrfs_layout"][::core::mem::size_of::<iotq_btrfs_layout>() - 16usize];
    ["Alignment of iotq_btrfs_layout"][::core::mem::align_of::<iotq_btrfs_layout>() - 4usize];
    ["Offset of field: iotq_btrfs_layout::inode"]
        [::core::mem::offset_of!(iotq_btrfs_layout, inode) - 0usize];
    ["Offset of field: iotq_btrfs_layout::root"]
        [::core::mem::offset_of!(iotq_btrfs_layout, root) - 4usize];
    ["Offset of field: iotq_btrfs_layout::device"]
        [::core::mem::offset_of!(iotq_btrfs_layout, device) - 8usize];
    ["Offset of field: iotq_btrfs_layout::pad"]
        [::core::mem::offset_of!(iotq_btrfs_layout, pad) - 12usize];
};
pub const IOTQ_STACK_PRIVATE: iotq_stack_kind = 0;
pub const IOTQ_STACK_CLONE: iotq_stack_kind = 1;
pub const IOTQ_STACK_OWNED: iotq_stack_kind = 2;
pub const IOTQ_STACK_CHAIN: iotq_stack_kind = 3;
pub type iotq_stack_kind = ::core::ffi::c_uint;
#[repr(C)]
#[derive(
    Debug,
    Default,
    Copy,
    Clone,
    PartialEq,
    Eq,
    zerocopy :: FromBytes,
    zerocopy :: IntoBytes,
    zerocopy :: Immutable,
    zerocopy :: KnownLayout,
)]
pub struct iotq_stack {
    pub ends: __u64,
    pub kind: __u32,
    pub clone: __u32,
    pub owner: __u32,
    pub upper: __u32,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of iotq_stack"][::core::mem::size_of::<iotq_stack>() - 24usize];
    ["Alignment of iotq_stack"][::core::mem::align_of::<iotq_stack>() - 8usize];
    ["Offset of field: iotq_stack::ends"][::core::mem::offset_of!(iotq_stack, ends) - 0usize];
    ["Offset of field: iotq_stack::kind"][::core::mem::offset_of!(iotq_stack, kind) - 8usize];
    ["Offset of field: iotq_stack::clone"][::core::mem::offset_of!(iotq_stack, clone) - 12usize];
    ["Offset of field: iotq_stack::owner"][::core::mem::offset_of!(iotq_stack, owner) - 16usize];
    ["Offset of field: iotq_stack::upper"][::core::mem::offset_of!(iotq_stack, upper) - 20usize];
};
#[repr(C)]
#[derive(
    Debug,
    Default,
    Copy,
    Clone,
    PartialEq,
    Eq,
    zerocopy :: FromBytes,
    zerocopy :: IntoBytes,
    zerocopy :: Immutable,
    zerocopy :: KnownLayout,
)]
pub struct iotq_call {
    pub op: __u8,
    pub flags: __u8,
    pub fd: __u8,
    pub offset: __u8,
    pub size: __u8,
    pub count: __u8,
    pub pad: [__u8; 2usize],
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of iotq_call"][::core::mem::size_of::<iotq_call>() - 8usize];
    ["Alignment of iotq_call"][::core::mem::align_of::<iotq_call>() - 1usize];
    ["Offset of field: iotq_call::op"][::core::mem::offset_of!(iotq_call, op) - 0usize];
    ["Offset of field: iotq_call::flags"][::core::mem::offset_of!(iotq_call, flags) - 1usize];
    ["Offset of field: iotq_call::fd"][::core::mem::offset_of!(iotq_call, fd) - 2usize];
    ["Offset of field: iotq_call::offset"][::core::mem::offset_of!(iotq_call, offset) - 3usize];
    ["Offset of field: iotq_call::size"][::core::mem::offset_of!(iotq_call, size) - 4usize];
    ["Offset of field: iotq_call::count"][::core::mem::offset_of!(iotq_call, count) - 5usize];
    ["Offset of field: iotq_call::pad"][::core::mem::offset_of!(iotq_call, pad) - 6usize];
};
#[repr(C)]
#[derive(
    Debug,
    Default,
    Copy,
    Clone,
    PartialEq,
    Eq,
    zerocopy :: FromBytes,
    zerocopy :: IntoBytes,
    zerocopy :: Immutable,
    zerocopy :: KnownLayout,
)]
pub struct iotq_config {
    pub self_tgid: __u32,
    pub families: __u32,
    pub cgroup_count: __u32,
    pub wakeup_bytes: __u32,
    pub wakeup_every: __u32,
    pub bios_mask: __u32,
    pub requests_mask: __u32,
    pub want_cgroup: __u8,
    pub want_uid: __u8,
    pub want_name: __u8,
    pub want_flags: __u8,
    pub want_issue: __u8,
    pub has_start: __u8,
    pub has_queue: __u8,
    pub has_end: __u8,
    pub has_driver: __u8,
    pub bio_spans: __u8,
    pub has_notify: __u8,
    pub groupings: __u8,
    pub follow: __u8,
    pub has_async: __u8,
    pub has_writeback: __u8,
    pub has_commits: __u8,
    pub want_type: __u8,
    pub want_sequence: __u8,
    pub want_origin: __u8,
    pub want_guest: __u8,
    pub want_disk: __u8,
    pub want_task: __u8,
    pub keep: __u8,
    pub follow_guests: __u8,
    pub has_lookups: __u8,
    pub tells_bios: __u8,
    pub tells_direct: __u8,
    pub stacked: __u8,
    pub pad: [__u8; 4usize],
    pub roots: __u32,
    pub joined: [__u32; 12usize],
    pub callers: __u32,
    pub directory_count: __u32,
    pub parts_mask: __u32,
    pub roots_mask: __u32,
    pub fs_mask: __u32,
    pub points: [__u16; 12usize],
    pub grouped: [__u16; 12usize],
    pub cpus: __u32,
    pub cgroups: [iotq_cgroup; 8usize],
    pub directories: [iotq_directory; 8usize],
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of iotq_config"][::core::mem::size_of::<iotq_config>() - 504usize];
    ["Alignment of iotq_config"][::core::mem::align_of::<iotq_config>() - 8usize];
    ["Offset of field: iotq_config::self_tgid"]
        [::core::mem::offset_of!(iotq_config, self_tgid) - 0usize];
    ["Offset of field: iotq_config::families"]
        [::core::mem::offset_of!(iotq_config, families) - 4usize];
    ["Offset of field: iotq_config::cgroup_count"]
        [::core::mem::offset_of!(iotq_config, cgroup_count) - 8usize];
    ["Offset of field: iotq_config::wakeup_bytes"]
        [::core::mem::offset_of!(iotq_config, wakeup_bytes) - 12usize];
    ["Offset of field: iotq_config::wakeup_every"]
        [::core::mem::offset_of!(iotq_config, wakeup_every) - 16usize];
    ["Offset of field: iotq_config::bios_mask"]
        [::core::mem::offset_of!(iotq_config, bios_mask) - 20usize];
    ["Offset of field: iotq_config::requests_mask"]
        [::core::mem::offset_of!(iotq_config, requests_mask) - 24usize];
    ["Offset of field: iotq_config::want_cgroup"]
        [::core::mem::offset_of!(iotq_config, want_cgroup) - 28usize];
    ["Offset of field: iotq_config::want_uid"]
        [::core::mem::offset_of!(iotq_config, want_uid) - 29usize];
    ["Offset of field: iotq_config::want_name"]
        [::core::mem::offset_of!(iotq_config, want_name) - 30usize];
    ["Offset of field: iotq_config::want_flags"]
        [::core::mem::offset_of!(iotq_config, want_flags) - 31usize];
    ["Offset of field: iotq_config::want_issue"]
        [::core::mem::offset_of!(iotq_config, want_issue) - 32usize];
    ["Offset of field: iotq_config::has_start"]
        [::core::mem::offset_of!(iotq_config, has_start) - 33usize];
    ["Offset of field: iotq_config::has_queue"]
        [::core::mem::offset_of!(iotq_config, has_queue) - 34usize];
    ["Offset of field: iotq_config::has_end"]
        [::core::mem::offset_of!(iotq_config, has_end) - 35usize];
    ["Offset of field: iotq_config::has_driver"]
        [::core::mem::offset_of!(iotq_config, has_driver) - 36usize];
    ["Offset of field: iotq_config::bio_spans"]
        [::core::mem::offset_of!(iotq_config, bio_spans) - 37usize];
    ["Offset of field: iotq_config::has_notify"]
        [::core::mem::offset_of!(iotq_config, has_notify) - 38usize];
    ["Offset of field: iotq_config::groupings"]
        [::core::mem::offset_of!(iotq_config, groupings) - 39usize];
    ["Offset of field: iotq_config::follow"]
        [::core::mem::offset_of!(iotq_config, follow) - 40usize];
    ["Offset of field: iotq_config::has_async"]
        [::core::mem::offset_of!(iotq_config, has_async) - 41usize];
    ["Offset of field: iotq_config::has_writeback"]
        [::core::mem::offset_of!(iotq_config, has_writeback) - 42usize];
    ["Offset of field: iotq_config::has_commits"]
        [::core::mem::offset_of!(iotq_config, has_commits) - 43usize];
    ["Offset of field: iotq_config::want_type"]
        [::core::mem::offset_of!(iotq_config, want_type) - 44usize];
    ["Offset of field: iotq_config::want_sequence"]
        [::core::mem::offset_of!(iotq_config, want_sequence) - 45usize];
    ["Offset of field: iotq_config::want_origin"]
        [::core::mem::offset_of!(iotq_config, want_origin) - 46usize];
    ["Offset of field: iotq_config::want_guest"]
        [::core::mem::offset_of!(iotq_config, want_guest) - 47usize];
    ["Offset of field: iotq_config::want_disk"]
        [::core::mem::offset_of!(iotq_config, want_disk) - 48usize];
    ["Offset of field: iotq_config::want_task"]
        [::core::mem::offset_of!(iotq_config, want_task) - 49usize];
    ["Offset of field: iotq_config::keep"][::core::mem::offset_of!(iotq_config, keep) - 50usize];
    ["Offset of field: iotq_config::follow_guests"]
        [::core::mem::offset_of!(iotq_config, follow_guests) - 51usize];
    ["Offset of field: iotq_config::has_lookups"]
        [::core::mem::offset_of!(iotq_config, has_lookups) - 52usize];
    ["Offset of field: iotq_config::tells_bios"]
        [::core::mem::offset_of!(iotq_config, tells_bios) - 53usize];
    ["Offset of field: iotq_config::tells_direct"]
        [::core::mem::offset_of!(iotq_config, tells_direct) - 54usize];
    ["Offset of field: iotq_config::stacked"]
        [::core::mem::offset_of!(iotq_config, stacked) - 55usize];
    ["Offset of field: iotq_config::pad"][::core::mem::offset_of!(iotq_config, pad) - 56usize];
    ["Offset of field: iotq_config::roots"][::core::mem::offset_of!(iotq_config, roots) - 60usize];
    ["Offset of field: iotq_config::joined"]
        [::core::mem::offset_of!(iotq_config, joined) - 64usize];
    ["Offset of field: iotq_config::callers"]
        [::core::mem::offset_of!(iotq_config, callers) - 112usize];
    ["Offset of field: iotq_config::directory_count"]
        [::core::mem::offset_of!(iotq_config, directory_count) - 116usize];
    ["Offset of field: iotq_config::parts_mask"]
        [::core::mem::offset_of!(iotq_config, parts_mask) - 120usize];
    ["Offset of field: iotq_config::roots_mask"]
        [::core::mem::offset_of!(iotq_config, roots_mask) - 124usize];
    ["Offset of field: iotq_config::fs_mask"]
        [::core::mem::offset_of!(iotq_config, fs_mask) - 128usize];
    ["Offset of field: iotq_config::points"]
        [::core::mem::offset_of!(iotq_config, points) - 132usize];
    ["Offset of field: iotq_config::grouped"]
        [::core::mem::offset_of!(iotq_config, grouped) - 156usize];
    ["Offset of field: iotq_config::cpus"][::core::mem::offset_of!(iotq_config, cpus) - 180usize];
    ["Offset of field: iotq_config::cgroups"]
        [::core::mem::offset_of!(iotq_config, cgroups) - 184usize];
    ["Offset of field: iotq_config::directories"]
        [::core::mem::offset_of!(iotq_config, directories) - 312usize];
};
#[repr(C)]
#[derive(
    Debug,
    Default,
    Copy,
    Clone,
    PartialEq,
    Eq,
    zerocopy :: FromBytes,
    zerocopy :: IntoBytes,
    zerocopy :: Immutable,
    zerocopy :: KnownLayout,
)]
pub struct iotq_counts {
    pub rejected: __u64,
    pub shipped: __u64,
    pub lost_ring: __u64,
    pub lost_slot: __u64,
    pub unmatched: __u64,
    pub approx: __u64,
    pub grouped: __u64,
    pub spilled: __u64,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of iotq_counts"][::core::mem::size_of::<iotq_counts>() - 64usize];
    ["Alignment of iotq_counts"][::core::mem::align_of::<iotq_counts>() - 8usize];
    ["Offset of field: iotq_counts::rejected"]
        [::core::mem::offset_of!(iotq_counts, rejected) - 0usize];
    ["Offset of field: iotq_counts::shipped"]
        [::core::mem::offset_of!(iotq_counts, shipped) - 8usize];
    ["Offset of field: iotq_counts::lost_ring"]
        [::core::mem::offset_of!(iotq_counts, lost_ring) - 16usize];
    ["Offset of field: iotq_counts::lost_slot"]
        [::core::mem::offset_of!(iotq_counts, lost_slot) - 24usize];
    ["Offset of field: iotq_counts::unmatched"]
        [::core::mem::offset_of!(iotq_counts, unmatched) - 32usize];
    ["Offset of field: iotq_counts::approx"]
        [::core::mem::offset_of!(iotq_counts, approx) - 40usize];
    ["Offset of field: iotq_counts::grouped"]
        [::core::mem::offset_of!(iotq_counts, grouped) - 48usize];
    ["Offset of field: iotq_counts::spilled"]
        [::core::mem::offset_of!(iotq_counts, spilled) - 56usize];
};
