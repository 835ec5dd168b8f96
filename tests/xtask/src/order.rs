//! Crates form one line: each may use only crates that stand above it.

use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

/// From the top down. `xtask` stands beside the line: it may use everything, and nothing may use it.
const ORDER: [&str; 6] = [
    "iotq-probes",
    "iotq-lang",
    "iotq-engine",
    "iotq-kernel",
    "iotq-link",
    "iotq",
];
const TOOLS: [&str; 3] = ["xtask", "iotq-tests", "iotq-trials"];

/// Checks the dependencies that `cargo metadata` reports.
pub fn run() -> Result<()> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version=1", "--no-deps"])
        .output()
        .context("run cargo metadata")?;
    ensure!(
        output.status.success(),
        "cargo metadata: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    let metadata: Value = serde_json::from_slice(&output.stdout).context("parse cargo metadata")?;
    let mut wrong = Vec::new();
    for package in metadata["packages"].as_array().context("packages")? {
        let name = package["name"].as_str().context("name")?;
        for dependency in package["dependencies"].as_array().context("dependencies")? {
            let used = dependency["name"].as_str().context("name")?;
            if dependency["kind"] != Value::Null || TOOLS.contains(&name) {
                continue;
            }
            wrong.extend(fault(name, used));
        }
    }
    if !wrong.is_empty() {
        bail!(
            "the order of the crates is broken:\n  {}",
            wrong.join("\n  ")
        );
    }
    println!("order: {}", ORDER.join(" < "));
    Ok(())
}

fn fault(name: &str, used: &str) -> Option<String> {
    let rank = |name| ORDER.iter().position(|crate_name| *crate_name == name);
    match (rank(name), rank(used)) {
        (None, _) => Some(format!("{name} has no place in the order")),
        (Some(own), Some(other)) if other >= own => {
            Some(format!("{name} uses {used}, which stands below it"))
        }
        (Some(own), None) if used == "aya" && ORDER[own] != "iotq-kernel" => {
            Some(format!("{name} uses aya, which only iotq-kernel may"))
        }
        (Some(_), None) if used == "anyhow" && name != "iotq" => {
            Some(format!("{name} uses anyhow, a library must not"))
        }
        _ => None,
    }
}
