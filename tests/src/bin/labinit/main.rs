//! The first process of a guest in the lab: it loads modules, runs cases, sends what they leave, and powers off.

mod case;
mod kernel;
mod port;

use std::fs;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};
use iotq_tests::lab::plan::{PLAN, Plan};
use rustix::system::{RebootCommand, reboot};

fn main() {
    if let Err(error) = run() {
        kernel::say(&format!("lab: {error:#}"));
    }
    // Where this fails the first process ends, the kernel panics, and QEMU ends all the same.
    let _ = reboot(RebootCommand::PowerOff);
}

fn run() -> Result<()> {
    kernel::mount_all();
    let plan = fs::read(PLAN).context("read the plan")?;
    let plan: Plan = serde_json::from_slice(&plan).context("read the plan")?;
    for module in &plan.modules {
        kernel::load(module)?;
    }
    if plan.shell {
        return shell();
    }
    let mut port = port::open()?;
    let mut log = kernel::Log::open()?;
    for each in &plan.cases {
        case::run(each, &mut log, &mut port)?;
    }
    port::end(&mut port)
}

/// With a terminal of its own, for Ctrl-C to work.
fn shell() -> Result<()> {
    kernel::say("lab: cases are in /lab/cases, programs in /bin; exit powers off");
    let folder = Path::new("/tmp");
    let mut shell = Command::new("/bin/busybox");
    shell.args(["setsid", "cttyhack", "sh"]).arg0("busybox");
    shell.current_dir(folder).env("PATH", case::PATH);
    shell.status().context("start a shell")?;
    Ok(())
}
