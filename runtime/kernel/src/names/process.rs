//! Processes and their descendants, as /proc shows them.

use std::collections::{HashMap, HashSet};
use std::fs;

/// Whether a process exists.
pub fn exists(pid: u32) -> bool {
    fs::exists(format!("/proc/{pid}/stat")).unwrap_or(false)
}

/// A process and all its descendants.
pub fn family(root: u32) -> Vec<u32> {
    let mut children: HashMap<u32, Vec<u32>> = HashMap::new();
    for (pid, parent) in all() {
        children.entry(parent).or_default().push(pid);
    }
    let mut found = vec![root];
    let mut seen = HashSet::from([root]);
    let mut next = 0;
    while next < found.len() {
        for &child in children.get(&found[next]).into_iter().flatten() {
            if seen.insert(child) {
                found.push(child);
            }
        }
        next += 1;
    }
    found
}

/// Whether this process sees the ids that the kernel reports.
pub fn in_initial_namespace() -> bool {
    // The inode number of the initial namespace is fixed: PROC_PID_INIT_INO.
    fs::read_link("/proc/self/ns/pid").is_ok_and(|link| link.as_os_str() == "pid:[4026531836]")
}

/// Every process with the name of what it runs.
pub fn commands() -> Vec<(u32, String)> {
    let named = |(pid, _)| {
        let name = fs::read(format!("/proc/{pid}/comm")).ok()?;
        Some((pid, String::from_utf8_lossy(&name).trim_end().to_owned()))
    };
    all().filter_map(named).collect()
}

/// Every process with its parent.
fn all() -> impl Iterator<Item = (u32, u32)> {
    let entries = fs::read_dir("/proc").into_iter().flatten();
    entries.filter_map(|entry| {
        let pid = entry.ok()?.file_name().to_str()?.parse().ok()?;
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        Some((pid, parent(&stat)?))
    })
}

/// The parent's id in a line of /proc/PID/stat, whose second field is a name that may hold anything.
fn parent(stat: &str) -> Option<u32> {
    let (_, fields) = stat.rsplit_once(')')?;
    fields.split_ascii_whitespace().nth(1)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_may_hold_parentheses() {
        assert_eq!(parent("12 (a) R (b) S 7 12 12"), Some(7));
        assert_eq!(parent("12"), None);
    }

    #[test]
    fn this_process_runs_something() {
        let own = std::process::id();
        let commands = commands();
        let name = commands.iter().find(|(pid, _)| *pid == own);
        assert!(name.is_some_and(|(_, name)| !name.is_empty()));
    }

    #[test]
    fn a_child_belongs_to_the_family() {
        let mut child = std::process::Command::new("sleep")
            .arg("60")
            .spawn()
            .expect("start sleep");
        let family = family(std::process::id());
        child.kill().expect("end sleep");
        child.wait().expect("reap sleep");
        assert!(family.contains(&child.id()));
        assert_eq!(family[0], std::process::id());
    }
}
