//! The fuzzers: their seeds, their words, and cargo-fuzz on the one toolchain that there is.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use clap::Args;

/// In the order in which they run; each is a file in `tests/fuzz/targets`.
const TARGETS: [&str; 7] = [
    "parse", "check", "plan", "native", "record", "link", "across",
];

/// What they bring along and what they find: nothing of it is committed.
const FOLDER: &str = "target/fuzz";

#[derive(Args)]
pub struct Fuzz {
    /// Run only these
    #[arg(value_parser = TARGETS)]
    targets: Vec<String>,
    /// How long each runs
    #[arg(long, default_value_t = 60)]
    seconds: u32,
}

/// Runs the fuzzers one after another, until one finds something.
pub fn run(fuzz: &Fuzz) -> Result<()> {
    let known = Command::new(env!("CARGO"))
        .args(["fuzz", "--version"])
        .output();
    if !known.is_ok_and(|it| it.status.success()) {
        bail!("cargo-fuzz is missing: cargo install cargo-fuzz");
    }
    let scripts = scripts()?;
    let words = Path::new(FOLDER).join("words.dict");
    fs::create_dir_all(FOLDER).with_context(|| format!("create {FOLDER}"))?;
    fs::write(&words, dictionary(&scripts)).context("write the words")?;
    for target in TARGETS {
        if fuzz.targets.is_empty() || fuzz.targets.iter().any(|it| it == target) {
            one(target, fuzz.seconds, &scripts, &words)?;
        }
    }
    Ok(())
}

fn one(target: &str, seconds: u32, scripts: &[Vec<u8>], words: &Path) -> Result<()> {
    let folder = |name: &str| Path::new(FOLDER).join(name).join(target);
    let [corpus, seeds, found] = ["corpus", "seeds", "found"].map(folder);
    for folder in [&corpus, &seeds, &found] {
        fs::create_dir_all(folder).with_context(|| format!("create {}", folder.display()))?;
    }
    let is_text = !matches!(target, "native" | "record" | "link" | "across");
    let noise: Vec<_> = (1..=64).map(|seed| noise(seed, 2000)).collect();
    let inputs = if is_text { scripts } else { &noise };
    for (index, input) in inputs.iter().enumerate() {
        fs::write(seeds.join(index.to_string()), input).context("write a seed")?;
    }
    succeeds(cargo("build", target)).with_context(|| format!("build {target}"))?;
    let mut cargo = cargo("run", target);
    cargo.args([&corpus, &seeds]);
    cargo.args(["--", &format!("-max_total_time={seconds}"), "-timeout=20"]);
    cargo.arg(format!("-artifact_prefix={}/", found.display()));
    if is_text {
        cargo.arg(format!("-dict={}", words.display()));
    } else {
        // Short inputs are mostly zeros at their end.
        cargo.args(["-len_control=0", "-max_len=6000"]);
    }
    succeeds(cargo).with_context(|| {
        format!(
            "{target} found what is in {}; in tests/cases/fuzz/{target}, every test tries it",
            found.display()
        )
    })
}

fn cargo(what: &str, target: &str) -> Command {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["fuzz", what, "--fuzz-dir", "tests/fuzz", "--target-dir"]);
    cargo.arg(Path::new(FOLDER).join("build")).arg(target);
    // cargo-fuzz wants a nightly toolchain for the sanitizer; a stable one has it, too.
    cargo.env("RUSTC_BOOTSTRAP", "1");
    cargo
}

fn succeeds(mut cargo: Command) -> Result<()> {
    let status = cargo.status().context("run cargo")?;
    ensure!(status.success(), "cargo fuzz: {status}");
    Ok(())
}

/// All scripts of the tests, the examples and the library.
fn scripts() -> Result<Vec<Vec<u8>>> {
    let mut folders: Vec<PathBuf> = ["tests/cases/lang", "examples", "stdlib"]
        .map(PathBuf::from)
        .into();
    let mut scripts = Vec::new();
    while let Some(folder) = folders.pop() {
        let entries =
            fs::read_dir(&folder).with_context(|| format!("read {}", folder.display()))?;
        for entry in entries {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|it| it == "iotq") {
                scripts.push(fs::read(&path)?);
            }
        }
    }
    Ok(scripts)
}

/// The words of some scripts, a line each: a fuzzer does not guess a keyword.
fn dictionary(scripts: &[Vec<u8>]) -> String {
    let texts = scripts.iter().map(|it| String::from_utf8_lossy(it));
    let mut words = BTreeSet::new();
    for text in texts {
        let code = text.lines().filter(|line| !line.starts_with('#'));
        let parts =
            code.flat_map(|line| line.split(|c: char| !c.is_ascii_alphanumeric() && c != '_'));
        words.extend(
            parts
                .filter(|it| (2..16).contains(&it.len()))
                .map(str::to_owned),
        );
    }
    let lines = words.iter().map(|word| format!("\"{word}\"\n"));
    lines.collect()
}

/// The same bytes for the same seed, which look like chance.
fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_ne_bytes()[3]
    };
    (0..length).map(|_| next()).collect()
}
