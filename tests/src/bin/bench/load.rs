//! The loads, made by fio.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use iotq_tests::{Ended, Started, start};

/// A load.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Load {
    /// 12 000 reads and 250 writes a second.
    Paced,
    /// As fast as twelve threads can.
    Full,
    /// As many as the paced one, in another way.
    Row(Row),
}

/// A row of the table that tracers of requests are compared by.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Row {
    direct: bool,
    random: bool,
    readers: u32,
}

const fn row(direct: bool, random: bool, readers: u32) -> Row {
    Row {
        direct,
        random,
        readers,
    }
}

const READS: u32 = 12_000;

impl Load {
    pub const ALL: [Load; 8] = [
        Load::Paced,
        Load::Full,
        Load::Row(row(true, true, 1)),
        Load::Row(row(true, true, 12)),
        Load::Row(row(true, false, 1)),
        Load::Row(row(false, true, 1)),
        Load::Row(row(false, true, 12)),
        Load::Row(row(false, false, 12)),
    ];

    pub fn name(self) -> String {
        match self {
            Load::Paced => "paced".into(),
            Load::Full => "full".into(),
            Load::Row(row) => format!("{}-{}-{}", row.way(), row.order(), row.readers),
        }
    }

    /// By its own name, or as one of the rows.
    pub fn is_meant_by(self, name: &str) -> bool {
        name == self.name() || name == "rows" && matches!(self, Load::Row(_))
    }

    pub fn about(self) -> String {
        match self {
            Load::Paced => "12 000 reads/s + 250 writes/s, ext4 on a loop device".into(),
            Load::Full => "12 threads of random reads at full speed, ext4 on a loop device".into(),
            Load::Row(row) => format!(
                "12 000 reads/s + 250 writes/s, {}, {}, {} reading, ext4 on a loop device",
                row.way(),
                row.order(),
                if row.readers == 1 {
                    "one thread"
                } else {
                    "12 threads"
                }
            ),
        }
    }

    pub fn start(self, file: &Path, length: Duration) -> Started {
        let mut fio = Command::new("fio");
        fio.args([
            "--thread",
            "--output-format=json",
            "--bs=4k",
            "--ioengine=psync",
            "--size=256M",
        ])
        .args(["--time_based", "--norandommap", "--group_reporting"])
        .arg(format!("--runtime={}", length.as_secs()))
        .arg(format!("--filename={}", file.display()));
        match self {
            Load::Paced => row(true, true, 1).jobs(&mut fio),
            Load::Full => {
                fio.args([
                    "--name=reads",
                    "--direct=1",
                    "--rw=randread",
                    "--numjobs=12",
                ]);
            }
            Load::Row(row) => row.jobs(&mut fio),
        }
        start(fio, b"")
    }
}

impl Row {
    fn jobs(self, fio: &mut Command) {
        let order = if self.random { "rand" } else { "" };
        fio.arg(format!("--direct={}", u8::from(self.direct)))
            .args(["--name=reads", &format!("--rw={order}read")])
            .arg(format!("--numjobs={}", self.readers))
            .arg(format!("--rate_iops={}", READS / self.readers))
            .args(["--name=writes", "--new_group", "--numjobs=1"])
            .arg(format!("--rw={order}write"))
            .arg("--rate_iops=250");
    }

    fn way(self) -> &'static str {
        if self.direct { "direct" } else { "buffered" }
    }

    fn order(self) -> &'static str {
        if self.random { "random" } else { "sequential" }
    }
}

/// What fio did.
pub struct Done {
    pub requests: f64,
    pub per_second: f64,
}

impl Done {
    pub fn of(ended: &Ended) -> Self {
        let text = ended.text();
        let json = text.find('{').map(|start| &text[start..]);
        let json: serde_json::Value = serde_json::from_str(json.expect("fio reports")).unwrap();
        let (mut requests, mut per_second) = (0.0, 0.0);
        for job in json["jobs"].as_array().unwrap() {
            for way in ["read", "write"] {
                requests += job[way]["total_ios"].as_f64().unwrap();
                per_second += job[way]["iops"].as_f64().unwrap();
            }
        }
        Self {
            requests,
            per_second,
        }
    }
}
