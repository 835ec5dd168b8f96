//! NVMe multipath: a head, which has bios only, and the hidden disks below it, one for each controller.
//!
//! The head `nvme0n2` is namespace 2 of subsystem 0, and `nvme0c1n2` its path through controller 1. The kernel makes the
//! names so, and did before it listed the paths in the head's folder `multipath`.

use std::path::Path;

use super::tree::{Tree, entries};

/// The paths of the head with this folder; none if it is no head.
pub(super) fn paths(tree: &Tree, head: &Path) -> Vec<String> {
    let Some(name) = head.file_name().and_then(|name| name.to_str()) else {
        return Vec::new();
    };
    if !name.starts_with("nvme") {
        return Vec::new();
    }
    let mut paths = entries(&head.join("multipath"));
    let disks = entries(&tree.class("block")).into_iter();
    paths.extend(disks.filter(|disk| head_of(disk).as_deref() == Some(name)));
    paths.sort();
    paths.dedup();
    paths
}

/// What the head of a path is called.
pub(super) fn head_of(path: &str) -> Option<String> {
    let (subsystem, rest) = path.strip_prefix("nvme")?.split_once('c')?;
    let (controller, namespace) = rest.split_once('n')?;
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    [subsystem, controller, namespace]
        .into_iter()
        .all(digits)
        .then(|| format!("nvme{subsystem}n{namespace}"))
}
