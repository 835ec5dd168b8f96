//! Judges of names: a device is the same by each of them, and a head includes its paths.

use std::collections::BTreeMap;

use iotq_tests::Row;
use iotq_tests::lab::result::Brought;

use super::block::{counted, same_data, same_requests};
use super::{nvme, range, rows_of, skipped};

/// Each statement has a line in `names`, with its layer: its rows are what the generator made on the device.
pub fn same(brought: &Brought) {
    let (disk, range) = (brought.text("disk"), range(brought));
    for (name, rows) in by_name(brought) {
        for row in &rows {
            assert_eq!(row.text("dev"), disk.trim(), "{name}: {row:?}");
            let sector = row.field("sector").as_u64();
            let placed = sector.map_or(range.start == 0, |sector| range.contains(&sector));
            assert!(placed, "{name}: {row:?}");
        }
        same_requests(brought, &rows);
    }
}

/// They are also what the kernel tells of its requests.
pub fn same_in_text(brought: &Brought) {
    same(brought);
    for (_, rows) in by_name(brought) {
        same_data(brought, &rows);
    }
}

fn by_name(brought: &Brought) -> Vec<(String, Vec<Row>)> {
    let names = brought.text("names");
    let mut lists: Vec<_> = names
        .lines()
        .map(|name| (name.to_owned(), Vec::new()))
        .collect();
    for row in rows_of(brought) {
        lists[usize::try_from(row.query).unwrap()].1.push(row);
    }
    lists
}

/// `names` has a head and its paths, with a statement each on `block` and one on `nvme`. The paths' rows are disjoint, and
/// are what the generator made on the head; the head's rows are all of these, and its own bios where the kernel tells of
/// their ends.
pub fn multipath(brought: &Brought) {
    let names = brought.text("names");
    let names: Vec<_> = names.lines().collect();
    let mut lists: BTreeMap<u64, Vec<Row>> = BTreeMap::new();
    for row in rows_of(brought) {
        lists.entry(row.query).or_default().push(row);
    }
    let mut of = |path: usize, layer: u64| {
        let rows = lists.remove(&(path as u64 * 2 + layer)).unwrap_or_default();
        let known = |row: &Row| path == 0 || row.text("dev") == names[path];
        assert!(
            rows.iter().all(known),
            "rows of another disk than {}",
            names[path]
        );
        rows
    };
    let (head, mut paths) = (of(0, 0), of(1, 0));
    paths.extend(of(2, 0));
    let (bios, requests): (Vec<_>, Vec<_>) = head
        .into_iter()
        .partition(|row| row.text("dev") == names[0]);
    assert_eq!(
        keys(&requests),
        keys(&paths),
        "requests of the head and of its paths"
    );
    same_requests(brought, &paths);
    if !bios.is_empty() {
        same_requests(brought, &bios);
    }
    let (head, mut paths) = (of(0, 1), of(1, 1));
    paths.extend(of(2, 1));
    assert_eq!(
        keys(&head),
        keys(&paths),
        "commands of the head and of its paths"
    );
    same_requests(brought, &paths);
    let text = brought.text("trace");
    let theirs = names[1..]
        .iter()
        .flat_map(|disk| nvme::of_text(&text, disk));
    let ours = counted(paths.iter().map(nvme::of_row));
    super::block::same(&ours, &counted(theirs), "the kernel", skipped(brought));
}

/// What tells rows apart.
fn keys(rows: &[Row]) -> Vec<(String, u64, Option<u64>)> {
    let key = |row: &Row| {
        let sector = row.field("sector").as_u64();
        (row.text("dev").to_owned(), row.number("time"), sector)
    };
    let mut keys: Vec<_> = rows.iter().map(key).collect();
    keys.sort();
    keys
}
