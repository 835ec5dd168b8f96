//! The table of a load, and the targets beside it.

use crate::load::Load;
use crate::tracer::{Sample, Traced};

/// The samples of each setting.
pub struct Table(pub Vec<(&'static str, Vec<Sample>)>);

type Column = (&'static str, fn(&Traced) -> f64);

/// What the statistics of programs show of a run that does nothing, at least: it is their own.
const STATISTICS_NS: f64 = 53.0;

const COLUMNS: [Column; 10] = [
    ("BPF ns/req", |traced| traced.bpf_ns_per_request),
    ("runs/req", |traced| traced.runs_per_request),
    ("CPU ns/req", |traced| traced.cpu_ns_per_request),
    ("both", |traced| {
        traced.bpf_ns_per_request + traced.cpu_ns_per_request
    }),
    ("net", |traced| {
        traced.bpf_ns_per_request + traced.cpu_ns_per_request
            - STATISTICS_NS * traced.runs_per_request
    }),
    ("CPU ns/rec", |traced| traced.cpu_ns_per_record),
    ("lost", |traced| traced.lost),
    ("attach ms", |traced| traced.attached_ms),
    ("peak MB", |traced| traced.peak_mb),
    ("steady MB", |traced| traced.steady_mb),
];

/// The settings that there are targets for, and of the same columns: at most this.
const TARGETS: [(&str, Targets); 5] = [
    (
        "json to a tmpfs",
        [
            Some(1000.0),
            None,
            None,
            None,
            None,
            Some(1000.0),
            Some(0.0),
            Some(150.0),
            Some(40.0),
            Some(10.0),
        ],
    ),
    ("hist(lat)", at_most(Some(500.0), None, None)),
    ("all, lat > 1s", at_most(None, Some(4000.0), None)),
    ("all, json", at_most(None, Some(10_000.0), None)),
    // Hardly more is done than counted, so it is told without the counting, too.
    ("all, of pid 1", at_most(None, Some(600.0), Some(600.0))),
];

type Targets = [Option<f64>; COLUMNS.len()];

const fn at_most(bpf: Option<f64>, both: Option<f64>, net: Option<f64>) -> Targets {
    let lost = Some(0.0);
    [bpf, None, None, both, net, None, lost, None, None, None]
}

pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() {
        0 => f64::NAN,
        odd if odd % 2 == 1 => values[middle],
        _ => f64::midpoint(values[middle - 1], values[middle]),
    }
}

impl Table {
    #[expect(
        clippy::print_stdout,
        reason = "the report is what this program is for"
    )]
    pub fn print(&self, load: Load) {
        let rounds = self
            .0
            .iter()
            .map(|(_, samples)| samples.len())
            .max()
            .unwrap_or(0);
        println!(
            "{}; medians of {rounds} rounds, statistics of programs on; busy: all that runs, 100 is one CPU",
            load.about()
        );
        print!("{:<20}{:>10}{:>8}{:>8}", "", "IOPS", "", "busy");
        for (name, _) in COLUMNS {
            print!("{name:>12}");
        }
        println!();
        let free = self
            .0
            .first()
            .map_or(f64::NAN, |(_, samples)| speed(samples));
        for (name, samples) in &self.0 {
            let speed = speed(samples);
            let busy = median(samples.iter().map(|sample| sample.busy).collect());
            print!(
                "{name:<20}{speed:>10.0}{:>7.0}%{busy:>8.0}",
                100.0 * speed / free
            );
            for (_, column) in COLUMNS {
                let value = of(samples, column);
                if value.is_nan() {
                    print!("{:>12}", "-");
                } else {
                    print!(
                        "{value:>12.*}",
                        usize::from(value < 100.0 && value.fract() != 0.0)
                    );
                }
            }
            println!();
        }
        for (judged, targets) in &TARGETS {
            self.judge(judged, targets);
        }
        println!();
    }

    #[expect(
        clippy::print_stdout,
        reason = "the report is what this program is for"
    )]
    fn judge(&self, judged: &str, targets: &Targets) {
        let Some((name, samples)) = self.0.iter().find(|(name, _)| *name == judged) else {
            return;
        };
        print!("targets: {name:<37}");
        for ((_, column), target) in COLUMNS.iter().zip(targets) {
            let met = if target.is_some_and(|target| of(samples, *column) <= target) {
                "met"
            } else {
                "missed"
            };
            let told = target.map_or("-".into(), |target| format!("{target} {met}"));
            print!("{told:>12}");
        }
        println!();
    }
}

fn speed(samples: &[Sample]) -> f64 {
    median(samples.iter().map(|sample| sample.per_second).collect())
}

fn of(samples: &[Sample], column: fn(&Traced) -> f64) -> f64 {
    let traced = samples.iter().filter_map(|sample| sample.traced.as_ref());
    median(traced.map(column).collect())
}
