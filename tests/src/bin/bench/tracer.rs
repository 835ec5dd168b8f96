//! A tracer beside a load: what it costs.
//!
//! Its `-c` command opens a FIFO that this program opens too: that both succeed is the moment at which it is attached, and
//! closing it ends the run.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::path::Path;
use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

use iotq_tests::{Disk, Started, iotq, start, tool};
use rustix::fs::{CWD, FileType, Mode, OFlags, mknodat};
use rustix::io::Errno;
use serde_json::Value;

use crate::load::{Done, Load};

/// A tracer and what it is asked.
pub struct Setting {
    pub name: &'static str,
    kind: Kind,
}

enum Kind {
    Nothing,
    /// form, output in memory or nowhere, condition
    Iotq(&'static str, bool, &'static str),
    /// command, script
    Bpftrace(String, String),
}

/// What one run gave.
#[derive(Clone, Debug, Default)]
pub struct Sample {
    pub per_second: f64,
    pub traced: Option<Traced>,
}

/// The tracer's part.
#[derive(Clone, Debug)]
pub struct Traced {
    pub bpf_ns_per_request: f64,
    /// Per request, where it shipped no record.
    pub cpu_ns_per_record: f64,
    pub lost: f64,
    pub attached_ms: f64,
    pub peak_mb: f64,
    pub steady_mb: f64,
}

const PRINT: &str = "tracepoint:block:block_rq_issue { @at[args.dev, args.sector] = nsecs; } \
    tracepoint:block:block_rq_complete /@at[args.dev, args.sector]/ { \
    printf(\"%d %s %d %d %d\\n\", pid, comm, args.sector, args.nr_sector, nsecs - @at[args.dev, args.sector]); \
    delete(@at[args.dev, args.sector]); } END { clear(@at); }";
const HISTOGRAM: &str = "tracepoint:block:block_rq_issue { @at[args.dev, args.sector] = nsecs; } \
    tracepoint:block:block_rq_complete /@at[args.dev, args.sector]/ { \
    @ns = hist(nsecs - @at[args.dev, args.sector]); delete(@at[args.dev, args.sector]); } END { clear(@at); }";

/// Before 0.19 bpftrace takes arguments for a pointer.
fn dialect(command: &str, script: &str) -> String {
    let version = tool("sh", &["-c", &format!("{command} --version")]);
    let minor = version
        .split_once(" v0.")
        .and_then(|(_, rest)| rest.split('.').next()?.parse::<u32>().ok());
    if minor.is_some_and(|minor| minor < 19) {
        script.replace("args.", "args->")
    } else {
        script.to_owned()
    }
}

pub fn settings(bpftrace: Option<&str>) -> Vec<Setting> {
    let setting = |name, kind| Setting { name, kind };
    let mut settings = vec![
        setting("no tracer", Kind::Nothing),
        setting("text to /dev/null", Kind::Iotq("text", false, "")),
        setting("json to /dev/null", Kind::Iotq("json", false, "")),
        setting("json to a tmpfs", Kind::Iotq("json", true, "")),
        setting("lat > 1s", Kind::Iotq("json", false, " and lat > 1s")),
    ];
    if let Some(command) = bpftrace {
        settings.push(setting(
            "bpftrace printf",
            Kind::Bpftrace(command.into(), dialect(command, PRINT)),
        ));
        settings.push(setting(
            "bpftrace hist",
            Kind::Bpftrace(command.into(), dialect(command, HISTOGRAM)),
        ));
    }
    settings
}

/// The command of a setting, whose child reads the FIFO.
fn command(setting: &Setting, disk: &Disk, fifo: &Path) -> Option<Command> {
    let child = format!("/bin/cat {}", fifo.display());
    let memory = disk.memory().join("rows");
    let mut command = match &setting.kind {
        Kind::Nothing => return None,
        Kind::Iotq(form, kept, condition) => {
            let mut command = iotq();
            let dev = disk.name();
            let out = if *kept {
                &memory
            } else {
                Path::new("/dev/null")
            };
            command.args(["--format", form, "-o"]).arg(out);
            command.arg("-e").arg(format!(
                "on block.complete where dev == {dev}{condition} emit time, pid, comm, op, sector, size, lat"
            ));
            command
        }
        Kind::Bpftrace(words, script) => {
            let mut words = words.split_whitespace();
            let mut command = Command::new(words.next().unwrap());
            command.args(words).args(["-o", "/dev/null", "-e", script]);
            command
        }
    };
    command.args(["-c", &child]);
    Some(command)
}

pub fn sample(setting: &Setting, load: Load, disk: &Disk, file: &Path, length: Duration) -> Sample {
    let dir = tempfile::tempdir().unwrap();
    let fifo = dir.path().join("gate");
    mknodat(CWD, &fifo, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
    let Some(command) = command(setting, disk, &fifo) else {
        let done = Done::of(&load.start(file, length).wait());
        return Sample {
            per_second: done.per_second,
            traced: None,
        };
    };
    let begin = Instant::now();
    let tracer = start(command, b"");
    let gate = open_gate(&fifo, &tracer);
    let attached_ms = begin.elapsed().as_secs_f64() * 1e3;
    let pid = tracer_process(tracer.pid().as_raw_pid());
    let before = cpu_ns(pid);
    let running = load.start(file, length);
    sleep(length / 2);
    let steady_mb = memory_mb(pid, "VmRSS:");
    let done = Done::of(&running.wait());
    // What it has not looked at yet belongs to its work.
    sleep(Duration::from_millis(100));
    let (bpf, cpu, peak_mb) = (
        programs_ns(pid),
        cpu_ns(pid) - before,
        memory_mb(pid, "VmHWM:"),
    );
    drop(gate);
    let ended = tracer.wait();
    assert!(ended.status.success(), "{}", ended.stderr);
    let shipped = told(&ended.stderr, " shipped").unwrap_or(done.requests);
    Sample {
        per_second: done.per_second,
        traced: Some(Traced {
            bpf_ns_per_request: bpf / done.requests,
            cpu_ns_per_record: cpu
                / if shipped > 0.0 {
                    shipped
                } else {
                    done.requests
                },
            lost: told(&ended.stderr, " lost").unwrap_or_else(|| lost_events(&ended.stderr)),
            attached_ms,
            peak_mb,
            steady_mb,
        }),
    }
}

/// Opens the FIFO when the tracer's command does.
fn open_gate(fifo: &Path, tracer: &Started) -> File {
    loop {
        let flags = OFlags::WRONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
        match rustix::fs::open(fifo, flags, Mode::empty()) {
            Ok(gate) => return gate.into(),
            Err(Errno::NXIO) => sleep(Duration::from_micros(200)),
            Err(error) => panic!("open the gate: {error}"),
        }
        assert!(tracer.runs(), "the tracer ended before it was attached");
    }
}

/// Behind a wrapper such as a shell, the process that holds programs.
fn tracer_process(pid: i32) -> i32 {
    let mut next = vec![pid];
    while let Some(pid) = next.pop() {
        if !programs(pid).is_empty() {
            return pid;
        }
        let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"));
        let children = children.unwrap_or_default();
        next.extend(
            children
                .split_whitespace()
                .filter_map(|word| word.parse::<i32>().ok()),
        );
    }
    panic!("the tracer holds no programs");
}

/// `iotq: 10 seen, 10 shipped, 0 lost, …`
fn told(text: &str, what: &str) -> Option<f64> {
    let line = text.lines().find(|line| line.contains(" seen, "))?;
    let part = line
        .split(',')
        .find(|part| part.trim_end().ends_with(what) || part.contains(what))?;
    part.split_whitespace().next()?.parse().ok()
}

/// `Lost 123 events`
fn lost_events(text: &str) -> f64 {
    let counts = text.lines().filter_map(|line| {
        let rest = &line[line.find("Lost ")? + 5..];
        rest.split_whitespace().next()?.parse::<f64>().ok()
    });
    // An empty sum of floats is -0.
    counts.fold(0.0, |sum, count| sum + count)
}

fn programs(pid: i32) -> BTreeSet<u64> {
    let infos = fs::read_dir(format!("/proc/{pid}/fdinfo"))
        .into_iter()
        .flatten()
        .flatten();
    let texts = infos.map(|info| fs::read_to_string(info.path()).unwrap_or_default());
    texts
        .filter_map(|text| {
            let id = text
                .lines()
                .find_map(|line| line.strip_prefix("prog_id:"))?;
            id.trim().parse().ok()
        })
        .collect()
}

fn programs_ns(pid: i32) -> f64 {
    let ours = programs(pid);
    let all: Value = serde_json::from_str(&tool("bpftool", &["-j", "prog", "list"])).unwrap();
    let all = all.as_array().unwrap().iter();
    all.filter(|one| one["id"].as_u64().is_some_and(|id| ours.contains(&id)))
        .filter_map(|one| one["run_time_ns"].as_f64())
        .sum()
}

/// On a CPU, all threads together.
fn cpu_ns(pid: i32) -> f64 {
    let tasks = fs::read_dir(format!("/proc/{pid}/task")).unwrap().flatten();
    let each = tasks.filter_map(|task| {
        let text = fs::read_to_string(task.path().join("schedstat")).ok()?;
        text.split_whitespace().next()?.parse::<f64>().ok()
    });
    each.sum()
}

fn memory_mb(pid: i32, what: &str) -> f64 {
    let text = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix(what))
        .unwrap();
    line.split_whitespace()
        .next()
        .unwrap()
        .parse::<f64>()
        .unwrap()
        / 1024.0
}
