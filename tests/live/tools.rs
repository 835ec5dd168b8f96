//! The tools of the library, each on real requests, and against the sample of its output that its text shows.

use std::fs;
use std::path::Path;

use iotq_tests::completions::{Completions, unseen};
use iotq_tests::fio::Reads;
use iotq_tests::needs::{Need, test};
use iotq_tests::{Disk, iotq, run};
use libtest_mimic::Trial;
use serde_json::Value;

/// What a tool is given besides, and what its output is judged by.
struct Case {
    tool: &'static str,
    args: &'static [&'static str],
    judge: fn(&Run),
}

/// So many reads of 4 KiB, one behind the other, so that none is merged.
const READS: u64 = 2000;

const CASES: &[Case] = &[
    case("cache", &["--interval", "100ms"], |run| {
        // Its requests go past the page cache; its own program and configuration do not.
        let looked_up = run.sum(|by| by["comm"] == "fio", "bytes");
        assert!((1..READS * 4096).contains(&looked_up), "{looked_up}");
    }),
    case("snoop", &["--comm", "fio", "--op", "read"], |run| {
        run.is_all(run.rows().count() as u64);
        assert!(
            run.rows()
                .all(|row| row["dev"] == *run.disk && row["size"] == 4096)
        );
    }),
    case("slow", &["--slower", "1ns", "--comm", "dd"], |run| {
        assert!(
            run.rows()
                .any(|row| row["call"] == "fsync" && row["name"] == "wal")
        );
    }),
    case("fsyncs", &["--comm", "dd"], |run| {
        let rows: Vec<_> = run.rows().collect();
        assert_eq!(rows.len(), 1, "{rows:?}");
        assert_eq!(
            (&rows[0]["name"], &rows[0]["dev"]),
            (&"wal".into(), &run.disk.into())
        );
    }),
    case("errors", &["--comm", "cat"], |run| {
        assert!(
            run.rows()
                .any(|row| row["error"] == "EISDIR" && row["op"] == "read")
        );
    }),
    case(
        "heat",
        &["--comm", "fio", "--op", "read", "--interval", "100ms"],
        |run| {
            let n = run.sum(|by| by["dev"] == *run.disk, "n");
            run.is_all(n);
            let all = run.groups().map(|(_, data)| counted(&data["heat(lat)"]));
            run.are_all_ended(all.sum(), n);
        },
    ),
    case("latency", &["--comm", "fio"], |run| {
        let reads = run.group(|by| by["op"] == "read");
        let n = reads["n"].as_u64().unwrap();
        run.is_all(n);
        run.are_all_ended(counted(&reads["hist(lat)"]), n);
    }),
    case("sizes", &["--comm", "fio"], |run| {
        let reads = run.group(|by| by["op"] == "read");
        let n = reads["n"].as_u64().unwrap();
        run.is_all(n);
        assert_eq!(reads["bytes"], n * 4096);
        assert_eq!(
            reads["hist(size)"]["hist"],
            serde_json::json!([[4096, 4352, n]])
        );
    }),
    case("top", &["--interval", "100ms"], |run| {
        let mine = |by: &Value| by["comm"] == "fio" && by["op"] == "read";
        let n = run.sum(mine, "requests");
        run.is_all(n);
        assert_eq!(run.sum(mine, "bytes"), n * 4096);
    }),
    case("top-cgroups", &[], |run| {
        run.has_all(run.sum(|by| by["op"] == "read", "requests"));
    }),
    case("top-devices", &["--interval", "100ms"], |run| {
        let mine = |by: &Value| by["dev"] == *run.disk && by["op"] == "read";
        assert!(
            run.groups()
                .any(|(by, data)| mine(by) && data["requests/s"].as_f64() > Some(0.0))
        );
    }),
    case("top-files", &["--comm", "fio"], |run| {
        let mine = |by: &Value| by["name"] == "data" && by["op"] == "read";
        assert_eq!(run.sum(mine, "bytes"), READS * 4096);
        assert_eq!(run.sum(mine, "calls"), READS);
    }),
    case("origins", &["--interval", "100ms"], |run| {
        // The file of `dd`, which has it written by itself.
        let written = run.sum(|by| by["comm"] == "dd" && by["dev"] == *run.disk, "bytes");
        assert!(written >= 64 * 65536, "{written}");
    }),
    case("stages", &[], |run| {
        let all = run.group(|_| true);
        run.has_all(all["n"].as_u64().unwrap());
        let part = |name: &str| all[name].as_f64().unwrap_or(0.0);
        let shares = part("q2i/q2c") + part("i2d/q2c") + part("d2c/q2c");
        assert!(shares > 0.0 && shares < 1.0001, "{all}");
    }),
    case("pattern", &["--comm", "fio"], |run| {
        let reads = run.group(|by| by["op"] == "read");
        run.is_all(reads["n"].as_u64().unwrap());
        // Of 32768 places, the next one comes by chance in one of so many cases.
        assert!(reads["sequential"].as_f64() < Some(0.01), "{reads}");
    }),
    case("queues", &[], |run| {
        run.has_all(run.sum(|_| true, "n"));
    }),
    case("merges", &[], |run| {
        // The filesystem may read, too.
        run.has_all(run.sum(|by| by["op"] == "read", "queued"));
        // Pages that are written behind each other make one request.
        assert!(run.sum(|by| by["op"] == "write", "merged") > 0);
    }),
    case(
        "waterfall",
        &["--threshold", "1ns", "--comm", "dd"],
        |run| {
            let of_call = |call: &str| {
                let trees = run.lines.iter().filter(|line| line["type"] == "tree");
                let mut trees = trees.filter(|tree| tree["data"]["call"] == *call);
                trees.next().unwrap_or_else(|| panic!("{:?}", run.lines))
            };
            let fsync = of_call("fsync");
            let children = fsync["children"].as_array().unwrap();
            let is_write = |child: &Value| child["data"]["op"] == "write";
            assert!(children.iter().any(is_write), "{fsync}");
            assert!(
                children.iter().all(|it| it["data"]["dev"] == *run.disk),
                "{fsync}"
            );
        },
    ),
];

const fn case(tool: &'static str, args: &'static [&'static str], judge: fn(&Run)) -> Case {
    Case { tool, args, judge }
}

pub fn tests() -> Vec<Trial> {
    let needs = [Need::Root, Need::Fio, Need::Loop];
    let mut tests = vec![test("tools/each_has_a_test", &[], each_has_a_test)];
    for case in CASES {
        let name = format!("tools/{}", case.tool);
        tests.push(test(&name, &needs, move || check(case)));
    }
    tests
}

fn each_has_a_test() {
    let mut command = iotq();
    command.args(["list", "tools", "--format", "json"]);
    let listed = run(command).text();
    let listed = listed
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap());
    let listed: Vec<String> = listed
        .map(|tool| tool["name"].as_str().unwrap().to_owned())
        .collect();
    let tested: Vec<&str> = CASES.iter().map(|case| case.tool).collect();
    let mut sorted = tested.clone();
    sorted.sort_unstable();
    assert_eq!(listed, sorted);
}

/// Once as JSON, once as text.
fn check(case: &Case) {
    let disk = Disk::ext4(192);
    let reads = Reads {
        target: &disk.file(128),
        engine: "psync",
        depth: 1,
        threads: 1,
        each: u32::try_from(READS).unwrap(),
        memory: disk.memory(),
    };
    let folder = disk.folder().display();
    // The last of it reads a folder, which fails.
    let load = format!(
        "exec > /dev/null 2>&1; {}; dd if=/dev/zero of={folder}/wal bs=64k count=64 conv=fsync; cat {folder}; true",
        reads.line()
    );
    let name = disk.name();
    let output = |format: &str| {
        let mut command = iotq();
        command.args(["--ring", "16M", "--format", format, "-c", &load, case.tool]);
        command.args(case.args);
        if takes_dev(case.tool) {
            command.args(["--dev", &name]);
        }
        let ended = run(command);
        assert_eq!(ended.code(), 0, "{}", ended.stderr);
        ended
    };
    let kernel = Completions::start();
    let ended = output("json");
    let kernel = kernel.map_or_else(Vec::new, Completions::stop);
    let lines = ended.text();
    let lines = lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap());
    let run = Run {
        lines: lines.collect(),
        disk: &name,
        unseen: unseen(&kernel, &name, &ended.stderr),
    };
    (case.judge)(&run);
    let text = output("text").text();
    let wanted = sample(case.tool);
    let wanted = shape(&wanted);
    assert!(
        text.lines().any(|line| shape(line) == wanted),
        "{wanted:?} in\n{text:.600}"
    );
}

/// What a tool printed as JSON.
struct Run<'a> {
    lines: Vec<Value>,
    /// The disk that the load is on.
    disk: &'a str,
    /// Events of the disk that no program saw.
    unseen: u64,
}

impl Run<'_> {
    fn rows(&self) -> impl Iterator<Item = &Value> {
        let rows = self.lines.iter().filter(|line| line["type"] == "row");
        rows.map(|row| &row["data"])
    }

    /// Keys and values of the groups.
    fn groups(&self) -> impl Iterator<Item = (&Value, &Value)> {
        let groups = self.lines.iter().filter(|line| line["type"] == "group");
        groups.map(|group| (&group["by"], &group["data"]))
    }

    /// That these are the reads of the load.
    fn is_all(&self, reads: u64) {
        self.has_all(reads);
        assert!(reads <= READS, "{reads}");
    }

    /// That the reads of the load are among so many requests.
    fn has_all(&self, requests: u64) {
        let unseen = self.unseen;
        assert!(requests + unseen >= READS, "{requests}, {unseen} unseen");
    }

    /// So many have a latency: all but those whose end was not seen.
    fn are_all_ended(&self, ended: u64, all: u64) {
        let range = all.saturating_sub(self.unseen)..=all;
        assert!(range.contains(&ended), "{ended} of {all}");
    }

    /// The only group of such a key.
    fn group(&self, wanted: impl Fn(&Value) -> bool) -> &Value {
        let mut found = self.groups().filter(|(by, _)| wanted(by));
        let first = found.next().unwrap_or_else(|| panic!("{:?}", self.lines));
        assert!(found.next().is_none(), "{:?}", self.lines);
        first.1
    }

    /// A column of all groups of such keys together.
    fn sum(&self, wanted: impl Fn(&Value) -> bool, column: &str) -> u64 {
        let groups = self.groups().filter(|(by, _)| wanted(by));
        groups.filter_map(|(_, data)| data[column].as_u64()).sum()
    }
}

/// How many values are in the buckets of a histogram.
fn counted(histogram: &Value) -> u64 {
    let buckets = histogram["hist"].as_array().unwrap();
    buckets
        .iter()
        .map(|bucket| bucket[2].as_u64().unwrap())
        .sum()
}

fn source(tool: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../stdlib");
    fs::read_to_string(folder.join(format!("{tool}.iotq"))).unwrap()
}

fn takes_dev(tool: &str) -> bool {
    source(tool).contains("\nparam dev: dev")
}

/// The first line of the output that a tool's text shows: behind the lines that tell how it is run.
fn sample(tool: &str) -> String {
    let source = source(tool);
    let mut shown = source.lines().filter_map(|line| line.strip_prefix("#   "));
    let first = shown.find(|line| !line.starts_with("sudo iotq "));
    first
        .unwrap_or_else(|| panic!("{tool} shows no sample"))
        .to_owned()
}

/// The names in a line of output: of columns, of the keys of a group, or of what a tree tells of its root.
fn shape(line: &str) -> Vec<&str> {
    let words = line.split_whitespace();
    let names = words.filter(|word| !word.starts_with(|c: char| c.is_ascii_digit()));
    names.map(|word| word.split('=').next().unwrap()).collect()
}
