//! The VM lab: its cases on chosen kernels, or a shell in a guest.

use std::process::Command;

use anyhow::{Context, Result, ensure};
use clap::Subcommand;

#[derive(Subcommand)]
pub enum Lab {
    /// Run cases in virtual machines
    Run {
        /// A series of kernels, such as 5.10; several times for several; `all` for all that are known
        #[arg(long, value_name = "SERIES")]
        kernel: Vec<String>,
        /// Run only cases with this in their names
        filter: Option<String>,
    },
    /// Get a shell in a virtual machine
    Shell {
        /// The series of the kernel
        #[arg(long, default_value = "6.1")]
        kernel: String,
        /// The machine, such as nvme
        #[arg(long, default_value = "plain")]
        machine: String,
    },
}

pub fn run(lab: Lab) -> Result<()> {
    let mut cargo = Command::new(env!("CARGO"));
    match lab {
        Lab::Run { kernel, filter } => {
            cargo.args([
                "test",
                "--release",
                "-p",
                "iotq-tests",
                "--test",
                "lab",
                "--",
            ]);
            cargo.args(filter);
            if !kernel.is_empty() {
                cargo.env("IOTQ_LAB_KERNELS", kernel.join(" "));
            }
        }
        Lab::Shell { kernel, machine } => {
            // The guest gets these programs, too.
            let mut build = Command::new(env!("CARGO"));
            build.args([
                "build",
                "--release",
                "-p",
                "iotq",
                "-p",
                "iotq-tests",
                "--bins",
            ]);
            succeeds(build)?;
            cargo.args([
                "run",
                "--quiet",
                "--release",
                "-p",
                "iotq-tests",
                "--bin",
                "lab",
                "--",
            ]);
            cargo.args(["--kernel", &kernel, "--machine", &machine]);
        }
    }
    succeeds(cargo)
}

fn succeeds(mut command: Command) -> Result<()> {
    let status = command.status().context("run cargo")?;
    ensure!(status.success(), "{command:?}: {status}");
    Ok(())
}
