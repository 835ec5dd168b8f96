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
}

impl Load {
    pub const ALL: [Load; 2] = [Load::Paced, Load::Full];

    pub fn name(self) -> &'static str {
        match self {
            Load::Paced => "paced",
            Load::Full => "full",
        }
    }

    pub fn about(self) -> &'static str {
        match self {
            Load::Paced => "12 000 reads/s + 250 writes/s, ext4 on a loop device",
            Load::Full => "12 threads of random reads at full speed, ext4 on a loop device",
        }
    }

    pub fn start(self, file: &Path, length: Duration) -> Started {
        let mut fio = Command::new("fio");
        fio.args([
            "--thread",
            "--output-format=json",
            "--bs=4k",
            "--direct=1",
            "--ioengine=psync",
            "--size=256M",
        ])
        .args(["--time_based", "--norandommap"])
        .arg(format!("--runtime={}", length.as_secs()))
        .arg(format!("--filename={}", file.display()));
        match self {
            Load::Paced => fio
                .args(["--name=reads", "--rw=randread", "--rate_iops=12000"])
                .args(["--name=writes", "--rw=randwrite", "--rate_iops=250"]),
            Load::Full => fio.args([
                "--group_reporting",
                "--name=reads",
                "--rw=randread",
                "--numjobs=12",
            ]),
        };
        start(fio, b"")
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
