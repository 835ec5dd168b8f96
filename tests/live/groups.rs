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
        test(
            "groups/kernel_agrees/block",
            &needs,
            kernel_agrees_on_requests,
        ),
        test(
            "groups/kernel_agrees/syscall",
            &needs,
            kernel_agrees_on_calls,
        ),
        test("groups/kernel_agrees/full", &needs, kernel_agrees_when_full),
        test(
            "groups/kernel_agrees/intervals",
            &needs,
            kernel_agrees_in_intervals,
        ),
        test(
            "groups/kernel_agrees/without_pushdown",
            &needs,
            without_pushdown,
        ),
        test("groups/nothing_is_shipped", &needs, nothing_is_shipped),
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

/// A condition that is always true, and that only user space can decide.
const LEFT: &str = "coalesce(tid, 1) >= 0";

/// Every statement twice over the same stream: grouped in the kernel, and in user space.
fn twice(statements: &[(&str, String, &str)]) -> String {
    let both = statements.iter().map(|(point, scope, rest)| {
        format!("on {point} where {scope} emit {rest}\non {point} where {scope} and {LEFT} emit {rest}\n")
    });
    both.collect()
}

fn same(group: &Group, other: &Group) -> bool {
    (&group.by, &group.data) == (&other.by, &other.data)
}

/// The groups of each statement are those of the next one.
fn assert_agree(output: &Output, statements: usize) {
    assert_eq!(output.lost, 0, "{}", output.stderr);
    for statement in 0..statements as u64 {
        let kernel: Vec<_> = output.groups_of(2 * statement).collect();
        let user: Vec<_> = output.groups_of(2 * statement + 1).collect();
        assert!(!kernel.is_empty(), "no groups of statement {statement}");
        let differ = kernel.iter().zip(&user).find(|(a, b)| !same(a, b));
        assert!(
            differ.is_none() && kernel.len() == user.len(),
            "statement {statement}: {} and {} groups, {differ:?}",
            kernel.len(),
            user.len()
        );
    }
}

/// All aggregates, of many values and of values with nulls.
const EVERYTHING: &str = "count(), sum(lat), min(lat), max(lat), avg(lat), stddev(lat), hist(lat), p50(lat), p999(lat), \
                          sum(size), min(size), max(size), stddev(size), lhist(size, 4K, 40K, 8K), \
                          ratio(lat > 50us) as slow, ratio(not sync) as async";

fn kernel_agrees_on_requests() {
    let disk = Disk::ext4(128);
    let scope = format!("dev == {}", disk.name());
    let large = format!("{scope} and size > 4K");
    let script = twice(&[
        ("block.complete", scope.clone(), EVERYTHING),
        (
            "block.complete",
            scope.clone(),
            "count(), hist(q2d), sum(sector), max(sector) by op, comm, sync, internal",
        ),
        ("block.complete", large, "hist(lat), hist(size) by dev, pid"),
        ("block.issue", scope, "count(), max(q2d) by op, approx"),
    ]);
    let output = json(&["--ring", "64M", "-c", &cached(&disk), "-e", &script]);
    assert_agree(&output, 4);
}

/// Through the page cache and direct, with syncs and reads that fail.
fn cached(disk: &Disk) -> String {
    format!(
        "fio --directory={} --size=8M --output={} --ioengine=psync --rw=randrw --number_ios=3000 --name=direct --direct=1 \
         --name=cached --fsync=16 --name=large --bsrange=4k-128k",
        disk.folder().display(),
        disk.memory().join("out").display(),
    )
}

fn kernel_agrees_on_calls() {
    let disk = Disk::ext4(128);
    let scope = || "pid under $child".to_owned();
    let calls = "count(), sum(ret), min(ret), max(ret), avg(ret), hist(lat), stddev(lat), sum(offset), \
                 ratio(error != ENOSPC) as fine by op, name, kind";
    let script = twice(&[
        ("syscall.exit", scope(), calls),
        (
            "syscall.exit",
            scope(),
            "count(), p99(lat) by file, lower(comm), fd",
        ),
        ("syscall.enter", scope(), "count(), max(size) by call, tid"),
        (
            "syscall.exit",
            format!("{} and ret < 0", scope()),
            "count(), min(ret), sum(ret) by error",
        ),
    ]);
    // fio makes its files anew, and some call or other of it fails.
    let line = format!(
        "{}; dd if=/proc/self/mem of=/dev/null bs=4k count=1 2>/dev/null || true",
        cached(&disk)
    );
    let output = json(&["--ring", "64M", "-c", &line, "-e", &script]);
    assert_agree(&output, 4);
}

/// Far more groups than there is room for in the kernel: the rest is grouped in user space, and nothing is missing.
fn kernel_agrees_when_full() {
    let disk = Disk::raw(96);
    let scope = format!("dev == {}", disk.name());
    let script = twice(&[("block.complete", scope, "count(), hist(lat) by sector")]);
    let output = json(&["--ring", "64M", "-c", &mixed(&disk), "-e", &script]);
    assert_agree(&output, 1);
    assert!(output.groups_of(0).count() > 3000);
    let told = "records found no room among the groups in the kernel";
    assert!(output.stderr.contains(told), "{}", output.stderr);
}

/// The kernel's tables are exchanged many times while they are filled, and in the end nothing is missing.
fn kernel_agrees_in_intervals() {
    let disk = Disk::raw(96);
    let scope = format!("dev == {}", disk.name());
    let rest = "count() as n, sum(lat) as sum, hist(lat) as hist by op every 20ms";
    let script = twice(&[("block.complete", scope, rest)]);
    // On a busy machine intervals are longer than was asked for.
    let load = vec![mixed(&disk); 4].join("; ");
    let output = json(&["--ring", "64M", "-c", &load, "-e", &script]);
    assert_eq!(output.lost, 0);
    let intervals: std::collections::BTreeSet<_> = output.groups_of(0).map(|it| it.at).collect();
    assert!(intervals.len() > 5, "{intervals:?}");
    let total = |query: u64| {
        let mut sums: BTreeMap<(String, u64), u64> = BTreeMap::new();
        for group in output.groups_of(query) {
            let op = group.by["op"].to_string();
            *sums.entry((op.clone(), 0)).or_default() += group.number("n");
            *sums.entry((op.clone(), 1)).or_default() += group.number("sum");
            for (low, (_, count)) in group.buckets("hist") {
                *sums.entry((op.clone(), 2 + low)).or_default() += count;
            }
        }
        sums
    };
    assert_eq!(total(0), total(1));
}

/// The same run with everything left to user space ships all, and tells of as many calls.
fn without_pushdown() {
    let disk = Disk::raw(96);
    let count = |options: &[&str]| {
        let query = "on syscall.exit where pid under $child and op == read and kind == device emit count(), sum(ret) by op";
        let line = mixed(&disk);
        let output = json(&[options, &["--ring", "64M", "-c", &line, "-e", query]].concat());
        assert_eq!(output.lost, 0);
        let [group] = &output.groups[..] else {
            panic!("{:?}", output.groups)
        };
        (
            output.shipped,
            group.number("count()"),
            group.number("sum(ret)"),
        )
    };
    let (shipped, calls, bytes) = count(&[]);
    assert_eq!(shipped, 0);
    let (shipped, all_calls, all_bytes) = count(&["--no-pushdown"]);
    assert!(shipped >= all_calls);
    assert_eq!((calls, bytes), (all_calls, all_bytes));
}

fn nothing_is_shipped() {
    let disk = Disk::raw(160);
    let load = Reads {
        target: &disk.node,
        engine: "psync",
        depth: 1,
        threads: 4,
        each: 5000,
        memory: disk.memory(),
    };
    let query = "on syscall.exit where pid under $child and size == 4KiB and file == $1 emit count(), hist(lat)";
    let node = disk.node.display().to_string();
    let output = json(&["-c", &load.line(), "-e", query, &node]);
    assert_eq!(load.issued().len(), 20_000);
    assert_eq!(
        (output.shipped, output.groups[0].number("count()")),
        (0, 20_000)
    );
    let counted: u64 = output.groups[0]
        .buckets("hist(lat)")
        .values()
        .map(|it| it.1)
        .sum();
    assert_eq!(counted, 20_000);
}
