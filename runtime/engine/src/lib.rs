//! The engine: records of the probes → rows → sinks. No kernel, no sockets, no terminal.

pub mod beyond;
pub mod engine;
pub mod group;
pub mod jit;
mod join;
pub mod names;
pub mod record;
pub mod sink;
pub mod units;

#[cfg(test)]
mod testing;

pub use beyond::{Apart, Beyond, Crossed, Kept};
pub use engine::{Counts, Engine, Pool, Row};
pub use group::Group;
pub use join::{Node, Tree};
pub use names::{Names, NoNames};
pub use record::{Clock, Malformed, RawRecord};
pub use sink::{Sink, Summary};
