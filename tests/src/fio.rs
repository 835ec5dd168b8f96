//! fio: the workload whose requests are known, because it logs what it issues.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::Disk;

/// Random reads of 4 KiB.
#[derive(Clone, Debug)]
pub struct Reads<'a> {
    /// The file or device.
    pub target: &'a Path,
    /// `psync`, `libaio`, `io_uring`.
    pub engine: &'a str,
    /// Requests in flight in each thread.
    pub depth: u32,
    /// Threads, each with a job and a log of its own.
    pub threads: u32,
    /// Requests of each thread.
    pub each: u32,
    /// A folder in memory, for the logs.
    pub memory: &'a Path,
}

impl Reads<'_> {
    /// The command line. Each thread is a section, so that each has its own log.
    pub fn line(&self) -> String {
        let Self {
            target,
            engine,
            depth,
            each,
            ..
        } = self;
        let mut line = format!(
            "fio --thread --group_reporting --minimal --filename={} --size=128M --rw=randread --bs=4k --direct=1 \
             --ioengine={engine} --iodepth={depth} --number_ios={each} --output={}",
            target.display(),
            // Its standard output is that of iotq.
            self.memory.join("fio.out").display(),
        );
        for thread in 0..self.threads {
            let log = self.log(thread);
            line += &format!(
                " --name=t{thread} --randseed={} --write_iolog={}",
                thread + 1,
                log.display()
            );
        }
        line
    }

    /// The offsets that it issued, in bytes.
    pub fn issued(&self) -> Vec<u64> {
        let logs = (0..self.threads).map(|thread| fs::read_to_string(self.log(thread)));
        let lines = logs.flat_map(|log| {
            let log = log.expect("fio wrote its log");
            log.lines().filter_map(offset).collect::<Vec<_>>()
        });
        lines.collect()
    }

    /// The log of a thread.
    pub fn log(&self, thread: u32) -> PathBuf {
        self.memory.join(format!("issued.{thread}"))
    }
}

/// `/mnt/data read 4096 4096`, in newer versions with the time in front.
fn offset(line: &str) -> Option<u64> {
    let words: Vec<_> = line.split_whitespace().collect();
    match words[..] {
        [.., "read", offset, "4096"] => offset.parse().ok(),
        _ => None,
    }
}

/// fio's own counts of reads, writes and syncs, from its report on a disk's memory.
pub fn counted(disk: &Disk) -> [u64; 3] {
    let report = fs::read_to_string(disk.memory().join("fio.json")).unwrap();
    let json: Value = serde_json::from_str(&report).unwrap();
    let jobs = json["jobs"].as_array().unwrap();
    ["read", "write", "sync"].map(|way| {
        let count = |job: &Value| job[way]["total_ios"].as_u64().unwrap();
        jobs.iter().map(count).sum()
    })
}

/// How many of what fio counts were not found; none is found twice.
pub fn missing(disk: &Disk, found: [u64; 3]) -> u64 {
    let made = counted(disk);
    let each = made.iter().zip(found);
    let missing = each.map(|(made, found)| made.checked_sub(found));
    let missing: Option<u64> = missing.sum();
    missing.unwrap_or_else(|| panic!("{found:?} of {made:?}"))
}
