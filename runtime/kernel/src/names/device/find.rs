//! Devices by any of the names that people use for them.

use std::fs;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Component, Path, PathBuf};

use super::tree::{Tree, entries, is_address};
use super::{Device, kernel_number, parse_number};

/// Why a name is no device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotFound {
    /// Nothing is called so.
    Unknown,
    /// A hidden disk whose number the kernel does not tell; its head, if that is known.
    Hidden(Option<String>),
    /// A controller without a disk whose number is known.
    Empty,
    /// Links of this name that lead to different devices, with the names of these.
    Ambiguous(Vec<(String, String)>),
}

impl Tree {
    pub fn find(&self, text: &str) -> Result<Vec<Device>, NotFound> {
        if let Some(number) = parse_number(text) {
            return one(self.by_number(number));
        }
        if is_address(text) {
            return self.by_address(text);
        }
        if text.starts_with('/') {
            return self.by_path(text);
        }
        if let Some(device) = self.by_name(text) {
            return Ok(vec![device]);
        }
        match self.by_owner(text) {
            Err(NotFound::Unknown) => self.by_link(text),
            found => found,
        }
    }

    /// Names for people who mistype one.
    pub fn names(&self) -> Vec<String> {
        let mut names = Vec::new();
        for device in self.all() {
            let mapping = device.is_mapping().then(|| device.alias.clone()).flatten();
            names.push(device.name);
            names.extend(
                [mapping, device.address, device.controller]
                    .into_iter()
                    .flatten(),
            );
        }
        let links = self.link_folders().into_iter().skip(1);
        names.extend(links.flat_map(|folder| entries(&folder)));
        names.sort();
        names.dedup();
        names
    }

    fn by_address(&self, address: &str) -> Result<Vec<Device>, NotFound> {
        let is_it = |device: &Device| device.address.as_deref() == Some(address);
        one(self.all().into_iter().find(is_it))
    }

    /// What a path leads to. Hidden disks and controllers are no block devices in /dev, if they are there at all.
    fn by_path(&self, path: &str) -> Result<Vec<Device>, NotFound> {
        let below = path.trim_start_matches('/');
        let meta = fs::metadata(self.0.join(below)).ok();
        if let Some(node) = meta.filter(|meta| meta.file_type().is_block_device()) {
            return one(self.by_number(kernel_number(node.rdev())));
        }
        let name = path.strip_prefix("/dev/").ok_or(NotFound::Unknown)?;
        match self.by_name(name) {
            Some(device) => Ok(vec![device]),
            None => self.by_owner(name),
        }
    }

    /// A device by what it belongs to or stands for: the disks of a controller, or a mapping.
    fn by_owner(&self, text: &str) -> Result<Vec<Device>, NotFound> {
        let mut devices = self.all();
        let is_mapping =
            |device: &Device| device.is_mapping() && device.alias.as_deref() == Some(text);
        if let Some(at) = devices.iter().position(is_mapping) {
            return Ok(vec![devices.swap_remove(at)]);
        }
        devices.retain(|device| device.is_whole() && device.controller.as_deref() == Some(text));
        if !devices.is_empty() {
            return Ok(devices);
        }
        let Some(Component::Normal(name)) = single(text) else {
            return Err(NotFound::Unknown);
        };
        if self.class("nvme").join(name).exists() {
            return Err(NotFound::Empty);
        }
        // It is there, and yet has not been read.
        match self.folder(text) {
            Some(folder) if folder.join("hidden").exists() => {
                Err(NotFound::Hidden(super::nvme::head_of(text)))
            }
            _ => Err(NotFound::Unknown),
        }
    }

    /// A device by the name of a link that udev made.
    fn by_link(&self, name: &str) -> Result<Vec<Device>, NotFound> {
        let below = Path::new(name);
        if below
            .components()
            .any(|part| !matches!(part, Component::Normal(_)))
        {
            return Err(NotFound::Unknown);
        }
        let mut found: Vec<(String, Device)> = Vec::new();
        for folder in self.link_folders() {
            let link = folder.join(below);
            if let Some(device) = self.behind(&link) {
                found.push((self.shown(&link), device));
            }
        }
        let mut numbers: Vec<u32> = found.iter().map(|(_, device)| device.number).collect();
        numbers.sort_unstable();
        numbers.dedup();
        match numbers[..] {
            [] | [_] => one(found.pop().map(|(_, device)| device)),
            _ => Err(NotFound::Ambiguous(
                found
                    .into_iter()
                    .map(|(link, device)| (link, device.name))
                    .collect(),
            )),
        }
    }

    /// Where links to devices are, `/dev` first.
    pub(super) fn link_folders(&self) -> Vec<PathBuf> {
        let dev = self.0.join("dev");
        let disk = dev.join("disk");
        let mut kinds = entries(&disk);
        kinds.sort();
        let links = kinds
            .iter()
            .filter(|kind| kind.starts_with("by-"))
            .map(|kind| disk.join(kind));
        [dev.clone(), dev.join("mapper"), dev.join("md")]
            .into_iter()
            .chain(links)
            .collect()
    }

    /// The device whose node a link leads to.
    fn behind(&self, link: &Path) -> Option<Device> {
        self.by_name(&self.target(link)?)
    }

    /// The node that a link leads to, below `/dev`.
    pub(super) fn target(&self, link: &Path) -> Option<String> {
        let node = fs::canonicalize(link).ok()?;
        let dev = fs::canonicalize(self.0.join("dev")).ok()?;
        Some(node.strip_prefix(dev).ok()?.to_str()?.to_owned())
    }

    /// A path as people write it.
    pub(super) fn shown(&self, path: &Path) -> String {
        let below = path.strip_prefix(&self.0).unwrap_or(path);
        format!("/{}", below.display())
    }
}

fn one(device: Option<Device>) -> Result<Vec<Device>, NotFound> {
    Ok(vec![device.ok_or(NotFound::Unknown)?])
}

/// The only part of a name that is no path.
fn single(text: &str) -> Option<Component<'_>> {
    let mut parts = Path::new(text).components();
    let first = parts.next()?;
    parts.next().is_none().then_some(first)
}
