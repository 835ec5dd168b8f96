//! Help while a text is being written: what its words are, and what could stand at a place. Nothing here fails: a text
//! that is not finished, or wrong, is the usual case.

mod complete;
mod context;
mod highlight;
mod token;

pub use complete::{Completion, Known, Machine, complete};
pub use highlight::{Class, highlight};

#[cfg(test)]
mod tests;
