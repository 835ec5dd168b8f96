//! The kernel's own account: the text of its tracepoints, in an instance of tracefs of our own.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process;

use crate::disk::quietly;

const INSTANCES: &str = "/sys/kernel/tracing/instances";

/// Tracing goes on.
pub struct Trace {
    folder: PathBuf,
    events: &'static [&'static str],
}

impl Trace {
    /// Starts, where tracefs is mounted and has the events: `block/block_rq_complete`. Times are those of the clock
    /// that iotq reads.
    pub fn start(events: &'static [&'static str]) -> Option<Self> {
        let folder = Path::new(INSTANCES).join(format!("iotq-tests-{}", process::id()));
        fs::create_dir(&folder).ok()?;
        let this = Self { folder, events };
        this.write("buffer_size_kb", "32768");
        this.write("trace_clock", "mono");
        this.write("options/record-tgid", "1");
        let there = |event: &&str| this.folder.join("events").join(event).exists();
        if !events.iter().all(there) {
            return None;
        }
        this.enable("1");
        Some(this)
    }

    /// A file in which a line of one's own is written among the events.
    pub fn marker(&self) -> PathBuf {
        self.folder.join("trace_marker")
    }

    /// Stops, and tells what happened.
    pub fn stop(self) -> String {
        self.enable("0");
        let text = fs::read(self.folder.join("trace")).unwrap();
        String::from_utf8_lossy(&text).into_owned()
    }

    fn enable(&self, how: &str) {
        for event in self.events {
            self.write(&format!("events/{event}/enable"), how);
        }
    }

    fn write(&self, file: &str, text: &str) {
        fs::write(self.folder.join(file), text).unwrap();
    }
}

/// Whether a line, `stop-72   (      1) [001] d..2.   158.231376: event: …`, was written while a thread of init was the current
/// one. There are kernels that run no tracing programs then: what is missing of such moments is not lost by iotq.
pub fn is_blind(line: &str) -> bool {
    let before_event = line.split_once(": ").map_or(line, |(head, _)| head);
    let Some((task, _)) = before_event.rsplit_once(" [") else {
        return false;
    };
    // The process is told by an option, and only of threads whose way to a CPU was traced.
    let (thread, process) = task.rsplit_once('(').unwrap_or((task, ""));
    if let Ok(process) = process.trim_matches([' ', ')']).parse::<u32>() {
        return process == 1;
    }
    let tid = thread.rsplit_once('-').map_or("", |(_, tid)| tid.trim());
    !tid.is_empty() && tid != "0" && Path::new("/proc/1/task").join(tid).exists()
}

/// How often init's threads get a CPU: whoever gets one behind them does so in such a moment, which the text of `sched_switch`
/// does not tell either. Never, on a kernel that does not count it.
pub struct TurnsOfInit(u64);

impl TurnsOfInit {
    /// They are counted from here on.
    pub fn begin() -> Self {
        Self(Self::all())
    }

    /// How many there were.
    pub fn end(self) -> u64 {
        // A thread of it that has ended is not counted any more.
        Self::all().saturating_sub(self.0)
    }

    fn all() -> u64 {
        let threads = fs::read_dir("/proc/1/task").into_iter().flatten().flatten();
        let each = threads.filter_map(|thread| schedstat(&thread.path()));
        each.map(|(_, turns)| turns).sum()
    }
}

/// Nanoseconds that a thread, by its folder, has had a CPU, and how often.
pub fn schedstat(thread: &Path) -> Option<(u64, u64)> {
    let text = fs::read_to_string(thread.join("schedstat")).ok()?;
    let mut words = text.split_whitespace();
    let time = words.next()?.parse().ok()?;
    Some((time, words.nth(1)?.parse().ok()?))
}

impl Drop for Trace {
    fn drop(&mut self) {
        // An instance is removed as an empty folder, although it has files.
        quietly("rmdir", &[self.folder.as_os_str()]);
    }
}

/// When a line of the text was written, in nanoseconds: `  fio-96  [001] .....     2.441263: event: …`
pub fn time(line: &str) -> Option<u64> {
    let mut words = line.split_whitespace();
    let stamp = words.find(|word| word.ends_with(':') && word.contains('.'))?;
    let (seconds, micros) = stamp.trim_end_matches(':').split_once('.')?;
    Some((seconds.parse::<u64>().ok()? * 1_000_000 + micros.parse::<u64>().ok()?) * 1000)
}

/// What a text tells to have been written back of files on a device, `major:minor`: inodes and bytes, sorted. Turns that wrote
/// nothing are left out. `writeback_single_inode: bdi 7:0: ino=12 … wrote=256 …`
pub fn written_back(text: &str, dev: &str) -> Vec<(u64, u64)> {
    let of = format!(" writeback_single_inode: bdi {dev}: ");
    let value = |line: &str, name: &str| -> u64 {
        let words = line.split_whitespace();
        let mut found = words.filter_map(|word| word.strip_prefix(name)?.parse().ok());
        found.next().expect(line)
    };
    let lines = text.lines().filter(|line| line.contains(&of));
    let each = lines.map(|line| (value(line, "ino="), value(line, "wrote=") << 12));
    let mut all: Vec<_> = each.filter(|(_, bytes)| *bytes > 0).collect();
    all.sort_unstable();
    all
}

/// What the journal's thread has written in each of its commits on a device, `major:minor`: sectors and bytes.
/// `jbd2_start_commit: dev 7,0 …`, `block_bio_queue: 7,0 WS 131076 + 2 [jbd2/loop0-8]`, `jbd2_end_commit: dev 7,0 …`
pub fn commits(text: &str, dev: &str) -> Vec<BTreeMap<u64, u64>> {
    let dev = dev.replace(':', ",");
    let [start, end] = ["start", "end"].map(|it| format!(": jbd2_{it}_commit: dev {dev} "));
    let bio = format!(": block_bio_queue: {dev} ");
    let mut all = Vec::new();
    let mut under_way = None::<BTreeMap<u64, u64>>;
    for line in text.lines() {
        if line.contains(&start) {
            under_way = Some(BTreeMap::new());
        } else if line.contains(&end) {
            all.extend(under_way.take());
        } else if let (Some(commit), Some((_, of))) = (&mut under_way, line.split_once(&bio))
            && of.contains(" [jbd2/")
        {
            let numbers: Vec<u64> = of.split(' ').filter_map(|word| word.parse().ok()).collect();
            commit.insert(numbers[0], numbers[1] << 9);
        }
    }
    all
}
