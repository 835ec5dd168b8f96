//! What came out of a guest: a stream of small tar archives, one for each case, and one behind the last.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use super::plan::{END, KERNEL_LOG, STATUS, Status};

/// What a case left.
#[derive(Clone, Debug, Default)]
pub struct Brought {
    /// How it went.
    pub status: Status,
    /// Its files by name; among them `stdout`, `stderr` and [`KERNEL_LOG`].
    pub files: BTreeMap<String, Vec<u8>>,
}

impl Brought {
    /// A file as text; what it lacks fails the test.
    pub fn text(&self, name: &str) -> String {
        let bytes = self.files.get(name);
        let bytes = bytes.unwrap_or_else(|| panic!("the case left no {name}"));
        String::from_utf8_lossy(bytes).into_owned()
    }

    /// Lines of the kernel's log that tell of a fault in the kernel.
    pub fn faults(&self) -> Vec<String> {
        let signs = [
            "BUG:",
            "WARNING:",
            "Oops:",
            "Call Trace:",
            "rcu_sched",
            "blocked for more than",
        ];
        let log = self.text(KERNEL_LOG);
        let faulty = |line: &&str| signs.iter().any(|sign| line.contains(sign));
        log.lines().filter(faulty).map(str::to_owned).collect()
    }
}

/// What came out of a boot.
#[derive(Debug, Default)]
pub struct Results {
    /// By case.
    pub cases: BTreeMap<String, Brought>,
    /// All was sent.
    pub complete: bool,
}

/// Reads what there is; where the guest died, the last archive is cut off.
pub fn read(path: &Path) -> Results {
    let mut results = Results::default();
    let Ok(file) = File::open(path) else {
        return results;
    };
    let mut archive = tar::Archive::new(file);
    archive.set_ignore_zeros(true);
    let mut open: BTreeMap<String, Brought> = BTreeMap::new();
    for entry in archive.entries().into_iter().flatten() {
        let Ok(mut entry) = entry else { break };
        let Ok(path) = entry.path().map(|path| path.to_string_lossy().into_owned()) else {
            break;
        };
        if path == END {
            results.complete = true;
            break;
        }
        let Some((case, name)) = path.split_once('/') else {
            continue;
        };
        let mut bytes = Vec::new();
        if !entry.header().entry_type().is_file() || entry.read_to_end(&mut bytes).is_err() {
            continue;
        }
        let brought = open.entry(case.to_owned()).or_default();
        // The status comes last: with it the case is whole.
        if name == STATUS {
            brought.status = serde_json::from_slice(&bytes).unwrap_or_default();
            brought.files.insert(name.to_owned(), bytes);
            let brought = open.remove(case).unwrap_or_default();
            results.cases.insert(case.to_owned(), brought);
        } else {
            brought.files.insert(name.to_owned(), bytes);
        }
    }
    results
}
