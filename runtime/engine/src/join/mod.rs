//! Requests: what belongs to one root is put together, and becomes rows over several layers.

mod assembly;
mod row;
#[cfg(test)]
mod tests;
mod tree;

pub(crate) use assembly::{Assembly, Request};
pub(crate) use row::{Parts, Source};
pub(crate) use tree::root;
pub use tree::{Node, Parts as TreeParts, Tree};
