//! What the live tests and the benchmark share: commands with a limit, disks that clean up, requirements.

#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "it serves tests: what cannot go on panics, what is skipped is told"
)]

pub mod command;
pub mod completions;
pub mod disk;
pub mod extents;
pub mod fio;
pub mod gate;
pub mod iotq;
pub mod lab;
pub mod leftover;
pub mod link;
pub mod monitor;
pub mod needs;
pub mod qmp;
pub mod slow;
pub mod trace;

pub use command::{Ended, Started, run, start, tool};
pub use disk::{Disk, Tmpfs};
pub use iotq::{Group, Output, Row, iotq, json};
