//! What must hold for any input, as functions of bytes: the fuzzers run them for long, the tests in short.

mod across;
mod engine;
mod expr;
mod link;
mod native;
mod plan;
mod record;
mod tape;
mod text;

pub use across::across;
pub use engine::records;
pub use link::link;
pub use native::{native, same_truth, same_value};
pub use plan::plan;
pub use record::{layer, record};
pub use tape::Tape;
pub use text::{check, parse, sides};
