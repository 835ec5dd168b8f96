//! What sysfs says of block devices.

use std::fs;
use std::path::{Path, PathBuf};

use super::{Device, nvme, parse_number};

/// The folder in which `sys`, `proc` and `dev` are.
pub(super) struct Tree(pub PathBuf);

impl Tree {
    pub fn machine() -> Self {
        Self("/".into())
    }

    pub fn all(&self) -> Vec<Device> {
        let mut names = entries(&self.class("block"));
        names.sort();
        names.iter().filter_map(|name| self.read(name)).collect()
    }

    pub fn by_name(&self, name: &str) -> Option<Device> {
        self.read(&name.replace('/', "!"))
    }

    pub fn by_number(&self, number: u32) -> Option<Device> {
        let numbers = format!("{}:{}", number >> 20, number & 0xfffff);
        match fs::read_link(self.0.join("sys/dev/block").join(numbers)) {
            Ok(target) => self.read(target.file_name()?.to_str()?),
            // Hidden disks have no such link.
            Err(_) => self
                .all()
                .into_iter()
                .find(|device| device.number == number),
        }
    }

    pub fn class(&self, name: &str) -> PathBuf {
        self.0.join("sys/class").join(name)
    }

    /// The folder of a device, if its name can be one.
    pub fn folder(&self, name: &str) -> Option<PathBuf> {
        let plain = !name.is_empty() && !name.contains('/') && !name.starts_with('.');
        plain
            .then(|| fs::canonicalize(self.class("block").join(name)).ok())
            .flatten()
    }

    fn read(&self, name: &str) -> Option<Device> {
        let folder = self.folder(name)?;
        let number = self.number(&folder)?;
        let length = value(&folder.join("size")).unwrap_or(0);
        let (disk, sectors) = if folder.join("partition").exists() {
            let first = value(&folder.join("start"))?;
            let last = first.saturating_add(length.max(1) - 1);
            (folder.parent()?.to_path_buf(), Some((first, last)))
        } else {
            (folder.clone(), None)
        };
        let bio_based = !disk.join("mq").exists();
        let paths = if bio_based {
            nvme::paths(self, &disk)
        } else {
            Vec::new()
        };
        let path_numbers = paths
            .iter()
            .filter_map(|path| self.number(&self.folder(path)?));
        let mut disks = vec![self.number(&disk)?];
        disks.extend(path_numbers);
        let head = nvme::head_of(name).filter(|head| self.folder(head).is_some());
        let mut members = entries(&disk.join("slaves"));
        members.sort();
        let owner = owner(&folder);
        Some(Device {
            name: name.replace('!', "/"),
            number,
            disks,
            sectors,
            numbers: self.numbers(&folder, number, head.as_deref()),
            bytes: length.saturating_mul(512),
            bio_based,
            members,
            alias: text(&folder.join("dm/name"))
                .or_else(|| text(&folder.join("loop/backing_file"))),
            address: owner.clone().filter(|owner| is_address(owner)),
            controller: owner.filter(|owner| self.class("nvme").join(owner).exists()),
            paths: if sectors.is_none() { paths } else { Vec::new() },
            head,
        })
    }

    /// A device's own number, then those of the partitions in its folder, then the same of its head.
    fn numbers(&self, folder: &Path, own: u32, head: Option<&str>) -> Vec<u32> {
        let mut numbers = vec![own];
        let head = head.and_then(|head| self.folder(head));
        for folder in [Some(folder), head.as_deref()].into_iter().flatten() {
            numbers.extend(self.number(folder).filter(|&number| number != own));
            let inner = entries(folder).into_iter().map(|name| folder.join(name));
            let partitions = inner.filter(|path| path.join("partition").exists());
            numbers.extend(partitions.filter_map(|path| self.number(&path)));
        }
        numbers
    }

    /// A device's number. Hidden disks have no file `dev`: newer kernels tell it in /proc/diskstats, older ones don't.
    fn number(&self, folder: &Path) -> Option<u32> {
        if let Some(text) = text(&folder.join("dev")) {
            return parse_number(&text);
        }
        let name = folder.file_name()?.to_str()?;
        fs::exists(folder.join("hidden")).ok().filter(|&is| is)?;
        let table = text(&self.0.join("proc/diskstats"))?;
        let number = table.lines().find_map(|line| {
            let mut fields = line.split_ascii_whitespace();
            let (major, minor) = (fields.next()?, fields.next()?);
            (fields.next()? == name).then(|| parse_number(&format!("{major}:{minor}")))?
        });
        number.filter(|&number| number != 0)
    }

    pub fn request_count(&self) -> usize {
        let folder = self.0.join("sys/block");
        let disks = entries(&folder).into_iter();
        disks
            .map(|disk| requests_of(&folder.join(disk)))
            .fold(0, usize::saturating_add)
    }
}

/// The tags of each hardware queue, or the scheduler's requests, and a flush request each.
fn requests_of(disk: &Path) -> usize {
    let queues = entries(&disk.join("mq"));
    let scheduler = value(&disk.join("queue/nr_requests")).unwrap_or(0);
    let tags = |queue: &String| {
        let tags = value(&disk.join("mq").join(queue).join("nr_tags")).unwrap_or(0);
        tags.saturating_add(scheduler).saturating_add(1)
    };
    let all = queues.iter().map(tags).fold(0, u64::saturating_add);
    all.try_into().unwrap_or(usize::MAX)
}

/// The name of what a disk belongs to: a SCSI unit, an NVMe controller or subsystem.
fn owner(folder: &Path) -> Option<String> {
    let owner = fs::canonicalize(folder.join("device")).ok()?;
    Some(owner.file_name()?.to_str()?.to_owned())
}

/// Whether this is host, channel, target and unit.
pub(super) fn is_address(text: &str) -> bool {
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    text.split(':').count() == 4 && text.split(':').all(digits)
}

pub(super) fn text(path: &Path) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    Some(text.trim_end().to_owned())
}

fn value(path: &Path) -> Option<u64> {
    text(path)?.parse().ok()
}

pub(super) fn entries(folder: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(folder) else {
        return Vec::new();
    };
    entries
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .collect()
}
