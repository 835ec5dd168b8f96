//! Control groups of the cgroup v2 hierarchy.

use std::collections::HashMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// A control group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cgroup {
    /// Its path below the root of the hierarchy; `/` is the root.
    pub path: String,
    /// Its number.
    pub id: u64,
    /// How far below the root it lies.
    pub level: u32,
}

/// Deeper or larger hierarchies are not searched any further.
const MAX_DEPTH: u32 = 32;
const MAX_GROUPS: usize = 100_000;

/// The folder where the hierarchy is mounted.
pub fn mount() -> Option<PathBuf> {
    let table = fs::read_to_string("/proc/self/mountinfo").ok()?;
    table.lines().find_map(|line| {
        let (mount, filesystem) = line.split_once(" - ")?;
        let folder = mount.split(' ').nth(4)?;
        filesystem
            .starts_with("cgroup2 ")
            .then(|| PathBuf::from(unescape(folder)))
    })
}

/// A group by path, number, the name of its folder (a systemd unit), or the id of its container.
pub fn find(text: &str) -> Option<Cgroup> {
    let root = mount()?;
    let number = text.parse::<u64>();
    let path = Path::new(text);
    let below = path.strip_prefix(&root).or_else(|_| path.strip_prefix("/"));
    if let Ok(below) = below {
        return read(&root, &root.join(below));
    }
    let groups = all(&root);
    let folder = |group: &Cgroup| group.path.rsplit('/').next().unwrap_or_default().to_owned();
    let find = |is: &dyn Fn(&Cgroup) -> bool| groups.iter().find(|group| is(group)).cloned();
    let by_name = || match number {
        Ok(id) => find(&|group| group.id == id),
        Err(_) => find(&|group| folder(group) == text),
    };
    by_name().or_else(|| find(&|group| is_container(&folder(group), text)))
}

/// Digits of a container's id, and of what people write of it.
const CONTAINER_ID: usize = 64;
const SHORT_ID: usize = 12;

/// Whether a folder is that of a container whose id begins so: `docker-4f3c….scope`, `4f3c…`, whatever manages it.
fn is_container(folder: &str, id: &str) -> bool {
    let is_id = |text: &str| text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let mut parts = folder.split(|letter: char| !letter.is_ascii_hexdigit());
    (SHORT_ID..=CONTAINER_ID).contains(&id.len())
        && is_id(id)
        && parts.any(|part| part.len() == CONTAINER_ID && part.starts_with(id))
}

/// The paths of all groups, by number.
pub fn paths() -> HashMap<u64, String> {
    let groups = mount().map(|root| all(&root)).unwrap_or_default();
    groups
        .into_iter()
        .map(|group| (group.id, group.path))
        .collect()
}

/// Every group, parents first.
fn all(root: &Path) -> Vec<Cgroup> {
    let mut groups: Vec<Cgroup> = read(root, root).into_iter().collect();
    let mut next = 0;
    while next < groups.len() && groups.len() < MAX_GROUPS {
        let folder = root.join(groups[next].path.trim_start_matches('/'));
        if groups[next].level < MAX_DEPTH
            && let Ok(entries) = fs::read_dir(folder)
        {
            groups.extend(entries.filter_map(|entry| read(root, &entry.ok()?.path())));
        }
        next += 1;
    }
    groups
}

fn read(root: &Path, folder: &Path) -> Option<Cgroup> {
    let folder = fs::canonicalize(folder).ok()?;
    let below = folder.strip_prefix(fs::canonicalize(root).ok()?).ok()?;
    let meta = fs::metadata(&folder).ok().filter(fs::Metadata::is_dir)?;
    let level = below.components().count().try_into().ok()?;
    Some(Cgroup {
        path: format!("/{}", below.to_str()?),
        id: meta.ino(),
        level,
    })
}

/// mountinfo writes blanks and such as `\040`.
fn unescape(text: &str) -> String {
    let mut parts = text.split('\\');
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let code = part
            .get(..3)
            .and_then(|digits| u8::from_str_radix(digits, 8).ok());
        match code {
            Some(code) => {
                out.push(char::from(code));
                out.push_str(&part[3..]);
            }
            None => {
                out.push('\\');
                out.push_str(part);
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blanks_in_mount_points() {
        assert_eq!(unescape(r"/mnt/a\040b\134c"), r"/mnt/a b\c");
        assert_eq!(unescape(r"/mnt/\9"), r"/mnt/\9");
    }

    #[test]
    fn containers_are_found_by_their_ids() {
        let id = "4f3c2a1b0d9e".to_owned() + &"07".repeat(26);
        for folder in [
            format!("docker-{id}.scope"),
            format!("cri-containerd-{id}.scope"),
            id.clone(),
        ] {
            assert!(is_container(&folder, &id) && is_container(&folder, &id[..12]));
            assert!(!is_container(&folder, &id[..11]), "too short");
            assert!(!is_container(&folder, &id[1..]), "not its beginning");
        }
        assert!(!is_container("deadbeefdeadbeef.service", "deadbeefdead"));
    }

    #[test]
    fn groups_are_found_by_path_and_number() {
        let Some(root) = mount() else { return };
        let groups = all(&root);
        assert_eq!(groups.first().map(|group| group.level), Some(0));
        for group in groups.iter().take(20) {
            assert_eq!(find(&group.path).as_ref(), Some(group));
            assert_eq!(find(&group.id.to_string()).as_ref(), Some(group));
        }
        assert_eq!(find("/../etc"), None);
    }
}
