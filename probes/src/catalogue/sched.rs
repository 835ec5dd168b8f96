//! The scheduler: why a task that does I/O was not running.

use super::SCHED_STATE;
use super::later::*;
use super::types::*;

const IN: Known = Known::At(&["in"]);

/// The layer.
pub static LAYER: Layer = Layer {
    name: "sched",
    id: 5,
    doc: "the CPU scheduler: time off the CPU and on its run queue, inside I/O operations",
    points: &[
        point("out", 1, "a task leaves its CPU"),
        point("wake", 2, "a task becomes runnable"),
        point("in", 3, "a task gets a CPU"),
    ],
    end: "in",
    fields: &[
        TIME,
        PID,
        TID,
        COMM,
        CGROUP,
        start("cpu", Type::Int, "the CPU"),
        start("state", Type::Enum(&SCHED_STATE), "why it left its CPU"),
        field(
            "next_pid",
            Type::Pid,
            Known::At(&["out", "in"]),
            "process that ran instead",
        ),
        field(
            "next_comm",
            Type::Text,
            Known::At(&["out", "in"]),
            "name of the thread that ran instead",
        ),
        field(
            "waker",
            Type::Pid,
            Known::At(&["wake", "in"]),
            "process that woke it",
        ),
        field("blocked", Type::Duration, IN, "asleep"),
        field(
            "runqueue",
            Type::Duration,
            IN,
            "runnable and waiting for a CPU",
        ),
        field("lat", Type::Duration, IN, "off the CPU: out to in"),
    ],
    columns: &[
        "time", "pid", "comm", "cpu", "state", "blocked", "runqueue", "lat",
    ],
    record: None,
    root: None,
    upkeep: &[],
    modules: &[],
    options: &[],
};
