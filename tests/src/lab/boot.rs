//! A boot: QEMU with a kernel, an initramfs and fresh disks, within limits of time.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rustix::fs::{FallocateFlags, fallocate};
use tempfile::TempDir;

use super::case::{Case, Script};
use super::kernel::Kernel;
use super::machine::{DISK_BYTES, FORMATTED_BYTES, Machine};
use super::modules::Modules;
use super::plan::{self, BEGINS, Module, PORT, Plan};
use super::result::{self, Results};
use super::{cache, image};
use crate::command::{ends_within, run};

/// The emulator.
pub const QEMU: &str = "qemu-system-x86_64";
/// Both CPUs in one thread: with one for each, a CPU may still run code that the other has patched since.
const ACCEL: &str = "tcg,thread=single";
/// Without the instruction CMPXCHG16B: emulated, it spoils the flags now and then, and kernels from 6.12 on crash. And
/// without the promise that copying by bytes is fast: emulated, it takes eight times as long as by words.
const CPU: &str = "max,-cx16,-erms,-fsrm";
/// From the start to the first case; ten times what it takes.
const BOOT_LIMIT: Duration = Duration::from_secs(120);
/// The guest ends a script by itself when its time is over; a guest that does not is stuck.
const GRACE: Duration = Duration::from_secs(45);
/// How often the console is looked at.
const LOOK: Duration = Duration::from_millis(100);
/// The lines of the console that are shown of a guest that died.
const TAIL: usize = 60;
/// Quiet, and any fault of the kernel ends the guest.
/// On a busy machine the kernel's test whether timer interrupts come may fail: nothing is wrong with an emulated timer.
const COMMAND_LINE: &str = "console=ttyS0 quiet panic=-1 oops=panic no_timer_check rdinit=/init";

/// Modules that every machine has: the port for results.
const ALWAYS: [&str; 2] = ["virtio_pci", "virtio_console"];

/// What a boot is made of.
pub struct Boot<'a> {
    /// The kernel.
    pub kernel: &'a Kernel,
    /// Its modules.
    pub modules: &'a Modules,
    /// The devices.
    pub machine: &'a Machine,
    /// Files beside the cases that scripts use.
    pub shared: &'a [Script],
}

/// How a boot ended.
#[derive(Debug, Default)]
pub struct Ended {
    /// What was brought out.
    pub results: Results,
    /// Why the guest did not come to its end, with the tail of its console.
    pub death: Option<String>,
    /// The case that ran then.
    pub during: Option<String>,
    /// All that the console showed.
    pub console: String,
    /// From the start of QEMU to the first case.
    pub boot: Duration,
    /// From the start of QEMU to its end.
    pub whole: Duration,
}

impl Boot<'_> {
    /// Runs cases, one after the other.
    ///
    /// # Errors
    /// If it cannot be started.
    pub fn run(&self, cases: &[&Case]) -> Result<Ended> {
        let folder = folder()?;
        let plan = self.plan(cases)?;
        let console = folder.path().join("console");
        let out = folder.path().join("out");
        let mut command = self.qemu(&plan, cases, folder.path())?;
        command
            .arg("-chardev")
            .arg(format!("file,id=console,path={}", console.display()))
            .args(["-serial", "chardev:console"])
            .args(["-device", "virtio-serial-pci", "-chardev"])
            .arg(format!("file,id=out,path={}", out.display()))
            .arg("-device")
            .arg(format!("virtserialport,chardev=out,name={PORT}"));
        command.stdin(Stdio::null()).stdout(Stdio::null());
        command.stderr(File::create(folder.path().join("stderr"))?);
        let mut ended = watch(command, &console, cases)?;
        ended.results = result::read(&out);
        if ended.death.is_none() && !ended.results.complete {
            let words = fs::read_to_string(folder.path().join("stderr"))?;
            ended.death = Some(format!("the guest ended before its time {}", words.trim()));
        }
        if let Some(death) = &mut ended.death {
            let lines: Vec<_> = ended.console.lines().collect();
            let tail = lines[lines.len().saturating_sub(TAIL)..].join("\n");
            *death = format!("{death}; its console:\n{tail}");
        }
        Ok(ended)
    }

    /// Gives a person a shell on this terminal.
    ///
    /// # Errors
    /// If it cannot be started.
    pub fn shell(&self, cases: &[&Case]) -> Result<()> {
        let folder = folder()?;
        let mut plan = self.plan(cases)?;
        plan.shell = true;
        let mut command = self.qemu(&plan, cases, folder.path())?;
        command.args(["-chardev", "stdio,id=console,signal=off"]);
        command.args(["-serial", "chardev:console"]);
        command.status().context("run QEMU")?;
        Ok(())
    }

    fn plan(&self, cases: &[&Case]) -> Result<Plan> {
        let mut plan = Plan::default();
        for name in ALWAYS.iter().chain(self.machine.modules) {
            let (name, params) = ((*name).to_owned(), String::new());
            let module = Module { name, params };
            self.modules.add(&module, &[], &mut plan.modules)?;
        }
        for case in cases {
            let mut modules = Vec::new();
            for module in &case.modules {
                self.modules.add(module, &plan.modules, &mut modules)?;
            }
            plan.cases.push(plan::Case {
                name: case.name.clone(),
                modules,
                seconds: case.seconds,
            });
        }
        Ok(plan)
    }

    fn qemu(&self, plan: &Plan, cases: &[&Case], folder: &Path) -> Result<Command> {
        let initramfs = folder.join("initramfs");
        let mut scripts = self.shared.to_vec();
        let script = |case: &&Case| Script {
            file: format!("{}.sh", case.name),
            text: case.text.clone(),
        };
        scripts.extend(cases.iter().map(script));
        image::write(&initramfs, plan, self.modules, &scripts).context("pack the initramfs")?;
        // It must not outlive the test, however that ends.
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL", QEMU]);
        command.args(["-accel", ACCEL, "-machine", "q35"]);
        command.args(["-cpu", CPU, "-m", "384"]);
        command.args(self.machine.pace.options());
        command.args(["-nodefaults", "-display", "none", "-no-reboot"]);
        command.arg("-kernel").arg(&self.kernel.image);
        command.arg("-initrd").arg(&initramfs);
        command.args(["-append", COMMAND_LINE]);
        let disks = disks(self.machine, folder)?;
        for word in self.machine.devices {
            let filled = disks
                .iter()
                .enumerate()
                .fold((*word).to_owned(), |word, (n, disk)| {
                    word.replace(&format!("{{disk{n}}}"), &disk.display().to_string())
                });
            command.arg(filled);
        }
        Ok(command)
    }
}

/// The folder of a boot. Those whose processes were killed are removed with the next one.
fn folder() -> Result<TempDir> {
    let runs = cache().join("runs");
    fs::create_dir_all(&runs)?;
    for entry in fs::read_dir(&runs)?.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let pid = name.split('.').next().unwrap_or_default();
        if !Path::new("/proc").join(pid).exists() {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
    let prefix = format!("{}.", std::process::id());
    Ok(tempfile::Builder::new().prefix(&prefix).tempdir_in(runs)?)
}

/// Allocated: a read of a hole would not reach the disk.
fn disks(machine: &Machine, folder: &Path) -> Result<Vec<PathBuf>> {
    let mut makers = machine.makers();
    let disk = |n| {
        let path = folder.join(format!("disk{n}"));
        let file = File::create(&path)?;
        let maker = makers.next();
        let bytes = maker.as_ref().map_or(DISK_BYTES, |_| FORMATTED_BYTES);
        fallocate(&file, FallocateFlags::empty(), 0, bytes)?;
        if let Some(maker) = maker {
            make(&maker, &path)?;
        }
        Ok(path)
    };
    (0..machine.disks).map(disk).collect()
}

/// Makes a filesystem that old kernels know, too.
fn make(maker: &str, path: &Path) -> Result<()> {
    let options: &[&str] = match maker {
        "mkfs.ext4" => &["-q", "-O", "^metadata_csum_seed,^orphan_file"],
        _ => &["-q"],
    };
    let program = image::tool(maker).with_context(|| format!("{maker} is not installed"))?;
    let mut command = Command::new(program);
    command.args(options).arg(path);
    let ended = run(command);
    if !ended.status.success() {
        bail!("{maker}: {}", ended.stderr.trim());
    }
    Ok(())
}

/// Waits for the end, and ends what is stuck.
fn watch(mut command: Command, console: &Path, cases: &[&Case]) -> Result<Ended> {
    let begin = Instant::now();
    let mut running = Running(command.spawn().context("start QEMU")?);
    let mut ended = Ended::default();
    let (mut since, mut limit) = (begin, BOOT_LIMIT);
    while !ends_within(&running.0, LOOK) {
        let now = current(&text(console));
        if now.is_some() && now != ended.during {
            if ended.during.is_none() {
                ended.boot = begin.elapsed();
            }
            let case = cases.iter().find(|case| Some(&case.name) == now.as_ref());
            limit = GRACE + Duration::from_secs(case.map_or(0, |case| case.seconds));
            (since, ended.during) = (Instant::now(), now);
        }
        if since.elapsed() > limit {
            let what = ended
                .during
                .as_ref()
                .map_or("boot".into(), |name| format!("case {name}"));
            ended.death = Some(format!(
                "the guest is stuck: {what} took more than {limit:?}"
            ));
            break;
        }
    }
    running.end();
    ended.console = text(console);
    ended.during = current(&ended.console);
    ended.whole = begin.elapsed();
    Ok(ended)
}

fn text(console: &Path) -> String {
    let bytes = fs::read(console).unwrap_or_default();
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The case that began last.
fn current(console: &str) -> Option<String> {
    let mut lines = console.lines().rev();
    let name = lines.find_map(|line| line.split_once(BEGINS).map(|(_, name)| name.trim()));
    name.map(str::to_owned)
}

/// QEMU, ended with the test.
struct Running(Child);

impl Running {
    fn end(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.end();
    }
}
