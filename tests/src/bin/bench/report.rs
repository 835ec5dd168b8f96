//! The table of a load, and the targets beside it.

use crate::load::Load;
use crate::tracer::{Sample, Traced};

/// The samples of each setting.
pub struct Table(pub Vec<(&'static str, Vec<Sample>)>);

/// The setting that the targets are about.
const JUDGED: &str = "json to a tmpfs";

type Column = (&'static str, fn(&Traced) -> f64);

const COLUMNS: [Column; 6] = [
    ("BPF ns/req", |traced| traced.bpf_ns_per_request),
    ("CPU ns/rec", |traced| traced.cpu_ns_per_record),
    ("lost", |traced| traced.lost),
    ("attach ms", |traced| traced.attached_ms),
    ("peak MB", |traced| traced.peak_mb),
    ("steady MB", |traced| traced.steady_mb),
];

/// Of the same columns: at most this.
const TARGETS: [f64; 6] = [1000.0, 1000.0, 0.0, 150.0, 40.0, 10.0];

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
            "{}; medians of {rounds} rounds, statistics of programs on",
            load.about()
        );
        print!("{:<20}{:>10}{:>8}", "", "IOPS", "");
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
            print!("{name:<20}{speed:>10.0}{:>7.0}%", 100.0 * speed / free);
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
        self.judge();
        println!();
    }

    #[expect(
        clippy::print_stdout,
        reason = "the report is what this program is for"
    )]
    fn judge(&self) {
        let Some((name, samples)) = self.0.iter().find(|(name, _)| *name == JUDGED) else {
            return;
        };
        print!("targets: {name:<29}");
        for ((_, column), target) in COLUMNS.iter().zip(TARGETS) {
            let met = if of(samples, *column) <= target {
                "met"
            } else {
                "missed"
            };
            print!("{:>12}", format!("{target} {met}"));
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
