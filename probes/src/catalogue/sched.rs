//! The scheduler: the times that callers of storage spend off their CPUs, inside their calls.

use std::mem::{offset_of, size_of};

use super::made::*;
use super::types::*;
use super::{FOLLOW, SCHED_STATE, syscall};
use crate::abi::*;

const WOKEN: Known = Known::At(&["wake", "in"]);
const IN: Known = Known::At(&["in"]);

/// The layer.
pub static LAYER: Layer = Layer {
    name: "sched",
    id: 5,
    doc: "the CPU scheduler: times off the CPU, asleep or on a run queue, inside the calls of the layer `syscall`",
    points: &[
        Point {
            name: "out",
            id: 1,
            hooks: &FOLLOW,
            doc: "a caller leaves its CPU",
        },
        Point {
            name: "wake",
            id: 2,
            hooks: &FOLLOW,
            doc: "it is woken, and waits for a CPU",
        },
        Point {
            name: "in",
            id: 3,
            hooks: &FOLLOW,
            doc: "it gets a CPU",
        },
    ],
    end: "in",
    fields: &[
        time("when the point was reached"),
        pid("process"),
        tid("thread"),
        comm("name of the thread"),
        uid("user"),
        cgroup("control group (cgroup v2)"),
        start(
            "cpu",
            Type::Int,
            number(offset_of!(iotq_sched, cpu), 4),
            "the CPU that it leaves; at `in`, the one that it gets",
        ),
        start(
            "state",
            Type::Enum(&SCHED_STATE),
            number(offset_of!(iotq_sched, state), 1),
            "how it left its CPU: asleep, preempted by another thread, or runnable, when it gave way by itself",
        ),
        start(
            "next_pid",
            Type::Pid,
            number(offset_of!(iotq_sched, next_pid), 4),
            "process that got the CPU when it left; 0: none",
        ),
        start(
            "next_comm",
            Type::Text,
            Slot::Text {
                offset: offset_of!(iotq_sched, next_comm),
                len: 16,
            },
            "name of the thread that got the CPU when it left",
        ),
        field(
            "prev_pid",
            Type::Pid,
            IN,
            nullable(offset_of!(iotq_sched, prev_pid), 4),
            "process that had the CPU which it gets: for whom it waited, if it waited; 0: none",
        ),
        field(
            "prev_comm",
            Type::Text,
            IN,
            Slot::Text {
                offset: offset_of!(iotq_sched, prev_comm),
                len: 16,
            },
            "name of the thread that had the CPU which it gets",
        ),
        field(
            "waker",
            Type::Pid,
            WOKEN,
            nullable(offset_of!(iotq_sched, waker), 4),
            "process that ran where it was woken: of a completion, whoever was interrupted",
        ),
        field(
            "waker_comm",
            Type::Text,
            WOKEN,
            Slot::Text {
                offset: offset_of!(iotq_sched, waker_comm),
                len: 16,
            },
            "name of the thread that ran where it was woken: that of the journal, where its commit was waited for",
        ),
        field(
            "blocked",
            Type::Duration,
            IN,
            nullable(offset_of!(iotq_sched, blocked), 8),
            "asleep",
        ),
        field(
            "runqueue",
            Type::Duration,
            IN,
            nullable(offset_of!(iotq_sched, runqueue), 8),
            "waiting for a CPU",
        ),
        field(
            "lat",
            Type::Duration,
            IN,
            nullable(offset_of!(iotq_sched, lat), 8),
            "off the CPU: out to in, asleep or waiting",
        ),
    ],
    columns: &[
        "time",
        "pid",
        "comm",
        "cpu",
        "state",
        "prev_comm",
        "blocked",
        "runqueue",
        "lat",
    ],
    record: Some(size_of::<iotq_sched>()),
    root: None,
    upkeep: &syscall::CALLERS,
    modules: &[],
    options: &["CONFIG_HAVE_SYSCALL_TRACEPOINTS"],
};
