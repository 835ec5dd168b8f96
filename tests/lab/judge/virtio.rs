//! The judge of the layer `virtio`.

use std::collections::{BTreeMap, HashMap};

use iotq_tests::Row;
use iotq_tests::completions::completions;
use iotq_tests::lab::result::Brought;

use super::block::{counted, plausible, same, same_requests};
use super::{rows_of, skipped};

/// Every request on the disk's rings is a row, once, with the index that follows that of the one before it; and the
/// requests are those that the kernel completes, and that the generator made.
pub fn requests(brought: &Brought, format: &str) {
    let disk = brought.text("disk");
    let rows = rows_of(brought);
    for row in &rows {
        assert_eq!(row.text("dev"), disk.trim(), "{row:?}");
        assert_eq!(row.text("format"), format, "{row:?}");
        assert_eq!(row.number("status"), 0, "{row:?}");
        let told = row.field("a2n").as_u64();
        assert!(told.is_none_or(|told| told <= row.number("lat")), "{row:?}");
    }
    assert!(
        rows.iter().any(|row| row.field("a2n").is_u64()),
        "the host was never told"
    );
    let skipped = skipped(brought);
    plausible(rows.iter(), skipped);
    let queues = by_queue(&rows);
    same_rings(&brought.text("trace"), &queues, skipped);
    if skipped == 0 {
        queues
            .values()
            .for_each(|indexes| consecutive(indexes, format));
    }
    same_completions(brought, &rows, skipped);
    same_requests(brought, &rows);
}

/// The indexes on each ring, in the order in which requests were added to it.
fn by_queue(rows: &[Row]) -> BTreeMap<(u64, u64), Vec<u64>> {
    let mut rows: Vec<_> = rows.iter().collect();
    rows.sort_by_key(|row| row.number("time") - row.number("lat"));
    let mut queues: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for row in rows {
        let queue = (row.number("device"), row.number("queue"));
        queues.entry(queue).or_default().push(row.number("index"));
    }
    queues
}

/// As many requests were added to each ring as the kernel's probes tell.
fn same_rings(text: &str, queues: &BTreeMap<(u64, u64), Vec<u64>>, skipped: u64) {
    assert!(!text.contains("LOST"), "the kernel lost events of its own");
    let mut open = HashMap::new();
    let mut added = BTreeMap::<&str, usize>::new();
    for line in text.lines() {
        let word = |name: &str| line.split(' ').find_map(|word| word.strip_prefix(name));
        let cpu = line.split_whitespace().find(|word| word.starts_with('['));
        if line.contains(" lab_add: ") {
            open.insert(cpu, word("queue=").unwrap());
        } else if line.contains(" lab_added: ") {
            let queue = open.remove(&cpu).expect("an entry before the return");
            if word("result=") == Some("0") {
                *added.entry(queue).or_default() += 1;
            }
        }
    }
    let mut theirs: Vec<_> = added.into_values().collect();
    let mut ours: Vec<_> = queues.values().map(Vec::len).collect();
    theirs.sort_unstable();
    ours.sort_unstable();
    let count: usize = ours.iter().sum();
    assert!(count > 1000, "{count} rows");
    assert!(
        theirs == ours || skipped > 0,
        "rows on each ring: {ours:?}; the kernel adds {theirs:?}"
    );
}

fn consecutive(indexes: &[u64], format: &str) {
    for pair in indexes.windows(2) {
        let next = (pair[0] + 1) & 0xffff;
        // A packed ring begins again at its end, and long requests without a table of their own take several places.
        let follows = pair[1] == next || (format == "packed" && pair[1] != pair[0]);
        assert!(follows, "{} after {}", pair[1], pair[0]);
    }
}

/// What the block layer completes with data is on the rings, and the other way round.
fn same_completions(brought: &Brought, rows: &[Row], skipped: u64) {
    let number = brought.text("dev");
    let ours = rows.iter().filter(|row| row.number("size") > 0);
    let ours = counted(ours.map(|row| (row.number("sector"), row.number("size") / 512)));
    let theirs = completions(&brought.text("trace"));
    let theirs = theirs
        .iter()
        .filter(|each| each.dev == number.trim() && each.sectors > 0);
    let theirs = counted(theirs.map(|each| (each.sector, each.sectors)));
    same(&ours, &theirs, "the kernel", skipped);
}
