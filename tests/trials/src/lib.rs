//! What must hold for any input, as functions of bytes: the fuzzers run them for long, the tests in short.

mod expr;
mod native;
mod record;
mod tape;

pub use native::{native, same_truth, same_value};
pub use record::{layer, record};
pub use tape::Tape;
