//! The kernel side: gives a plan's names their meaning on this machine, installs the plan, reads its records.
//!
//! The only user of aya.

#![forbid(unsafe_code)]

pub mod btf;
pub mod encode;
pub mod install;
pub mod names;
mod privilege;
pub mod running;
mod unended;

pub use install::{Amiss, InstallError, Options, install, offers, replaced};
pub use privilege::privileged;
pub use running::{Counts, Running};
