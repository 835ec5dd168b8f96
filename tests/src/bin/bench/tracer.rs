//! A tracer beside a load: what it costs.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

use iotq_tests::gate::Gate;
use iotq_tests::trace::schedstat;
use iotq_tests::{Ended, Started, iotq, start, tool};
use serde_json::Value;

use crate::load::{Done, Load};

/// A tracer and what it is asked.
pub struct Setting {
    pub name: &'static str,
    kind: Kind,
}

enum Kind {
    Nothing,
    /// form, output in memory or nowhere, query
    Iotq(&'static str, bool, String),
    /// command, script
    Bpftrace(String, String),
}

/// Where a measurement is taken, and when it is given up.
pub struct Place<'a> {
    /// The file that is read and written.
    pub file: &'a Path,
    /// A folder in memory, for rows.
    pub rows: &'a Path,
    pub length: Duration,
    pub stop: &'a AtomicBool,
}

/// What one run gave.
#[derive(Clone, Debug, Default)]
pub struct Sample {
    pub per_second: f64,
    /// CPU time of the whole machine, in hundredths of one CPU.
    pub busy: f64,
    pub traced: Option<Traced>,
}

/// The tracer's part.
#[derive(Clone, Debug)]
pub struct Traced {
    pub bpf_ns_per_request: f64,
    /// Runs of programs.
    pub runs_per_request: f64,
    pub cpu_ns_per_request: f64,
    /// Not a number where only few records were shipped.
    pub cpu_ns_per_record: f64,
    pub lost: f64,
    pub attached_ms: f64,
    pub peak_mb: f64,
    pub steady_mb: f64,
}

const ROWS: &str = "emit time, pid, comm, op, sector, size, lat";
const JOIN: &str = "join syscall, optional fs, cache, sched, block where";
const JOINED: &str = "emit syscall.time, syscall.pid, syscall.comm, syscall.call, syscall.offset, syscall.size, \
    syscall.lat, fs.lat, cache.event, sched.lat, block.sector, block.lat";

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

/// Everything is followed on this disk, and hardly anything shipped.
pub fn all_slow(dev: &str) -> String {
    format!("{} and syscall.lat > 1s {JOINED}", joined(dev))
}

fn joined(dev: &str) -> String {
    format!("{JOIN} syscall.dev == {dev}")
}

/// The settings of a load, for a disk of this name.
pub fn settings(load: Load, dev: &str, bpftrace: Option<&str>) -> Vec<Setting> {
    let block = format!("on block.complete where dev == {dev}");
    let setting = |name, kind| Setting { name, kind };
    let iotq = |name, form, kept, query| setting(name, Kind::Iotq(form, kept, query));
    let rows = format!("{block} {ROWS}");
    let slow = format!("{block} and lat > 1s {ROWS}");
    let mut settings = vec![setting("no tracer", Kind::Nothing)];
    if matches!(load, Load::Row(_)) {
        let others = format!("{JOIN} syscall.pid == 1 {JOINED}");
        settings.extend([
            iotq("json to a tmpfs", "json", true, rows),
            iotq("all, lat > 1s", "json", true, all_slow(dev)),
            iotq(
                "all, json",
                "json",
                true,
                format!("{} {JOINED}", joined(dev)),
            ),
            iotq("all, of pid 1", "json", true, others),
        ]);
    } else {
        settings.extend([
            iotq("text to /dev/null", "text", false, rows.clone()),
            iotq("json to /dev/null", "json", false, rows.clone()),
            iotq("json to a tmpfs", "json", true, rows),
            iotq("lat > 1s", "json", false, slow),
        ]);
    }
    settings.push(iotq(
        "hist(lat)",
        "json",
        true,
        format!("{block} emit hist(lat)"),
    ));
    if let Some(command) = bpftrace {
        let script = |name, script| {
            setting(
                name,
                Kind::Bpftrace(command.into(), dialect(command, script)),
            )
        };
        settings.push(script("bpftrace printf", PRINT));
        settings.push(script("bpftrace hist", HISTOGRAM));
    }
    settings
}

/// The command of a setting, whose child waits at the gate.
fn command(setting: &Setting, rows: &Path, gate: &Gate) -> Option<Command> {
    let mut command = match &setting.kind {
        Kind::Nothing => return None,
        Kind::Iotq(form, kept, query) => {
            let mut command = iotq();
            let out = if *kept {
                &rows.join("rows")
            } else {
                Path::new("/dev/null")
            };
            command.args(["--format", form, "-e", query, "-o"]).arg(out);
            command
        }
        Kind::Bpftrace(words, script) => {
            let mut words = words.split_whitespace();
            let mut command = Command::new(words.next().unwrap());
            command.args(words).args(["-o", "/dev/null", "-e", script]);
            command
        }
    };
    command.args(["-c", &gate.command()]);
    Some(command)
}

/// Measures once; nothing if it was given up.
pub fn sample(setting: &Setting, load: Load, place: &Place) -> Option<Sample> {
    let gate = Gate::new();
    let Some(command) = command(setting, place.rows, &gate) else {
        let busy = Busy::now();
        let done = Done::of(&ended(load.start(place.file, place.length), place.stop)?);
        return Some(Sample {
            per_second: done.per_second,
            busy: busy.since(),
            traced: None,
        });
    };
    let begin = Instant::now();
    let tracer = start(command, b"");
    let open = gate.open(&tracer);
    let attached_ms = begin.elapsed().as_secs_f64() * 1e3;
    let pid = tracer_process(tracer.pid().as_raw_pid());
    let (before, busy) = (cpu_ns(pid), Busy::now());
    let running = load.start(place.file, place.length);
    sleep(place.length / 2);
    let steady_mb = memory_mb(pid, "VmRSS:");
    let done = Done::of(&ended(running, place.stop)?);
    let busy = busy.since();
    // What it has not looked at yet belongs to its work.
    sleep(Duration::from_millis(100));
    let ((bpf, runs), cpu, peak_mb) = (
        programs_paid(pid),
        cpu_ns(pid) - before,
        memory_mb(pid, "VmHWM:"),
    );
    drop(open);
    let ended = ended(tracer, place.stop)?;
    assert!(ended.status.success(), "{}", ended.stderr);
    let shipped = told(&ended.stderr, " shipped").filter(|shipped| shipped * 10.0 > done.requests);
    Some(Sample {
        per_second: done.per_second,
        busy,
        traced: Some(Traced {
            bpf_ns_per_request: bpf / done.requests,
            runs_per_request: runs / done.requests,
            cpu_ns_per_request: cpu / done.requests,
            cpu_ns_per_record: cpu / shipped.unwrap_or(f64::NAN),
            lost: told(&ended.stderr, " lost").unwrap_or_else(|| lost_events(&ended.stderr)),
            attached_ms,
            peak_mb,
            steady_mb,
        }),
    })
}

/// Waits for a command; if a signal comes before its end, it is killed.
fn ended(command: Started, stop: &AtomicBool) -> Option<Ended> {
    while command.runs() {
        if stop.load(Ordering::Relaxed) {
            return None;
        }
        sleep(Duration::from_millis(20));
    }
    Some(command.wait())
}

/// The time that the machine's CPUs have not been idle.
struct Busy {
    ticks: f64,
    at: Instant,
}

impl Busy {
    fn now() -> Self {
        let text = fs::read_to_string("/proc/stat").unwrap();
        let mut all = text.lines().next().unwrap().split_whitespace().skip(1);
        let mut next = || all.next().unwrap().parse::<f64>().unwrap();
        let (user, nice, system, _idle, _io) = (next(), next(), next(), next(), next());
        let interrupts = next() + next();
        Self {
            ticks: user + nice + system + interrupts,
            at: Instant::now(),
        }
    }

    /// Hundredths of one CPU since then. A tick is a hundredth of a second.
    fn since(&self) -> f64 {
        let now = Self::now();
        (now.ticks - self.ticks) / (now.at - self.at).as_secs_f64()
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

/// Nanoseconds, and runs, of a process's programs.
pub fn programs_paid(pid: i32) -> (f64, f64) {
    let ours = programs(pid);
    let all: Value = serde_json::from_str(&tool("bpftool", &["-j", "prog", "list"])).unwrap();
    let all = all.as_array().unwrap().iter();
    let ours = all.filter(|one| one["id"].as_u64().is_some_and(|id| ours.contains(&id)));
    let paid = ours.map(|one| {
        let number = |name: &str| one[name].as_f64().unwrap_or(0.0);
        (number("run_time_ns"), number("run_cnt"))
    });
    paid.fold((0.0, 0.0), |sum, one| (sum.0 + one.0, sum.1 + one.1))
}

/// On a CPU, all threads together.
pub fn cpu_ns(pid: i32) -> f64 {
    let tasks = fs::read_dir(format!("/proc/{pid}/task")).unwrap().flatten();
    tasks.filter_map(|task| on_cpu(&task.path())).sum()
}

/// Nanoseconds that a thread, by its folder, has had a CPU.
pub fn on_cpu(thread: &Path) -> Option<f64> {
    schedstat(thread).map(|(time, _)| time as f64)
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
