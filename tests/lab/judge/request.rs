//! Judges of requests that are followed from their calls.

use std::collections::{BTreeMap, BTreeSet};

use iotq_tests::lab::result::Brought;
use iotq_tests::{Row, trace};

use super::{made, rows_of, skipped};

/// Each call of the generator is a request, whatever its thread; its stages add up to its latency; and what it caused is
/// where it wrote or read, of its size.
pub fn followed(brought: &Brought) {
    let rows = rows_of(brought);
    let requests = calls(&rows);
    let mut theirs = BTreeMap::<_, u64>::new();
    for each in made(brought) {
        let op = each.kind.replace("flush", "fsync");
        *theirs.entry((op, each.offset, each.size)).or_default() += 1;
    }
    let mut ours = BTreeMap::<_, u64>::new();
    let (mut approximate, mut childless) = (0, 0);
    for rows in &requests {
        let number = |name: &str| u64::try_from(rows[0].int(name).unwrap_or(0)).unwrap();
        let key = (
            rows[0].text("op").to_owned(),
            number("offset"),
            number("size"),
        );
        *ours.entry(key).or_default() += 1;
        adds_up(rows[0]);
        if rows[0].field("approx") == true {
            approximate += 1;
        } else if number("children") == 0 && rows[0].text("op") != "fsync" {
            childless += 1;
        } else {
            caused(rows);
        }
    }
    // While a program is preempted, a kernel skips it for all others on the CPU: whole requests go by unseen.
    let skipped = usize::try_from(skipped(brought)).unwrap();
    assert!(childless <= skipped, "{childless} calls caused nothing");
    let missing = theirs
        .iter()
        .map(|(key, n)| n - ours.get(key).unwrap_or(&0));
    let missing = usize::try_from(missing.sum::<u64>()).unwrap();
    assert!(
        ours.keys().all(|key| theirs.contains_key(key)) && missing <= skipped,
        "{missing} calls of the generator are no requests: {ours:?}"
    );
    assert!(
        approximate <= requests.len() / 1000 + skipped,
        "{approximate} of {} are approximate",
        requests.len()
    );
}

/// `stacked nullb0 nullb1`: what is written is written to each of these disks, what is read comes from one of them.
pub fn stacked(brought: &Brought, disks: &[&str]) {
    let rows = rows_of(brought);
    let mut requests = calls(&rows);
    requests.retain(|rows| rows[0].field("approx") != true && rows[0].text("op") != "fsync");
    let mut without = 0;
    for rows in &requests {
        let (size, is_write) = (rows[0].number("size"), rows[0].text("op") == "write");
        let on = |disk: &&str| {
            let theirs = rows.iter().filter(|row| row.field("dev") == *disk);
            theirs.map(|row| row.number("part_size")).sum::<u64>()
        };
        let mut bytes = disks.iter().map(on);
        let all = if is_write {
            bytes.all(|bytes| bytes >= size)
        } else {
            bytes.sum::<u64>() >= size
        };
        without += u64::from(!all);
    }
    assert!(requests.len() > 30, "{} calls", requests.len());
    let (skipped, all) = (skipped(brought), requests.len());
    assert!(
        without <= skipped,
        "{without} of {all} calls without their requests"
    );
}

/// Each sync has the flush of the block layer's own that it waited for, though this one has no bio and others wait for it, too.
pub fn flushed(brought: &Brought) {
    let rows = rows_of(brought);
    let mut syncs = BTreeMap::<_, bool>::new();
    for row in rows.iter().filter(|row| row.text("op") == "fsync") {
        let key = (row.number("time"), row.number("tid"));
        let is_own = row.field("internal") == true && row.text("part") == "flush";
        if is_own {
            assert!(row.number("part_lat") <= row.number("lat"), "{row:?}");
        }
        *syncs.entry(key).or_default() |= is_own;
    }
    let without = syncs.values().filter(|has| !**has).count();
    let skipped = usize::try_from(skipped(brought)).unwrap();
    assert!(syncs.len() > 50, "{} syncs", syncs.len());
    let all = syncs.len();
    assert!(
        without <= skipped,
        "{without} of {all} syncs without a flush"
    );
}

/// Commits are parts of syncs: what the journal's thread has written by the kernel's text. Few of them have no sync that slept
/// until they were over.
pub fn committed(brought: &Brought) {
    let commits = trace::commits(&brought.text("trace"), brought.text("dev").trim());
    let mut found = BTreeSet::new();
    for row in &rows_of(brought) {
        adds_up(row);
        let comm = row.field("comm").as_str().unwrap_or_default();
        if comm.starts_with("jbd2/") {
            assert!(row.number("device") > 0, "{row:?}");
            found.insert(row.number("sector"));
        }
    }
    let told: BTreeSet<_> = commits.iter().flat_map(BTreeMap::keys).copied().collect();
    assert!(found.is_subset(&told), "{found:?} of {told:?}");
    let written = commits.iter().filter(|commit| !commit.is_empty());
    let is_found = |commit: &BTreeMap<u64, u64>| commit.keys().any(|it| found.contains(it));
    let (theirs, ours): (Vec<_>, Vec<_>) = written.partition(|commit| !is_found(commit));
    assert!(
        ours.len() >= 5 && ours.len() >= 4 * theirs.len(),
        "{} commits of syncs, {} of nobody",
        ours.len(),
        theirs.len()
    );
}

/// Each page that the generator touches first is read by a fault of its own. (Threads may want the same page; what follows
/// finds it mapped.)
pub fn faults(brought: &Brought) {
    let rows = rows_of(brought);
    let touched: BTreeSet<u64> = made(brought).iter().map(|each| each.offset).collect();
    let mut read = BTreeSet::new();
    for row in &rows {
        adds_up(row);
        assert_eq!((row.number("ret"), row.number("size")), (4096, 4096));
        assert!(touched.contains(&row.number("offset")), "{row:?}");
        if row.number("children") > 0 && row.field("approx") != true {
            assert_eq!(row.number("sector") * 512, row.number("offset"), "{row:?}");
            assert!(row.number("part_lat") <= row.number("lat"), "{row:?}");
            read.insert(row.number("offset"));
        }
    }
    let missing = touched.difference(&read).count();
    let excused = touched.len() / 50 + usize::try_from(2 * skipped(brought)).unwrap();
    assert!(missing <= excused, "{missing} of {} pages", touched.len());
}

/// Each time that the kernel tells to have written something of a file is an operation, with as many bytes; its stages add up,
/// and its last request is its end.
pub fn written_back(brought: &Brought) {
    let dev = brought.text("dev");
    let theirs = trace::written_back(&brought.text("trace"), dev.trim());
    let rows = rows_of(brought);
    let mut requests = BTreeMap::<_, Vec<&Row>>::new();
    for row in &rows {
        let key = (row.number("time"), row.number("tid"));
        requests.entry(key).or_default().push(row);
    }
    let ours = requests.values().map(|rows| rows[0]);
    let mut ours: Vec<_> = ours
        .map(|row| (row.number("inode"), row.number("ret")))
        .collect();
    ours.sort_unstable();
    let skipped = usize::try_from(skipped(brought)).unwrap();
    assert!(theirs.len() >= 6, "{theirs:?}");
    assert!(
        ours == theirs || ours.len() + skipped >= theirs.len() && skipped > 0,
        "{ours:?} are not {theirs:?}"
    );
    for rows in requests.values() {
        let first = rows[0];
        adds_up(first);
        assert!(first.text("comm").starts_with("kworker/"), "{first:?}");
        if first.field("approx") == true {
            assert!(first.number("children") > 16 || skipped > 0, "{first:?}");
            continue;
        }
        let last = rows.iter().map(|row| row.number("done")).max().unwrap();
        let end = first.number("time");
        let idle = end.checked_sub(last).expect("it ends behind its requests");
        // It may still be submitting what turns out to be no more.
        assert!(idle <= first.number("other") + 1_000_000, "{first:?}");
    }
}

fn adds_up(row: &Row) {
    let stages = ["cpu", "runqueue", "device", "queued", "blocked", "other"];
    let sum: u64 = stages.iter().map(|stage| row.number(stage)).sum();
    assert_eq!(sum, row.number("lat"), "{row:?}");
}

/// The rows of each call.
fn calls(rows: &[Row]) -> Vec<Vec<&Row>> {
    let mut calls = BTreeMap::<_, Vec<&Row>>::new();
    for row in rows {
        let key = (row.number("time"), row.number("tid"), row.int("offset"));
        calls.entry(key).or_default().push(row);
    }
    calls.into_values().collect()
}

fn caused(rows: &[&Row]) {
    let first = rows[0];
    let parts: Vec<_> = rows
        .iter()
        .filter(|row| !row.field("part").is_null())
        .collect();
    assert_eq!(parts.len() as u64, first.number("children"), "{first:?}");
    for part in &parts {
        assert!(part.number("part_lat") <= first.number("lat"), "{part:?}");
    }
    if first.text("op") == "fsync" {
        return;
    }
    let bytes: u64 = parts.iter().map(|part| part.number("part_size")).sum();
    let least = parts.iter().map(|part| part.number("sector")).min();
    // Neighbours of several threads may go as one request.
    assert!(bytes >= first.number("size"), "{parts:?}");
    assert!(
        least.is_some_and(|least| least * 512 <= first.number("offset")),
        "{parts:?}"
    );
}

/// `most cpu,queued 1ms`: in the median, each of these stages is shorter.
pub fn most(brought: &Brought, stages: &str, nominal: &str) {
    let most: u64 = nominal.strip_suffix("ms").unwrap().parse().unwrap();
    for stage in stages.split(',') {
        let rows = rows_of(brought);
        let mut times: Vec<_> = rows.iter().map(|row| row.number(stage)).collect();
        times.sort_unstable();
        let median = times[times.len() / 2];
        assert!(
            median < most * 1_000_000,
            "the median of {stage} is {median}ns"
        );
    }
}
