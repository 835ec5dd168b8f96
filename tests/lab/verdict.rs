//! Whether a case is as its file says.

use std::fs;
use std::path::Path;

use iotq_tests::lab::boot::Ended;
use iotq_tests::lab::cache;
use iotq_tests::lab::case::Case;
use iotq_tests::lab::plan::KERNEL_LOG;
use iotq_tests::lab::result::Brought;
use regex_lite::Regex;

use crate::judge;

/// The end of a file that is shown of a case that failed.
const TAIL: usize = 20;

/// Passes, or tells what is wrong.
pub fn of(series: &str, case: &Case, ended: Result<&Ended, String>) -> Result<(), String> {
    let ended = ended?;
    let folder = cache().join("results").join(series).join(&case.name);
    let Some(brought) = ended.results.cases.get(&case.name) else {
        keep(&folder, [("console", ended.console.as_bytes())].into_iter());
        return Err(died(case, ended));
    };
    let files = brought
        .files
        .iter()
        .map(|(name, bytes)| (name.as_str(), bytes.as_slice()));
    keep(&folder, files);
    let mut wrong = brought.status.trouble.clone();
    if brought.status.exit != Some(case.exit) && wrong.is_empty() {
        wrong.push(format!(
            "exit {:?}, expected {}",
            brought.status.exit, case.exit
        ));
    }
    wrong.extend(unmatched("stdout", &case.stdout, brought));
    wrong.extend(unmatched("stderr", &case.stderr, brought));
    wrong.extend(brought.faults());
    if wrong.is_empty() {
        // A judge panics with what it finds.
        case.judges
            .iter()
            .for_each(|words| judge::judge(words, brought));
        return Ok(());
    }
    for name in ["stdout", "stderr", KERNEL_LOG] {
        wrong.push(format!("---- {name}, its end:\n{}", tail(brought, name)));
    }
    wrong.push(format!("---- all files are in {}", folder.display()));
    Err(wrong.join("\n"))
}

fn died(case: &Case, ended: &Ended) -> String {
    let during = ended.during.as_deref().unwrap_or("the boot");
    let death = ended.death.as_deref().unwrap_or("nothing was brought out");
    if during == case.name {
        format!("during this case {death}")
    } else {
        format!("not run: during {during} {death}")
    }
}

fn unmatched<'a>(
    name: &'a str,
    patterns: &'a [Regex],
    brought: &'a Brought,
) -> impl Iterator<Item = String> + 'a {
    let text = brought
        .files
        .get(name)
        .map(|bytes| String::from_utf8_lossy(bytes).into_owned());
    let text = text.unwrap_or_default();
    let missing = patterns
        .iter()
        .filter(move |pattern| !pattern.is_match(&text));
    missing.map(move |pattern| format!("{name} has nothing like {pattern}"))
}

fn tail(brought: &Brought, name: &str) -> String {
    let Some(bytes) = brought.files.get(name) else {
        return String::new();
    };
    let text = String::from_utf8_lossy(bytes);
    let lines: Vec<_> = text.lines().collect();
    lines[lines.len().saturating_sub(TAIL)..].join("\n")
}

/// For a person to look at.
fn keep<'a>(folder: &Path, files: impl Iterator<Item = (&'a str, &'a [u8])>) {
    let _ = fs::remove_dir_all(folder);
    for (name, bytes) in files {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
}
