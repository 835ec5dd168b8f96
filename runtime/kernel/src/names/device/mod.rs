//! Block devices: which there are, how they belong together, and what people call them.

mod about;
mod find;
mod nvme;
#[cfg(test)]
mod tests;
mod tree;

use iotq_lang::plan::Meaning;

pub use about::About;
pub use find::NotFound;
use tree::Tree;

/// A block device of this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Device {
    /// The kernel's name for it.
    pub name: String,
    /// Its number, as the kernel has it: `major << 20 | minor`.
    pub number: u32,
    /// The numbers of the disks whose requests are its own: the whole disk, and its paths if that is an NVMe multipath
    /// head.
    pub disks: Vec<u32>,
    /// Of a partition: its first and last sector on the disk.
    pub sectors: Option<(u64, u64)>,
    /// The numbers that filesystems on it have: its own, those of its partitions; of a path also those of its head.
    pub numbers: Vec<u32>,
    /// Its length in bytes.
    pub bytes: u64,
    /// It has no requests of its own, only bios: device mapper, md, zram, NVMe multipath heads.
    pub bio_based: bool,
    /// The devices it is made of.
    pub members: Vec<String>,
    /// What it stands for: the mapping's name, or the loop device's file.
    pub alias: Option<String>,
    /// Of a SCSI disk: host, channel, target and unit, `2:0:0:0`.
    pub address: Option<String>,
    /// Of an NVMe disk: the controller that it is reached through.
    pub controller: Option<String>,
    /// Of an NVMe multipath head: the hidden disks that its requests go to.
    pub paths: Vec<String>,
    /// Of such a hidden disk: the head.
    pub head: Option<String>,
}

/// All devices, sorted by name.
pub fn all() -> Vec<Device> {
    Tree::machine().all()
}

/// All devices with what there is to tell of them, sorted by name.
pub fn described() -> Vec<(Device, About)> {
    Tree::machine().described()
}

/// A device by the kernel's name for it.
pub fn by_name(name: &str) -> Option<Device> {
    Tree::machine().by_name(name)
}

/// A device by its number.
pub fn by_number(number: u32) -> Option<Device> {
    Tree::machine().by_number(number)
}

/// What people may mean by a name: one device, or the disks of a controller.
///
/// # Errors
/// If it is nothing here, or not one thing.
pub fn find(text: &str) -> Result<Vec<Device>, NotFound> {
    Tree::machine().find(text)
}

/// All names that devices can be found by, but for paths.
pub fn names() -> Vec<String> {
    Tree::machine().names()
}

/// How many requests all devices together can have in flight, as far as sysfs tells.
pub fn request_count() -> usize {
    Tree::machine().request_count()
}

/// The number of a device as `stat` gives it, in the kernel's form.
pub fn kernel_number(stat: u64) -> u32 {
    rustix::fs::major(stat) << 20 | rustix::fs::minor(stat) & 0xfffff
}

/// What a name means that stands for these devices.
pub fn meaning(devices: &[Device]) -> Meaning {
    let gather = |of: fn(&Device) -> &[u32]| {
        let mut numbers: Vec<u32> = devices.iter().flat_map(of).copied().collect();
        numbers.sort_unstable();
        numbers.dedup();
        numbers
    };
    Meaning::Dev {
        own: gather(|device| std::slice::from_ref(&device.number)),
        disks: gather(|device| &device.disks),
        // Only single devices are partitions.
        sectors: devices.first().and_then(|device| device.sectors),
        numbers: gather(|device| &device.numbers),
    }
}

impl Device {
    fn is_mapping(&self) -> bool {
        self.name.starts_with("dm-")
    }

    /// Whether it is no partition.
    pub fn is_whole(&self) -> bool {
        self.sectors.is_none()
    }
}

fn parse_number(text: &str) -> Option<u32> {
    let (major, minor) = text.split_once(':')?;
    let (major, minor): (u32, u32) = (major.parse().ok()?, minor.parse().ok()?);
    (major < 1 << 12 && minor < 1 << 20).then_some(major << 20 | minor)
}
