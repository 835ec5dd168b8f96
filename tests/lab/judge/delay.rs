//! Judges of times: what a device is told to wait for, what the kernel's own text says, and what rows say.

use std::collections::HashMap;

use iotq_tests::lab::result::Brought;

use super::rows_of;

/// Between two times of the same request: the text has whole microseconds, and is written a little apart from the row.
const APART: u64 = 10_000;
/// One in so many rows may be further off: an interrupt came between the text and the row.
const INTERRUPTED: usize = 50;
/// Between a delay and the median of what became of it.
const NEAR: u64 = 300_000;

/// `times d2c block_rq_issue block_rq_complete`: each row's time is that between these events in the kernel's text, of
/// the clock `mono`, and each such time is a row.
pub fn times(brought: &Brought, field: &str, from: &str, to: &str) {
    let text = brought.text("trace");
    assert!(!text.contains("LOST"), "the kernel lost events of its own");
    // Texts of other layers do not begin with the device's number.
    let device = if from.starts_with("block_") {
        device(brought)
    } else {
        String::new()
    };
    let mut theirs = spans(&text, from, to, &device);
    let rows = rows_of(brought);
    let count = theirs.values().map(Vec::len).sum::<usize>();
    assert_eq!(rows.len(), count, "rows, and what the kernel tells of");
    let mut far = Vec::new();
    for row in &rows {
        let same = theirs.get_mut(&row.number("sector"));
        let same = same.filter(|spans| !spans.is_empty());
        let same = same.unwrap_or_else(|| panic!("the kernel does not tell of {row:?}"));
        let their = same.remove(0);
        if row.number(field).abs_diff(their) > APART {
            far.push((row.number(field), their));
        }
    }
    assert!(
        far.len() <= rows.len() / INTERRUPTED,
        "of {} rows these are not what the kernel's text says: {far:?}",
        rows.len()
    );
}

/// `median d2c 2ms`: that is the median of a field, within 0.3 ms.
pub fn median(brought: &Brought, field: &str, nominal: &str) {
    let times = sorted(brought, field);
    let median = times[times.len() / 2];
    assert!(
        median.abs_diff(nanos(nominal)) <= NEAR,
        "the median of {field} is {median}ns, all are from {:?} to {:?}",
        times.first(),
        times.last()
    );
}

/// `mostly device 4ms`: the median is no shorter.
pub fn mostly(brought: &Brought, field: &str, nominal: &str) {
    let times = sorted(brought, field);
    let median = times[times.len() / 2];
    assert!(
        median >= nanos(nominal),
        "the median of {field} is {median}ns"
    );
}

/// `least lat 5ms`: none is shorter.
pub fn least(brought: &Brought, field: &str, nominal: &str) {
    let least = sorted(brought, field)[0];
    assert!(least >= nanos(nominal), "the least {field} is {least}ns");
}

fn sorted(brought: &Brought, field: &str) -> Vec<u64> {
    let rows = rows_of(brought);
    assert!(rows.len() > 50, "{} rows", rows.len());
    let mut times: Vec<_> = rows.iter().map(|row| row.number(field)).collect();
    times.sort_unstable();
    times
}

/// `2ms`
fn nanos(text: &str) -> u64 {
    let millis: u64 = text.strip_suffix("ms").unwrap().parse().unwrap();
    millis * 1_000_000
}

/// `254,0`, as texts of the block layer begin.
fn device(brought: &Brought) -> String {
    brought.text("dev").trim().replace(':', ",")
}

/// From event to event, in nanoseconds, in the order of their ends, by the first sector.
fn spans(text: &str, from: &str, to: &str, device: &str) -> HashMap<u64, Vec<u64>> {
    let (from, to) = (format!(": {from}: {device}"), format!(": {to}: {device}"));
    let mut open: HashMap<u64, u64> = HashMap::new();
    let mut spans: HashMap<u64, Vec<u64>> = HashMap::new();
    for line in text.lines() {
        if let Some((head, event)) = line.split_once(&from) {
            open.insert(place(event), time(head));
        } else if let Some((head, event)) = line.split_once(&to) {
            let begin = open.remove(&place(event));
            let begin = begin.unwrap_or_else(|| panic!("an end without a begin: {line}"));
            spans
                .entry(place(event))
                .or_default()
                .push(time(head) - begin);
        }
    }
    spans
}

/// `… RS 4096 () 1011872 + 8 [ioload]` of the block layer, `… lba=28088 txlen=8 …` of SCSI, in blocks of 512 bytes.
fn place(event: &str) -> u64 {
    let block = event
        .split_once(" + ")
        .and_then(|(head, _)| head.rsplit(' ').next());
    let scsi = || {
        let (_, rest) = event.split_once(" lba=")?;
        rest.split(' ').next()
    };
    let digits = block.or_else(scsi).unwrap_or_else(|| panic!("{event}"));
    digits.parse().unwrap()
}

/// `          ioload-96      [001] .....     2.441263`
fn time(head: &str) -> u64 {
    let seconds = head.split_whitespace().next_back().unwrap();
    let (whole, micros) = seconds.split_once('.').unwrap();
    assert_eq!(micros.len(), 6, "{head}");
    (whole.parse::<u64>().unwrap() * 1_000_000 + micros.parse::<u64>().unwrap()) * 1000
}
