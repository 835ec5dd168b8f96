//! One case: its modules, its script within its time, and what is left behind.

use std::fs::{self, File};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use iotq_tests::command::ends_within;
use iotq_tests::lab::plan::{BEGINS, Case, KERNEL_LOG, Status, script_path};
use rustix::process::{Pid, Signal, kill_process_group};

use crate::kernel::{self, Log};
use crate::port;

pub const PATH: &str = "/bin";

/// Runs a case and sends what it leaves; an error is one of the lab, not of the case.
pub fn run(case: &Case, log: &mut Log, port: &mut File) -> Result<()> {
    kernel::say(&format!("{BEGINS}{}", case.name));
    let begin = Instant::now();
    let folder = Path::new("/out").join(&case.name);
    fs::create_dir_all(&folder)?;
    let mut status = Status::default();
    let loaded = load(case, &mut status);
    if status.trouble.is_empty() {
        script(case, &folder, &mut status)?;
    }
    let left = kernel::programs_left();
    if !left.is_empty() {
        status
            .trouble
            .push(format!("BPF programs are left: {}", left.join(", ")));
    }
    for name in loaded.iter().rev() {
        if let Err(error) = kernel::unload(name) {
            status.trouble.push(format!("{error:#}"));
        }
    }
    fs::write(folder.join(KERNEL_LOG), log.take())?;
    status.total = begin.elapsed().as_secs_f64();
    port::send(port, &case.name, &folder, &status)?;
    fs::remove_dir_all(&folder)?;
    Ok(())
}

/// The names of those that are loaded now.
fn load(case: &Case, status: &mut Status) -> Vec<String> {
    let mut loaded = Vec::new();
    for module in &case.modules {
        if let Err(error) = kernel::load(module) {
            status.trouble.push(format!("{error:#}"));
            break;
        }
        loaded.push(module.name.clone());
    }
    loaded
}

fn script(case: &Case, folder: &Path, status: &mut Status) -> Result<()> {
    let begin = Instant::now();
    let mut command = Command::new("/bin/busybox");
    command.args(["sh", "-eu", &script_path(&case.name)]);
    command.current_dir(folder).env_clear().env("PATH", PATH);
    command.stdin(Stdio::null());
    command.stdout(File::create(folder.join("stdout"))?);
    command.stderr(File::create(folder.join("stderr"))?);
    let mut child = command.process_group(0).spawn().context("start a script")?;
    if !ends_within(&child, Duration::from_secs(case.seconds)) {
        status
            .trouble
            .push(format!("not done after {}s", case.seconds));
    }
    // Whatever it started in the background goes, too.
    end(&child);
    status.exit = child.wait()?.code();
    status.seconds = begin.elapsed().as_secs_f64();
    Ok(())
}

fn end(child: &Child) {
    let _ = kill_process_group(Pid::from_child(child), Signal::KILL);
}
