//! Cases: shell scripts whose first comments say what they need and what must come of them.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use regex_lite::{Regex, RegexBuilder};

use super::machine::{Machine, machine};
use super::plan::Module;

/// Where they are.
pub const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/cases/lab");
/// The longest that a script may run, unless it says otherwise.
const SECONDS: u64 = 30;

/// A case.
#[derive(Debug)]
pub struct Case {
    /// The name of its file, without ending.
    pub name: String,
    /// The whole file.
    pub text: String,
    /// Where it runs.
    pub machine: &'static Machine,
    /// What is loaded for it alone.
    pub modules: Vec<Module>,
    /// Options of the kernel's configuration without which it makes no sense.
    pub needs: Vec<String>,
    /// Its limit.
    pub seconds: u64,
    /// How it must end.
    pub exit: i32,
    /// Each must be found in what it prints.
    pub stdout: Vec<Regex>,
    /// Each must be found in its messages.
    pub stderr: Vec<Regex>,
    /// Functions that look at the files that it left, each with its words.
    pub judges: Vec<Vec<String>>,
}

/// A file in the guest's folder of cases.
#[derive(Clone, Debug)]
pub struct Script {
    /// Its name, with ending.
    pub file: String,
    /// Its content.
    pub text: String,
}

/// All cases, and the other files beside them that scripts use.
///
/// # Errors
/// If one cannot be read.
pub fn all() -> Result<(Vec<Case>, Vec<Script>)> {
    let (mut cases, mut shared) = (Vec::new(), Vec::new());
    let mut paths: Vec<_> = fs::read_dir(FOLDER)?
        .flatten()
        .map(|entry| entry.path())
        .collect();
    paths.sort();
    for path in paths {
        let text = fs::read_to_string(&path)?;
        let file = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        match path.extension().and_then(|end| end.to_str()) {
            Some("sh") => {
                cases.push(parse(&path, text).with_context(|| format!("case {file}"))?);
            }
            _ => shared.push(Script { file, text }),
        }
    }
    Ok((cases, shared))
}

fn parse(path: &Path, text: String) -> Result<Case> {
    let mut case = Case {
        name: path
            .file_stem()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned(),
        machine: machine("plain").context("the plain machine")?,
        modules: Vec::new(),
        needs: Vec::new(),
        seconds: SECONDS,
        exit: 0,
        stdout: Vec::new(),
        stderr: Vec::new(),
        judges: Vec::new(),
        text: String::new(),
    };
    let header = text.lines().take_while(|line| line.starts_with('#'));
    for line in header {
        let Some((key, value)) = line[1..].trim().split_once(": ") else {
            continue;
        };
        // A sentence is for the reader.
        if key.contains(' ') {
            continue;
        }
        directive(&mut case, key, value.trim()).with_context(|| line.to_owned())?;
    }
    case.text = text;
    Ok(case)
}

fn directive(case: &mut Case, key: &str, value: &str) -> Result<()> {
    match key {
        "machine" => case.machine = machine(value).context("no such machine")?,
        "modules" => case.modules.push(module(value)),
        "needs" => {
            ensure!(
                value.starts_with("CONFIG_"),
                "an option of the kernel's configuration"
            );
            case.needs.push(value.into());
        }
        "timeout" => {
            let seconds = value.strip_suffix('s').context("seconds, such as 20s")?;
            case.seconds = seconds.parse()?;
        }
        "exit" => case.exit = value.parse()?,
        "stdout" => case.stdout.push(pattern(value)?),
        "stderr" => case.stderr.push(pattern(value)?),
        "judge" => {
            let words = value.split_whitespace().map(str::to_owned);
            case.judges.push(words.collect());
        }
        _ => bail!("no such directive"),
    }
    Ok(())
}

/// `^` and `$` are the ends of lines.
fn pattern(text: &str) -> Result<Regex> {
    let mut pattern = RegexBuilder::new(text);
    Ok(pattern.multi_line(true).build()?)
}

/// `scsi_debug delay=3`
fn module(text: &str) -> Module {
    let (name, params) = text.split_once(' ').unwrap_or((text, ""));
    Module {
        name: name.replace('-', "_"),
        params: params.trim().into(),
    }
}
