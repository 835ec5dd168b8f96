//! A shell in a guest of the lab: `lab --kernel 6.1 --machine nvme`.

use anyhow::{Context, Result};
use clap::Parser;
use iotq_tests::lab::boot::Boot;
use iotq_tests::lab::case;
use iotq_tests::lab::kernel::{Kernel, SERIES};
use iotq_tests::lab::machine::{MACHINES, machine};
use iotq_tests::lab::modules::Modules;

#[derive(Parser)]
#[command(about = "A shell in a virtual machine")]
struct Shell {
    /// The series of the kernel
    #[arg(long, default_value = SERIES[0].0)]
    kernel: String,
    /// The machine
    #[arg(long, default_value = "plain", value_parser = MACHINES.each_ref().map(|machine| machine.name))]
    machine: String,
}

fn main() -> Result<()> {
    let shell = Shell::parse();
    let kernel = Kernel::get(&shell.kernel)?;
    let modules = Modules::of(&kernel)?;
    let machine = machine(&shell.machine).context("no such machine")?;
    let (cases, shared) = case::all()?;
    // All cases of the machine, and the modules that these want.
    let possible = |case: &&case::Case| {
        std::ptr::eq(case.machine, machine)
            && case.modules.iter().all(|each| modules.has(&each.name))
    };
    let cases: Vec<_> = cases.iter().filter(possible).collect();
    let boot = Boot {
        kernel: &kernel,
        modules: &modules,
        machine,
        shared: &shared,
    };
    boot.shell(&cases)
}
