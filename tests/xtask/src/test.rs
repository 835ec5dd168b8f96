//! All checks and tests, the fast ones first.

use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result, ensure};

/// Name and words of every step after the formatting.
const STEPS: [(&str, &[&str]); 7] = [
    ("format", &["fmt", "--all", "--check"]),
    (
        "lint",
        &[
            "clippy",
            "--workspace",
            "--all-targets",
            "--",
            "-D",
            "warnings",
        ],
    ),
    ("order of the crates", &["xtask", "order"]),
    (
        "units and cases",
        &["test", "--workspace", "--exclude", "iotq-tests"],
    ),
    ("templates", &["xtask", "templates", "--check"]),
    (
        "live",
        &["test", "--release", "-p", "iotq-tests", "--test", "live"],
    ),
    (
        "virtual machines",
        &["test", "--release", "-p", "iotq-tests", "--test", "lab"],
    ),
];

/// Runs every step until one fails. `kernels`: those of the lab, beside the one that is always tested.
pub fn run(kernels: &[String]) -> Result<()> {
    let kernels = format!("6.1 {}", kernels.join(" "));
    let started = Instant::now();
    for (name, words) in STEPS {
        println!("==== {name}: cargo {}", words.join(" "));
        let step = Instant::now();
        let status = Command::new(env!("CARGO"))
            .args(words)
            .env("IOTQ_LAB_KERNELS", &kernels)
            .status()
            .with_context(|| format!("run {name}"))?;
        ensure!(status.success(), "{name} failed: cargo {}", words.join(" "));
        println!(
            "==== {name}: passed in {:.0}s",
            step.elapsed().as_secs_f64()
        );
    }
    println!("==== all passed in {:.0}s", started.elapsed().as_secs_f64());
    Ok(())
}
