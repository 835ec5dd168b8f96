//! The benchmark: what tracing costs, side by side and interleaved, as medians over several rounds. Never a test.

#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a benchmark that cannot go on says so by a panic, and tells how far it is"
)]

mod guest;
mod load;
mod report;
mod tracer;
mod unrelated;

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use clap::Parser;
use iotq_tests::{Disk, Tmpfs, tool};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

use load::Load;
use report::Table;
use tracer::{Place, Sample};

/// Measure what tracing costs, with targets beside the values.
#[derive(Parser)]
struct Args {
    /// How often each setting is measured
    #[arg(long, default_value_t = 3)]
    rounds: u32,
    /// How long each measurement lasts
    #[arg(long, value_name = "SECONDS", default_value_t = 10)]
    seconds: u32,
    /// Measure only this load: paced, full, or one of the rows, such as direct-random-12; `rows` for all of these;
    /// `calls`: what system calls pay that nobody asks for; or `guest`: what the requests of a guest in QEMU cost this machine
    #[arg(long)]
    load: Option<String>,
    /// bpftrace to compare with, a command that sees the same /tmp; by default the one in PATH, if any
    #[arg(long, value_name = "COMMAND")]
    bpftrace: Option<String>,
}

/// Room for the rows of a run.
const ROWS: u64 = 1 << 30;

const STATISTICS: &str = "/proc/sys/kernel/bpf_stats_enabled";

/// Counts the time of programs while it lives.
struct Statistics(String);

impl Statistics {
    fn on() -> Self {
        let before = fs::read_to_string(STATISTICS).unwrap();
        fs::write(STATISTICS, "1").unwrap();
        Self(before)
    }
}

impl Drop for Statistics {
    fn drop(&mut self) {
        let _ = fs::write(STATISTICS, self.0.trim());
    }
}

fn main() {
    let args = Args::parse();
    let bpftrace = args.bpftrace.clone().or_else(installed);
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [SIGHUP, SIGINT, SIGTERM] {
        signal_hook::flag::register(signal, Arc::clone(&stop)).unwrap();
    }
    if args.load.as_deref() == Some("calls") {
        return unrelated::measure(args.rounds, Duration::from_secs(args.seconds.into()));
    }
    let _statistics = Statistics::on();
    if args.load.as_deref() == Some("guest") {
        return guest::measure(args.rounds, Duration::from_secs(args.seconds.into()), &stop);
    }
    for load in Load::ALL {
        let wanted = args.load.as_deref();
        if wanted.is_none_or(|name| load.is_meant_by(name)) && !stop.load(Ordering::Relaxed) {
            measure(load, bpftrace.as_deref(), &args, &stop).print(load);
        }
    }
}

fn installed() -> Option<String> {
    let found = tool("sh", &["-c", "command -v bpftrace || true"]);
    let found = found.trim();
    (!found.is_empty()).then(|| found.to_owned())
}

/// Interleaved: what else the machine does hits all settings alike. After a signal, what there is.
fn measure(load: Load, bpftrace: Option<&str>, args: &Args, stop: &AtomicBool) -> Table {
    let (disk, rows) = (Disk::ext4(512), Tmpfs::new(ROWS));
    let place = Place {
        file: &disk.file(256),
        rows: rows.path(),
        length: Duration::from_secs(args.seconds.into()),
        stop,
    };
    let settings = tracer::settings(load, &disk.name(), bpftrace);
    let mut samples: Vec<Vec<Sample>> = settings.iter().map(|_| Vec::new()).collect();
    for round in 1..=args.rounds {
        for (setting, samples) in settings.iter().zip(&mut samples) {
            if stop.load(Ordering::Relaxed) {
                break;
            }
            eprintln!("{}, round {round}: {}", load.name(), setting.name);
            samples.extend(tracer::sample(setting, load, &place));
        }
    }
    let names = settings.iter().map(|setting| setting.name);
    Table(names.zip(samples).collect())
}
