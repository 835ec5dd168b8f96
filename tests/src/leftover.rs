//! What a run may leave in the kernel: nothing.

use std::collections::BTreeSet;
use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::command::tool;

/// The kernel frees programs and maps a moment after the last use.
const PATIENCE: Duration = Duration::from_secs(20);

/// The objects of iotq that were there at some moment.
pub struct Before {
    objects: BTreeSet<String>,
    pins: BTreeSet<String>,
}

impl Before {
    /// Now.
    pub fn now() -> Self {
        Self {
            objects: objects(),
            pins: pins(),
        }
    }

    /// Waits until nothing of iotq is there that was not there before, and that no living process holds.
    pub fn assert_clean(&self) {
        assert_eq!(pins(), self.pins, "something is pinned");
        let begin = Instant::now();
        loop {
            let new: Vec<_> = objects().difference(&self.objects).cloned().collect();
            if new.is_empty() {
                return;
            }
            assert!(begin.elapsed() < PATIENCE, "left in the kernel: {new:?}");
            thread::sleep(Duration::from_millis(50));
        }
    }
}

/// Programs and links of iotq, and its maps, without those of other runs that go on meanwhile.
fn objects() -> BTreeSet<String> {
    let (programs, links, maps) = (list("prog"), list("link"), list("map"));
    let ours = |object: &&Value| {
        object["name"]
            .as_str()
            .is_some_and(|name| name.starts_with("iotq_"))
    };
    let held = held();
    let free = |id: &Value| !held.contains(&id.as_u64().unwrap_or(0));
    let programs: Vec<_> = programs.iter().filter(ours).collect();
    let held_maps: BTreeSet<_> = programs
        .iter()
        .filter(|program| !free(&program["id"]))
        .flat_map(|program| program["map_ids"].as_array().cloned().unwrap_or_default())
        .filter_map(|id| id.as_u64())
        .collect();
    let programs: Vec<_> = programs
        .into_iter()
        .filter(|program| free(&program["id"]))
        .collect();
    let mut found = BTreeSet::new();
    for link in &links {
        if programs
            .iter()
            .any(|program| program["id"] == link["prog_id"])
        {
            found.insert(format!("link {}", link["id"]));
        }
    }
    for program in programs {
        found.insert(format!("program {} {}", program["id"], program["name"]));
    }
    for map in maps.iter().filter(ours) {
        if !held_maps.contains(&map["id"].as_u64().unwrap_or(0)) {
            found.insert(format!("map {} {}", map["id"], map["name"]));
        }
    }
    found
}

/// The programs that living processes hold, by themselves or through links.
fn held() -> BTreeSet<u64> {
    let mut ids = BTreeSet::new();
    for process in fs::read_dir("/proc").unwrap().flatten() {
        let Ok(infos) = fs::read_dir(process.path().join("fdinfo")) else {
            continue;
        };
        for info in infos.flatten() {
            let text = fs::read_to_string(info.path()).unwrap_or_default();
            let id = text.lines().find_map(|line| line.strip_prefix("prog_id:"));
            ids.extend(id.and_then(|id| id.trim().parse::<u64>().ok()));
        }
    }
    ids
}

fn list(kind: &str) -> Vec<Value> {
    let text = tool("bpftool", &["-j", kind, "list"]);
    // An object that goes while it is listed makes an object with an error in the list, or an empty answer.
    serde_json::from_str(&text).unwrap_or_default()
}

fn pins() -> BTreeSet<String> {
    let entries = fs::read_dir("/sys/fs/bpf").into_iter().flatten().flatten();
    entries
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect()
}
