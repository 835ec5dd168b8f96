//! Block devices, as sysfs describes them.

use std::fs;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

/// A block device of this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Device {
    /// The kernel's name for it.
    pub name: String,
    /// Its number, as the kernel has it: `major << 20 | minor`.
    pub number: u32,
    /// The number of the whole disk: its own, but for a partition.
    pub disk: u32,
    /// Of a partition: its first and last sector on the disk.
    pub sectors: Option<(u64, u64)>,
    /// Its own number and those of its partitions.
    pub numbers: Vec<u32>,
    /// Its length in bytes.
    pub bytes: u64,
    /// It has no requests of its own, only bios: device mapper, md, zram, NVMe multipath heads.
    pub bio_based: bool,
    /// The devices it is made of.
    pub members: Vec<String>,
    /// What it stands for: the mapping's name, or the loop device's file.
    pub alias: Option<String>,
}

const BY_NAME: &str = "/sys/class/block";

/// All devices, sorted by name.
pub fn all() -> Vec<Device> {
    let mut names = entries(Path::new(BY_NAME));
    names.sort();
    names.iter().filter_map(|name| read(name)).collect()
}

/// A device by kernel name, numbers, path, or the name of its mapping.
pub fn find(text: &str) -> Option<Device> {
    if let Some(number) = parse_number(text) {
        return by_number(number);
    }
    if text.starts_with('/') {
        let meta = fs::metadata(text).ok()?;
        return meta
            .file_type()
            .is_block_device()
            .then(|| by_number(kernel_number(meta.rdev())))?;
    }
    let name = text.replace('/', "!");
    read(&name).or_else(|| {
        all()
            .into_iter()
            .find(|device| device.is_mapping() && device.alias.as_deref() == Some(text))
    })
}

/// A device by its number.
pub fn by_number(number: u32) -> Option<Device> {
    let link = format!("/sys/dev/block/{}:{}", number >> 20, number & 0xfffff);
    let target = fs::read_link(link).ok()?;
    read(target.file_name()?.to_str()?)
}

/// The number of a device as `stat` gives it, in the kernel's form.
pub fn kernel_number(stat: u64) -> u32 {
    rustix::fs::major(stat) << 20 | rustix::fs::minor(stat) & 0xfffff
}

/// How many requests all devices together can have in flight, as far as sysfs tells.
pub fn request_count() -> usize {
    let disks = entries(Path::new("/sys/block"));
    disks
        .iter()
        .map(|disk| requests_of(&Path::new("/sys/block").join(disk)))
        .sum()
}

/// The tags of each hardware queue, or the scheduler's requests, and a flush request each.
fn requests_of(disk: &Path) -> usize {
    let queues = entries(&disk.join("mq"));
    let scheduler = number(&disk.join("queue/nr_requests")).unwrap_or(0);
    let tags = |queue: &String| {
        number(&disk.join("mq").join(queue).join("nr_tags")).unwrap_or(0) + scheduler + 1
    };
    queues
        .iter()
        .map(tags)
        .sum::<u64>()
        .try_into()
        .unwrap_or(usize::MAX)
}

impl Device {
    fn is_mapping(&self) -> bool {
        self.name.starts_with("dm-")
    }
}

fn read(name: &str) -> Option<Device> {
    if name.is_empty() || name.contains('/') || name.starts_with('.') {
        return None;
    }
    let folder = fs::canonicalize(Path::new(BY_NAME).join(name)).ok()?;
    let own = parse_number(&text(&folder.join("dev"))?)?;
    let length = number(&folder.join("size")).unwrap_or(0);
    let start = folder
        .join("partition")
        .exists()
        .then(|| number(&folder.join("start")))
        .flatten();
    let disk_folder = if start.is_some() {
        folder.parent()?.to_path_buf()
    } else {
        folder.clone()
    };
    Some(Device {
        name: name.replace('!', "/"),
        number: own,
        disk: parse_number(&text(&disk_folder.join("dev"))?)?,
        sectors: start.map(|first| (first, first.saturating_add(length.max(1) - 1))),
        numbers: numbers(&folder, own),
        bytes: length.saturating_mul(512),
        bio_based: !disk_folder.join("mq").exists(),
        members: entries(&disk_folder.join("slaves")),
        alias: text(&folder.join("dm/name")).or_else(|| text(&folder.join("loop/backing_file"))),
    })
}

/// A device's own number, then those of the partitions in its folder.
fn numbers(folder: &Path, own: u32) -> Vec<u32> {
    let partitions = entries(folder).into_iter().map(|name| folder.join(name));
    let partitions = partitions.filter(|path| path.join("partition").exists());
    let of = |path: PathBuf| parse_number(&text(&path.join("dev"))?);
    [own].into_iter().chain(partitions.filter_map(of)).collect()
}

fn parse_number(text: &str) -> Option<u32> {
    let (major, minor) = text.split_once(':')?;
    let (major, minor): (u32, u32) = (major.parse().ok()?, minor.parse().ok()?);
    (major < 1 << 12 && minor < 1 << 20).then_some(major << 20 | minor)
}

fn text(path: &Path) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    Some(text.trim_end().to_owned())
}

fn number(path: &Path) -> Option<u64> {
    text(path)?.parse().ok()
}

fn entries(folder: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(folder) else {
        return Vec::new();
    };
    entries
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_the_kernels() {
        assert_eq!(parse_number("253:1"), Some(253 << 20 | 1));
        assert_eq!(parse_number("4096:0"), None);
        assert_eq!(parse_number("253:1048576"), None);
        assert_eq!(parse_number("253"), None);
    }

    #[test]
    fn hostile_names_are_no_devices() {
        for name in [
            "",
            ".",
            "..",
            "../block/vda",
            "/",
            "/etc/passwd",
            "a\0b",
            "no-such-device",
        ] {
            assert_eq!(find(name), None, "{name:?}");
        }
    }

    #[test]
    fn every_device_is_found_by_name_and_number() {
        for device in all() {
            assert_eq!(find(&device.name).as_ref(), Some(&device));
            assert_eq!(by_number(device.number).as_ref(), Some(&device));
            assert!(device.numbers.contains(&device.number));
        }
    }
}
