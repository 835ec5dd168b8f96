//! What people want to know of devices, and tracing does not: drivers, models, further names.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use super::Device;
use super::tree::{Tree, entries, text};

/// What there is to tell of a device.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct About {
    /// The driver of the disk, or the kind of a device that has none: `virtio_blk`, `sd`, `nvme`, `loop`.
    pub driver: String,
    /// What its maker calls it.
    pub model: Option<String>,
    /// Of an NVMe disk: the namespace's number.
    pub namespace: Option<u32>,
    /// The devices that are made of it.
    pub holders: Vec<String>,
    /// Links that udev made to it.
    pub links: Vec<String>,
}

impl Tree {
    /// All devices, with what there is to tell of them.
    pub fn described(&self) -> Vec<(Device, About)> {
        let majors = self.majors();
        let mut links = self.links();
        let devices = self.all().into_iter();
        let described = devices.map(|device| {
            let mut about = self.about(&device, &majors).unwrap_or_default();
            about.links = links.remove(&device.name).unwrap_or_default();
            (device, about)
        });
        described.collect()
    }

    fn about(&self, device: &Device, majors: &HashMap<u32, String>) -> Option<About> {
        let own = self.folder(&device.name.replace('/', "!"))?;
        let disk = if device.is_whole() {
            &own
        } else {
            own.parent()?
        };
        let mut holders = entries(&own.join("holders"));
        holders.sort();
        let kind = || kind_of(device, majors.get(&(device.number >> 20)));
        let model = || text(&disk.join("device/model")).or_else(|| text(&disk.join("device/name")));
        Some(About {
            driver: driver(disk).unwrap_or_else(kind),
            model: model().filter(|model| device.is_whole() && !model.is_empty()),
            namespace: text(&disk.join("nsid")).and_then(|number| number.parse().ok()),
            holders,
            links: Vec::new(),
        })
    }

    /// What the kernel calls the kinds of block devices, by their major numbers.
    fn majors(&self) -> HashMap<u32, String> {
        let table = text(&self.0.join("proc/devices")).unwrap_or_default();
        let (_, blocks) = table.split_once("Block devices:").unwrap_or_default();
        let entry = |line: &str| {
            let (major, kind) = line.trim().split_once(' ')?;
            Some((major.parse().ok()?, kind.to_owned()))
        };
        blocks.lines().filter_map(entry).collect()
    }

    /// The links below /dev, by the name of the device that they lead to.
    fn links(&self) -> HashMap<String, Vec<String>> {
        let mut links: HashMap<String, Vec<String>> = HashMap::new();
        for folder in self.link_folders().into_iter().skip(1) {
            let mut names = entries(&folder);
            names.sort();
            for name in names {
                let link = folder.join(name);
                if let Some(target) = self.target(&link) {
                    links.entry(target).or_default().push(self.shown(&link));
                }
            }
        }
        links
    }
}

/// The driver of a disk's device; that of an NVMe disk belongs to its controller's.
fn driver(disk: &Path) -> Option<String> {
    let places = ["device/driver", "device/device/driver"];
    let mut links = places.iter().map(|place| fs::read_link(disk.join(place)));
    let link = links.find_map(Result::ok)?;
    Some(link.file_name()?.to_str()?.to_owned())
}

/// Numbers of the extended range are given to whoever wants one; names begin with the kind.
fn kind_of(device: &Device, major: Option<&String>) -> String {
    match major {
        Some(kind) if kind != "blkext" => kind.clone(),
        _ => {
            let end = device.name.find(|char: char| char.is_ascii_digit());
            device.name[..end.unwrap_or(device.name.len())].to_owned()
        }
    }
}
