//! Tasks of the project that need more than cargo.
//!
//! `cargo xtask templates` builds the eBPF object and its bindings; with `--check` it only compares them with what is
//! committed. `cargo xtask order` checks that crates use only crates that stand above them. `cargo xtask test` runs all
//! checks and tests. `cargo xtask fuzz` runs the fuzzers. `cargo xtask lab` runs cases in virtual machines, or gives a
//! shell in one.

mod fuzz;
mod lab;
mod lines;
mod order;
mod templates;
mod test;

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
    /// Run all checks and tests; the live ones need root, and Debian's packages that CONTRIBUTING.md names
    Test {
        /// A series of kernels for the VM lab beside 6.1, such as 5.10; `all` for all that are known
        #[arg(long, value_name = "SERIES")]
        kernel: Vec<String>,
    },
    /// Run the fuzzers; they need cargo-fuzz and a C++ compiler
    Fuzz(fuzz::Fuzz),
    /// The VM lab
    #[command(subcommand)]
    Lab(lab::Lab),
}

fn main() -> Result<()> {
    match Task::parse() {
        Task::Templates { check } => templates::run(check),
        Task::Order => order::run(),
        Task::Test { kernel } => test::run(&kernel),
        Task::Fuzz(fuzz) => fuzz::run(&fuzz),
        Task::Lab(lab) => lab::run(lab),
    }
}
