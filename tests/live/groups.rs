//! Aggregation: what groups tell is what the rows beside them add up to, and what fio has counted.

use std::collections::BTreeMap;

use iotq_tests::fio::Reads;
use iotq_tests::needs::{Need, test};
use iotq_tests::{Disk, Group, Output, Row, iotq, json, run};
use libtest_mimic::Trial;

pub fn tests() -> Vec<Trial> {
    let needs = [Need::Root, Need::Loop, Need::Fio];
    vec![
        test("groups/rows", &needs, rows),
        test("groups/calls", &needs, calls),
        test("groups/intervals", &needs, intervals),
        test("groups/top_of_processes", &needs, top),
        test("groups/forms", &[Need::Root], forms),
    ]
}

const LARGE: &str = "16M";

/// Reads and writes of several sizes on a disk of our own.
fn mixed(disk: &Disk) -> String {
    format!(
        "fio --filename={} --size=64M --output={} --ioengine=psync --direct=1 --number_ios=4000 --group_reporting \
         --name=small --rw=randrw --bs=4k --name=large --rw=randrw --bssplit=4k/20:16k/40:64k/40",
        disk.node.display(),
        disk.memory().join("out").display(),
    )
}

/// The rows of a statement, by the text of a field.
fn by_key<'a>(output: &'a Output, query: u64, key: &str) -> BTreeMap<String, Vec<&'a Row>> {
    let mut all: BTreeMap<String, Vec<&Row>> = BTreeMap::new();
    for row in output.of(query) {
        all.entry(row.field(key).to_string()).or_default().push(row);
    }
    all
}

/// What is the same whoever counts: exact figures, and quantiles as near as they must be.
fn compare(group: &Group, rows: &[&Row]) {
    let mut latencies: Vec<u64> = rows
        .iter()
        .filter_map(|row| row.field("lat").as_u64())
        .collect();
    latencies.sort_unstable();
    let count = latencies.len() as u64;
    let sum: u64 = latencies.iter().sum();
    let size: u64 = rows.iter().map(|row| row.number("size")).sum();
    assert_eq!(group.number("count()"), rows.len() as u64);
    assert_eq!(group.number("sum(size)"), size);
    assert_eq!(group.number("sum(lat)"), sum);
    assert_eq!(group.number("min(lat)"), latencies[0]);
    assert_eq!(group.number("max(lat)"), latencies[latencies.len() - 1]);
    let mean = group.number("avg(lat)");
    assert_eq!(mean, (sum as f64 / count as f64).round() as u64);
    for (name, share) in [("p50(lat)", 0.5), ("p99(lat)", 0.99), ("p999(lat)", 0.999)] {
        let rank = (share * count as f64).ceil() as usize;
        let truth = latencies[rank.max(1) - 1];
        let told = group.number(name);
        assert!(
            told.abs_diff(truth) * 32 <= truth,
            "{name}: {told}, and truly {truth}"
        );
    }
    let mut buckets = group.buckets("hist(lat)");
    for lat in &latencies {
        let (low, (high, left)) = buckets.range_mut(..=lat).next_back().unwrap();
        assert!(
            lat < high && (*high - *low) * 16 <= (*low).max(16),
            "{low} {high}"
        );
        *left -= 1;
    }
    assert!(buckets.values().all(|(_, left)| *left == 0), "{buckets:?}");
    let slow = latencies.iter().filter(|lat| **lat > 50_000).count();
    let ratio = group.data["slow"].as_f64().unwrap();
    assert!((ratio - slow as f64 / rows.len() as f64).abs() < 1e-12);
    let variance = latencies
        .iter()
        .map(|lat| (*lat as f64 - sum as f64 / count as f64).powi(2));
    let deviation = (variance.sum::<f64>() / (count - 1) as f64).sqrt();
    assert!((group.number("stddev(lat)") as f64 - deviation).abs() < 1.0 + deviation * 1e-9);
}

const ALL: &str = "count(), sum(size), sum(lat), min(lat), max(lat), avg(lat), stddev(lat), p50(lat), p99(lat), \
                   p999(lat), hist(lat), ratio(lat > 50us) as slow";

/// Two statements over one stream, whose answers must not differ: rows and groups.
fn beside(point: &str, scope: &str, line: &str) -> Output {
    let query = format!(
        "on {point} where {scope} emit op, size, lat\non {point} where {scope} emit {ALL} by op"
    );
    let output = json(&["--ring", LARGE, "-c", line, "-e", &query]);
    assert_eq!(output.lost, 0, "{}", output.stderr);
    let rows = by_key(&output, 0, "op");
    let groups: Vec<_> = output.groups_of(1).collect();
    assert_eq!(groups.len(), rows.len());
    for group in groups {
        compare(group, &rows[&group.by["op"].to_string()]);
    }
    output
}

fn rows() {
    let disk = Disk::raw(96);
    let scope = format!("dev == {} and pid under $child", disk.name());
    let output = beside("block.complete", &scope, &mixed(&disk));
    assert!(output.rows.len() >= 5000, "{} rows", output.rows.len());
    // What fio counted.
    let disk = Disk::raw(160);
    let load = Reads {
        target: &disk.node,
        engine: "psync",
        depth: 1,
        threads: 4,
        each: 2000,
        memory: disk.memory(),
    };
    let query = "on syscall.exit where pid under $child and size == 4KiB and file == $1 emit count(), sum(ret)";
    let node = disk.node.display().to_string();
    let output = json(&["-c", &load.line(), "-e", query, &node]);
    let group = &output.groups[0];
    assert_eq!(load.issued().len(), 8000);
    assert_eq!(group.number("count()"), 8000, "{}", output.stderr);
    assert_eq!(group.number("sum(ret)"), 8000 * 4096);
}

fn calls() {
    let disk = Disk::raw(96);
    let scope = "pid under $child and op in {read, write} and kind == device";
    let output = beside("syscall.exit", scope, &mixed(&disk));
    assert!(output.rows.len() >= 5000, "{} rows", output.rows.len());
}

fn intervals() {
    let disk = Disk::raw(96);
    let scope = format!("dev == {} and pid under $child", disk.name());
    let query = format!(
        "on block.complete where {scope} emit size\n\
         on block.complete where {scope} emit count() as n, sum(size) as bytes, rate() as rate by op every 100ms"
    );
    let output = json(&["--ring", LARGE, "-c", &mixed(&disk), "-e", &query]);
    assert_eq!(output.lost, 0, "{}", output.stderr);
    let count: u64 = output.groups.iter().map(|group| group.number("n")).sum();
    assert_eq!(count, output.rows.len() as u64);
    let bytes: u64 = output.groups.iter().map(|it| it.number("bytes")).sum();
    let sizes = output.rows.iter().map(|row| row.number("size"));
    assert_eq!(bytes, sizes.sum::<u64>());
    let mut times: Vec<u64> = output.groups.iter().map(|group| group.at).collect();
    times.dedup();
    assert!(times.len() >= 2, "one interval: {times:?}");
    // The last one is cut short by the end.
    for (index, pair) in times.windows(2).enumerate().take(times.len() - 2) {
        assert!(pair[1] >= pair[0] + 50_000_000, "{index}: {times:?}");
    }
    for group in &output.groups {
        let seconds = group.number("n") as f64 / group.data["rate"].as_f64().unwrap();
        assert!(seconds > 0.0 && seconds < 10.0, "{group:?}");
    }
}

fn top() {
    let disk = Disk::raw(96);
    let query = format!(
        "on block.complete where dev == {} emit sum(size) as bytes, count() as n by comm top 1 having n > 100",
        disk.name()
    );
    let output = json(&["-c", &mixed(&disk), "-e", &query]);
    assert_eq!(output.groups.len(), 1, "{:?}", output.groups);
    assert_eq!(output.groups[0].by["comm"], "fio");
}

fn forms() {
    let query =
        "on syscall.exit where pid under $child emit count() as n, hist(lat) by op every 50ms";
    let text = |form: &str| {
        let mut command = iotq();
        command.args([
            "--format",
            form,
            "-c",
            "dd if=/dev/zero of=/var/tmp/iotq.groups bs=4k count=2000 status=none",
        ]);
        let ended = run({
            command.args(["-e", query]);
            command
        });
        assert_eq!(ended.code(), 0, "{}", ended.stderr);
        ended.text()
    };
    let table = text("csv");
    assert!(table.starts_with("at,op,n,hist(lat)\r\n"), "{table:.200}");
    let writes = table.lines().filter(|line| line.contains(",write,"));
    let counts = writes.map(|line| line.split(',').nth(2).unwrap().parse::<u64>().unwrap());
    assert_eq!(counts.sum::<u64>(), 2000, "{table}");
    let drawn = text("text");
    for part in ["op=write", "hist(lat)\n", "█", "p50 "] {
        assert!(drawn.contains(part), "no {part:?} in {drawn}");
    }
    std::fs::remove_file("/var/tmp/iotq.groups").unwrap();
}
