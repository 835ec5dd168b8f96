//! Tasks of the project that need more than cargo.
//!
//! `cargo xtask templates` builds the eBPF object and its bindings; with `--check` it only compares them with what is
//! committed. `cargo xtask order` checks that crates use only crates that stand above them.

mod order;
mod templates;

use anyhow::Result;
use clap::Parser;

#[derive(Parser)]
#[command(about = "Tasks of the iotq project")]
enum Task {
    /// Build the template object, its bindings and the generated header
    Templates {
        /// Only compare with what is committed
        #[arg(long)]
        check: bool,
    },
    /// Check the order of the crates
    Order,
}

fn main() -> Result<()> {
    match Task::parse() {
        Task::Templates { check } => templates::run(check),
        Task::Order => order::run(),
    }
}
