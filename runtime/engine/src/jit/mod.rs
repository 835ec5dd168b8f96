//! Native code for what the kernel leaves to user space: conditions and values of single records.
//!
//! The meaning is the reference evaluator's, `iotq_lang::eval`; tests and a fuzzer compare the two. What the code cannot
//! do is [`Unsupported`], and is left to the evaluator.
//!
//! Types are known when code is made, so a value is a set of registers ([`value`]); that it may be null is one more. The
//! ranges of integers are followed ([`range`]), so that most arithmetic is that of 64 bits, and exact.

mod compare;
mod compiler;
mod computed;
mod condition;
mod emit;
mod entry;
mod function;
mod listing;
mod number;
mod range;
#[cfg(test)]
mod tests;
mod text;
mod value;

pub use compiler::{Compiler, Use};
pub use computed::{Computed, Condition};
pub use listing::Listing;

use cranelift_module::ModuleError;

/// Why an expression has no native code.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Unsupported {
    /// It is not about single records.
    #[error("it is about several records")]
    Several,
    /// It reads a record of another layer.
    #[error("it reads more than one record")]
    OtherRecord,
    /// Its type depends on the record.
    #[error("it mixes kinds of values")]
    Mixed,
    /// It makes texts that are longer than the room for them.
    #[error("it makes long texts")]
    LongTexts,
    /// It is a field or a constant.
    #[error("it is only read")]
    Plain,
    /// It is so large that compiling it would take long.
    #[error("it is too large")]
    TooLarge,
    /// The record has no such place.
    #[error("the layer's records do not have this field")]
    Slot,
    /// This machine does not let itself be given code.
    #[error("no code can be made here: {0}")]
    Machine(String),
}

impl From<ModuleError> for Unsupported {
    fn from(error: ModuleError) -> Self {
        Unsupported::Machine(error.to_string())
    }
}
