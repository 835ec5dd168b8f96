//! The kernel's own account of requests: the text of its tracepoint `block_rq_complete`.

use std::fs;

use crate::iotq;
use crate::trace::{Trace, is_blind};

const BEGIN: &str = "iotq-tests-begin";
const END: &str = "iotq-tests-end";

/// A completion, as the kernel traced it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Completion {
    /// `major:minor` of the disk.
    pub dev: String,
    /// What it did: `RS`, `WFS`, …
    pub flags: String,
    /// Its first sector.
    pub sector: u64,
    /// Its length in sectors.
    pub sectors: u64,
    /// Whether it came in a moment in which no programs run; see [`is_blind`].
    pub blind: bool,
}

/// Tracing goes on.
pub struct Completions(Trace);

impl Completions {
    /// Starts, where tracefs is mounted.
    pub fn start() -> Option<Self> {
        Trace::start(&["block/block_rq_complete"]).map(Self)
    }

    /// A shell command that runs another one between two marks.
    pub fn marked(&self, command: &str) -> String {
        let marker = self.0.marker();
        let marker = marker.display();
        format!("echo {BEGIN} >{marker}; {command}; echo {END} >{marker}")
    }

    /// Stops, and tells what happened; between the marks, if there are any.
    pub fn stop(self) -> Vec<Completion> {
        let text = self.0.stop();
        let text = text.split_once(BEGIN).map_or(&*text, |(_, behind)| behind);
        let text = text.split_once(END).map_or(text, |(before, _)| before);
        completions(text)
    }
}

/// The completions in a text of tracefs.
pub fn completions(text: &str) -> Vec<Completion> {
    let lines = text
        .lines()
        .filter(|line| line.contains(": block_rq_complete: "));
    lines
        .map(|line| parse(line).unwrap_or_else(|| panic!("{line}")))
        .collect()
}

/// `  fio-10922   [001] ..s..  5870.506416: block_rq_complete: 254,0 RS () 36683688 + 8 be,0,4 [0]`
fn parse(line: &str) -> Option<Completion> {
    let (_, event) = line.split_once(": block_rq_complete: ")?;
    let (dev, rest) = event.split_once(' ')?;
    let (flags, rest) = rest.split_once(' ')?;
    let rest = rest.split_once(") ")?.1;
    let mut words = rest.split(' ');
    // A flush has no sector: -1.
    let sector = words.next()?.parse().unwrap_or(u64::MAX);
    let sectors = words.nth(1)?.parse().ok()?;
    Some(Completion {
        dev: dev.replace(',', ":"),
        flags: flags.into(),
        sector,
        sectors,
        blind: is_blind(line),
    })
}

/// `major:minor` of a disk.
pub fn number(disk: &str) -> String {
    let path = format!("/sys/block/{disk}/dev");
    fs::read_to_string(path).unwrap().trim().to_owned()
}

/// Those of a disk that came in a blind moment.
pub fn blind<'a>(all: &'a [Completion], dev: &'a str) -> impl Iterator<Item = &'a Completion> {
    all.iter().filter(move |each| each.blind && each.dev == dev)
}

/// How many events of a disk iotq may miss in a run: those that came in a blind moment, and those of which it says so itself.
pub fn unseen(kernel: &[Completion], disk: &str, stderr: &str) -> u64 {
    blind(kernel, &number(disk)).count() as u64 + iotq::unseen(stderr)
}
