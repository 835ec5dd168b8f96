//! Judges of what a case brought out, where patterns do not suffice: `# judge: NAME WORDS`.

mod block;
mod cache;
mod delay;
mod doctor;
mod fs;
mod groups;
mod names;
mod nvme;
mod request;
mod scsi;
mod syscall;
mod virtio;

use std::fmt::Debug;
use std::ops::Range;

use iotq_tests::lab::result::Brought;
use iotq_tests::{Output, Row};

/// Panics with what is wrong.
pub fn judge(words: &[String], brought: &Brought) {
    // What the kernel lacks was said as it should be, and there is nothing else.
    if brought.files.contains_key("refused") {
        return;
    }
    let words: Vec<_> = words.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["requests"] => block::requests(brought),
        ["requests", "below"] => block::requests_below(brought),
        ["completions"] => block::completions(brought),
        ["times", field, from, to] => delay::times(brought, field, from, to),
        ["median", field, nominal] => delay::median(brought, field, nominal),
        ["mostly", field, nominal] => delay::mostly(brought, field, nominal),
        ["least", field, nominal] => delay::least(brought, field, nominal),
        ["names"] => names::same_in_text(brought),
        ["names", "bios"] => names::same(brought),
        ["multipath"] => names::multipath(brought),
        ["sequence"] => block::sequence(brought),
        ["errors", op, error] => block::errors(brought, op, error),
        ["scsi"] => scsi::commands(brought),
        ["attempts"] => scsi::attempts(brought),
        ["nvme"] => nvme::commands(brought),
        ["virtio", format] => virtio::requests(brought, format),
        ["followed"] => request::followed(brought),
        ["flushed"] => request::flushed(brought),
        ["stacked", disks @ ..] => request::stacked(brought, disks),
        ["committed"] => request::committed(brought),
        ["written-back"] => request::written_back(brought),
        ["faults"] => request::faults(brought),
        ["most", stages, nominal] => request::most(brought, stages, nominal),
        ["calls"] => syscall::calls(brought),
        ["files", kind] => fs::calls(brought, kind),
        ["within"] => fs::within(brought),
        ["ended"] => fs::ended(brought),
        ["cache"] => cache::events_add_up(brought),
        ["origins"] => cache::origins(brought),
        ["groups"] => groups::agree(brought),
        ["doctor"] => doctor::hooks(brought),
        _ => panic!("no judge {words:?}"),
    }
}

/// The rows that iotq wrote, to `rows.json` in each case.
fn rows_of(brought: &Brought) -> Vec<Row> {
    let output = Output::of_text(&brought.text("rows.json"), &brought.text("stderr"));
    assert_eq!(output.lost, 0, "{}", output.stderr);
    output.rows
}

/// How many events iotq says it has not seen, because the kernel skips a program that is running already.
fn skipped(brought: &Brought) -> u64 {
    let stderr = brought.text("stderr");
    let told = stderr.lines().find_map(|line| {
        let rest = line.strip_prefix("iotq: ")?;
        rest.strip_suffix(
            " events went by unseen: they interrupted the handling of others of their kind",
        )
    });
    told.map_or(0, |count| count.parse().unwrap())
}

/// The rows, and what the generator has made, are the same, in the same order.
fn same_in_order<T: PartialEq + Debug>(ours: &[T], theirs: &[T]) {
    let mut pairs = ours.iter().zip(theirs);
    let differ = pairs.position(|(our, their)| our != their);
    assert!(
        differ.is_none() && ours.len() == theirs.len(),
        "{} rows, {} calls; the first difference: {:?}",
        ours.len(),
        theirs.len(),
        differ.map(|at| (&ours[at], &theirs[at]))
    );
}

/// An operation of the generator.
struct Made {
    kind: String,
    offset: u64,
    size: u64,
    error: i32,
}

/// The sectors that a case is about: all, but where `range` has the first sector and the length of a partition.
fn range(brought: &Brought) -> Range<u64> {
    if !brought.files.contains_key("range") {
        return 0..u64::MAX;
    }
    let text = brought.text("range");
    let (start, length) = text.trim().split_once(' ').unwrap();
    let (start, length): (u64, u64) = (start.parse().unwrap(), length.parse().unwrap());
    start..start + length
}

/// What the generator made, as it says in `load.log`, by places on the disk.
fn made(brought: &Brought) -> Vec<Made> {
    made_in(brought, "load.log")
}

/// The same of another log.
fn made_in(brought: &Brought, log: &str) -> Vec<Made> {
    let (text, begin) = (brought.text(log), range(brought).start * 512);
    let lines = text.lines().map(|line| {
        let words: Vec<_> = line.split(' ').collect();
        let [kind, offset, size, error] = words[..] else {
            panic!("{line}")
        };
        Made {
            kind: kind.into(),
            offset: begin + offset.parse::<u64>().unwrap(),
            size: size.parse().unwrap(),
            error: error.parse().unwrap(),
        }
    });
    lines.collect()
}
