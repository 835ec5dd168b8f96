//! Directories, by the numbers that the kernel's inodes have.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use iotq_lang::check::near;
use rustix::fs::{AtFlags, CWD, StatxFlags, statx};

use super::device::kernel_number;

/// A directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Directory {
    /// The device of its filesystem.
    pub dev: u32,
    /// Its inode.
    pub inode: u64,
    /// On btrfs, the device that stands for its subvolume: each numbers its inodes for itself.
    pub volume: Option<u32>,
}

/// A mounted filesystem.
struct Mount {
    dev: u32,
    kind: String,
}

/// A directory by its path.
///
/// # Errors
/// If there is none, or something else.
pub fn find(path: &str) -> io::Result<Directory> {
    let meta = fs::metadata(path)?;
    if !meta.is_dir() {
        return Err(io::ErrorKind::NotADirectory.into());
    }
    let shown = kernel_number(meta.dev());
    // What `stat` shows need not be the filesystem's own device.
    let mount = mount_of(path);
    let is_btrfs = mount.as_ref().is_some_and(|mount| mount.kind == "btrfs");
    Ok(Directory {
        dev: mount.map_or(shown, |mount| mount.dev),
        inode: meta.ino(),
        volume: is_btrfs.then_some(shown),
    })
}

/// Paths that may have been meant by one that leads nowhere: near the first name of it that is missing.
pub fn near_paths(text: &str) -> Vec<String> {
    let path = Path::new(text);
    let Some((folder, missing)) = first_missing(path) else {
        return Vec::new();
    };
    let entries = match folder.as_os_str().is_empty() {
        true => fs::read_dir("."),
        false => fs::read_dir(folder),
    };
    let names = entries.into_iter().flatten().take(MOST_ENTRIES);
    let names = names.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let names: Vec<String> = names.collect();
    let rest = path.strip_prefix(folder.join(missing)).ok();
    let whole = |name: String| {
        let begun = folder.join(name);
        let full = rest.map(|rest| begun.join(rest));
        full.filter(|full| full.exists()).unwrap_or(begun)
    };
    let found = near(missing, names.iter().map(String::as_str)).into_iter();
    let paths = found.map(|name| whole(name).display().to_string());
    paths
        .map(|path| path.trim_end_matches('/').to_owned())
        .collect()
}

/// Larger directories are not read to their end for a hint.
const MOST_ENTRIES: usize = 10_000;

/// The first name on a path that is missing, and the directory that it is missing in.
fn first_missing(path: &Path) -> Option<(&Path, &str)> {
    let mut ways: Vec<&Path> = path.ancestors().collect();
    ways.reverse();
    let missing = ways
        .into_iter()
        .find(|way| !way.as_os_str().is_empty() && !way.exists())?;
    Some((missing.parent()?, missing.file_name()?.to_str()?))
}

fn mount_of(path: &str) -> Option<Mount> {
    let found = statx(CWD, path, AtFlags::empty(), StatxFlags::MNT_ID).ok()?;
    let known = found.stx_mask & StatxFlags::MNT_ID.bits() != 0;
    let table = fs::read_to_string("/proc/self/mountinfo").ok()?;
    known.then(|| mount(&table, found.stx_mnt_id)).flatten()
}

/// `36 35 98:0 /part /mnt rw,noatime master:1 - ext3 /dev/root rw`
fn mount(table: &str, wanted: u64) -> Option<Mount> {
    table.lines().find_map(|line| {
        let (about, filesystem) = line.split_once(" - ")?;
        let mut words = about.split(' ');
        if words.next()?.parse() != Ok(wanted) {
            return None;
        }
        let (major, minor) = words.nth(1)?.split_once(':')?;
        let (major, minor): (u32, u32) = (major.parse().ok()?, minor.parse().ok()?);
        Some(Mount {
            dev: major << 20 | minor,
            kind: filesystem.split(' ').next()?.to_owned(),
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mounts_have_their_own_device() {
        let table = "21 1 254:1 / / rw shared:1 - ext4 /dev/vda1 rw\n\
                     36 21 0:38 /vol /mnt/a\\040b rw,noatime - btrfs /dev/loop0 rw,subvol=/vol\n";
        let mount = mount(table, 36).expect("a mount");
        assert_eq!((mount.dev, mount.kind.as_str()), (38, "btrfs"));
        assert!(super::mount(table, 3).is_none());
    }

    #[test]
    fn a_directory_is_found_and_a_file_is_none() {
        let root = find("/").expect("there is a root");
        assert_eq!(root.inode, fs::metadata("/").expect("a root").ino());
        let error = find("/proc/self/stat").expect_err("a file");
        assert_eq!(error.kind(), io::ErrorKind::NotADirectory);
        assert!(find("/no such directory").is_err());
    }

    #[test]
    fn names_near_a_missing_one() {
        assert_eq!(near_paths("/pruc"), ["/proc"]);
        assert_eq!(near_paths("/pruc/self"), ["/proc/self"]);
        assert_eq!(near_paths("/pruc/nothing of this name"), ["/proc"]);
        assert!(near_paths("/proc").is_empty());
    }
}
