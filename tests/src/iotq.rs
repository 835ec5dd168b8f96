//! The iotq command, and what it prints in JSON.

use std::collections::BTreeMap;
use std::env;
use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;

use serde_json::{Map, Value};

use crate::command::{Ended, run};

/// A row's statement and fields.
#[derive(Clone, Debug)]
pub struct Row {
    /// The statement.
    pub query: u64,
    /// The guest that it is of, where several are asked.
    pub guest: Option<String>,
    /// The fields by name.
    pub data: Map<String, Value>,
}

impl Row {
    /// A number; null is none.
    pub fn int(&self, name: &str) -> Option<i64> {
        self.field(name).as_i64()
    }

    /// A number that is there and not negative.
    pub fn number(&self, name: &str) -> u64 {
        let value = self.field(name).as_u64();
        value.unwrap_or_else(|| panic!("{name} of {self:?}"))
    }

    /// Text.
    pub fn text(&self, name: &str) -> &str {
        let value = self.field(name).as_str();
        value.unwrap_or_else(|| panic!("{name} of {self:?}"))
    }

    /// A field.
    pub fn field(&self, name: &str) -> &Value {
        let value = self.data.get(name);
        value.unwrap_or_else(|| panic!("no {name} in {self:?}"))
    }
}

/// A group.
#[derive(Clone, Debug)]
pub struct Group {
    /// The statement.
    pub query: u64,
    /// The end of its interval, in nanoseconds since 1970.
    pub at: u64,
    /// The keys by name.
    pub by: Map<String, Value>,
    /// What is told of it, by name.
    pub data: Map<String, Value>,
}

impl Group {
    /// A number that is there and not negative.
    pub fn number(&self, name: &str) -> u64 {
        let value = self.data.get(name).and_then(Value::as_u64);
        value.unwrap_or_else(|| panic!("{name} of {self:?}"))
    }

    /// That stages add up to the latency.
    pub fn adds_up(&self) {
        let parts = self.data.keys();
        let parts = parts.filter(|it| !["requests", "lat"].contains(&it.as_str()));
        let sum: u64 = parts.map(|it| self.number(it)).sum();
        assert_eq!(sum, self.number("lat"), "{self:?}");
    }

    /// The buckets of a histogram by their lower bound, with their upper one.
    pub fn buckets(&self, name: &str) -> BTreeMap<u64, (u64, u64)> {
        let list = self.data.get(name).and_then(|it| it["hist"].as_array());
        let list = list.unwrap_or_else(|| panic!("{name} of {self:?}"));
        let number = |value: &Value| value.as_u64().unwrap();
        let bucket = |it: &Value| (number(&it[0]), (number(&it[1]), number(&it[2])));
        list.iter().map(bucket).collect()
    }
}

/// What a run printed.
#[derive(Debug)]
pub struct Output {
    /// All rows.
    pub rows: Vec<Row>,
    /// All groups.
    pub groups: Vec<Group>,
    /// All trees, as they are printed.
    pub trees: Vec<Value>,
    /// Records that passed the probes' way.
    pub seen: u64,
    /// Records that came to user space.
    pub shipped: u64,
    /// Records that found no room.
    pub lost: u64,
    /// Ends without a beginning.
    pub unmatched: u64,
    /// Its standard error.
    pub stderr: String,
}

impl Output {
    /// The rows of each request that its columns `time` and `tid` tell apart, in their order.
    pub fn requests(&self) -> BTreeMap<(u64, u64), Vec<&Row>> {
        let mut requests = BTreeMap::<_, Vec<&Row>>::new();
        for row in &self.rows {
            let key = (row.number("time"), row.number("tid"));
            requests.entry(key).or_default().push(row);
        }
        requests
    }

    /// The rows of a statement.
    pub fn of(&self, query: u64) -> impl Iterator<Item = &Row> {
        self.rows.iter().filter(move |row| row.query == query)
    }

    /// The groups of a statement.
    pub fn groups_of(&self, query: u64) -> impl Iterator<Item = &Group> {
        self.groups.iter().filter(move |group| group.query == query)
    }

    /// How many events iotq says it has not seen; see [`unseen`].
    pub fn unseen(&self) -> u64 {
        unseen(&self.stderr)
    }

    /// Reads what was printed; the summary is its last line.
    pub fn parse(ended: &Ended) -> Self {
        Self::of_text(&ended.text(), &ended.stderr)
    }

    /// The same, of what was brought in from elsewhere.
    pub fn of_text(text: &str, stderr: &str) -> Self {
        let mut lines: Vec<Value> = text
            .lines()
            .map(|line| {
                serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line:.200}"))
            })
            .collect();
        let summary = lines.pop();
        let summary = summary.unwrap_or_else(|| panic!("printed nothing: {stderr}"));
        assert_eq!(summary["type"], "summary", "{stderr}");
        assert!(summary["seconds"].is_number(), "{summary}");
        let count = |name: &str| summary[name].as_u64().expect("a count");
        let (rows, others): (Vec<_>, Vec<_>) =
            lines.into_iter().partition(|it| it["type"] == "row");
        let (trees, groups): (Vec<_>, Vec<_>) =
            others.into_iter().partition(|it| it["type"] == "tree");
        Self {
            trees,
            rows: rows.into_iter().map(row).collect(),
            groups: groups.into_iter().map(group).collect(),
            seen: count("seen"),
            shipped: count("shipped"),
            lost: count("lost"),
            unmatched: count("unmatched"),
            stderr: stderr.into(),
        }
    }
}

/// How many events iotq says it has not seen, in all of its runs: the kernel skips a program that is running already on the
/// CPU, or that was preempted there.
pub fn unseen(stderr: &str) -> u64 {
    let counts = stderr.lines().filter_map(|line| {
        let rest = line.strip_prefix("iotq: ")?;
        let (count, _) = rest.split_once(" events went by unseen")?;
        count.parse::<u64>().ok()
    });
    counts.sum()
}

fn row(mut line: Value) -> Row {
    assert_eq!(line["type"], "row", "{line}");
    let Value::Object(data) = line["data"].take() else {
        panic!("no data: {line}")
    };
    Row {
        query: line["query"].as_u64().unwrap(),
        guest: line["guest"].as_str().map(str::to_owned),
        data,
    }
}

fn group(mut line: Value) -> Group {
    assert_eq!(line["type"], "group", "{line}");
    let (Value::Object(by), Value::Object(data)) = (line["by"].take(), line["data"].take()) else {
        panic!("no keys, or no data: {line}")
    };
    Group {
        query: line["query"].as_u64().unwrap(),
        at: line["at"].as_u64().unwrap(),
        by,
        data,
    }
}

/// The command under test.
pub fn iotq() -> Command {
    let mut command = Command::new(binary());
    command.env_remove("IOTQ_BTF");
    command
}

/// Runs it with JSON as its form; it must succeed.
pub fn json(args: &[&str]) -> Output {
    let mut command = iotq();
    command.args(["--format", "json"]).args(args);
    let ended = run(command);
    assert_eq!(
        ended.code(),
        0,
        "{:.600}\n{:.300}",
        ended.stderr,
        format!("{args:?}")
    );
    Output::parse(&ended)
}

/// `IOTQ_BIN`, else what cargo builds beside this program, in the same profile.
pub fn binary() -> &'static PathBuf {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| match env::var_os("IOTQ_BIN") {
        Some(path) => path.into(),
        None => built(),
    })
}

fn built() -> PathBuf {
    let exe = env::current_exe().unwrap();
    let folder = exe.parent().unwrap();
    let folder = if folder.ends_with("deps") {
        folder.parent().unwrap()
    } else {
        folder
    };
    let path = folder.join("iotq");
    // Only cargo sets it; without cargo the binary must be there already.
    if let Some(cargo) = env::var_os("CARGO") {
        let mut build = Command::new(cargo);
        build
            .args(["build", "--quiet", "--package", "iotq", "--bin", "iotq"])
            .arg("--target-dir")
            .arg(folder.parent().unwrap())
            .current_dir(env!("CARGO_MANIFEST_DIR"));
        if !cfg!(debug_assertions) {
            build.arg("--release");
        }
        let status = build.status().unwrap();
        assert!(status.success(), "iotq cannot be built");
    }
    assert!(
        path.exists(),
        "{}: set IOTQ_BIN, or run it through cargo",
        path.display()
    );
    path
}
