//! The iotq compiler: source → plan. Pure: no I/O, no clock, no unsafe.
//!
//! | stage | it does | it yields |
//! | --- | --- | --- |
//! | `parse` | reads the text | [`syntax`] tree |
//! | `check` | resolves names against the catalogue, types, units | [`ir::Checked`] |
//! | `lower` | decides what the kernel evaluates, and when | [`plan::Plan`] |
//! | `bind` | gives the machine's names their meaning | [`plan::Plan`] without symbols |

#![forbid(unsafe_code)]

pub mod across;
pub mod aggregate;
pub mod assist;
pub mod check;
pub mod diag;
pub mod eval;
pub mod half;
pub mod ir;
pub mod lower;
pub mod plan;
pub mod print;
pub mod source;
pub mod syntax;
pub mod value;

#[cfg(test)]
mod testing;
