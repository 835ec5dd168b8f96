//! The kernel side: gives a plan's names their meaning on this machine, installs the plan, reads its records.
//!
//! The only user of aya.

#![forbid(unsafe_code)]

pub mod btf;
pub mod encode;
mod groups;
pub mod install;
mod kept;
mod loader;
mod modules;
pub mod names;
mod privilege;
mod qemu;
pub mod running;
mod symbols;
mod unended;

pub use groups::KernelGroup;
pub use install::{
    Amiss, InstallError, Options, Standing, Survey, Surveyed, install, lists_tracepoints, verify,
};
pub use kept::{Guests, Kept};
pub use modules::{Module, module};
pub use privilege::{lacking, lockdown, privileged, raise_memlock, refusal};
pub use qemu::Qemu;
pub use running::{Counts, Running};
