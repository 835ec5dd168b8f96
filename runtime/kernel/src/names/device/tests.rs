//! Devices of machines that are made up, and of this one.

mod about;

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use tempfile::TempDir;

use super::*;

/// A machine's sysfs and its links in /dev.
struct Machine(TempDir);

impl Machine {
    fn new() -> Self {
        let machine = Self(tempfile::tempdir().expect("a folder"));
        machine.write("proc/diskstats", "");
        machine
    }

    fn tree(&self) -> Tree {
        Tree(self.0.path().to_owned())
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.0.path().join(path);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(path, text).expect("a file");
    }

    fn link(&self, from: &str, to: &str) {
        let from = self.0.path().join(from);
        fs::create_dir_all(from.parent().expect("a folder")).expect("a folder");
        symlink(self.0.path().join(to), from).expect("a link");
    }

    /// A disk that belongs to the device in `owner`.
    fn disk(&self, owner: &str, name: &str, number: &str) -> String {
        let folder = self.device(&format!("{owner}/{name}"), number);
        self.link(&format!("{folder}/device"), &format!("sys/devices/{owner}"));
        self.write(&format!("{folder}/mq/0/nr_tags"), "63\n");
        self.write(&format!("{folder}/queue/nr_requests"), "64\n");
        folder
    }

    /// A device with bios only.
    fn stacked(&self, name: &str, number: &str, members: &[&str]) -> String {
        let folder = self.device(&format!("virtual/block/{name}"), number);
        for member in members {
            self.write(&format!("{folder}/slaves/{member}"), "");
        }
        folder
    }

    fn partition(&self, disk: &str, name: &str, number: &str, first: u64) {
        let below = disk.strip_prefix("sys/devices/").expect("a disk");
        let folder = self.device(&format!("{below}/{name}"), number);
        self.write(&format!("{folder}/partition"), "1\n");
        self.write(&format!("{folder}/start"), &format!("{first}\n"));
    }

    /// The parts that all devices have; hidden ones have no number.
    fn device(&self, path: &str, number: &str) -> String {
        let folder = format!("sys/devices/{path}");
        let name = path.rsplit('/').next().expect("a name");
        self.write(&format!("{folder}/size"), "1000\n");
        self.link(&format!("sys/class/block/{name}"), &folder);
        self.link(&format!("sys/block/{name}"), &folder);
        if number.is_empty() {
            self.write(&format!("{folder}/hidden"), "1\n");
        } else {
            self.write(&format!("{folder}/dev"), &format!("{number}\n"));
            self.write(&format!("dev/{name}"), "");
            self.link(&format!("sys/dev/block/{number}"), &folder);
        }
        folder
    }

    fn found(&self, text: &str) -> Vec<String> {
        let found = self.tree().find(text).unwrap_or_default();
        found.into_iter().map(|device| device.name).collect()
    }

    /// The numbers of the disks, sectors, numbers of filesystems.
    fn meaning(&self, text: &str) -> (Vec<u32>, Option<(u64, u64)>, Vec<u32>) {
        let found = self.tree().find(text).expect(text);
        match meaning(&found) {
            Meaning::Dev {
                disks,
                sectors,
                numbers,
                ..
            } => (disks, sectors, numbers),
            other => panic!("{other:?}"),
        }
    }
}

const NVME: u32 = 259 << 20;

/// One controller with two namespaces, the first of which has a partition.
fn namespaces() -> Machine {
    let machine = Machine::new();
    let owner = "pci0/0000:00:04.0/nvme/nvme0";
    let first = machine.disk(owner, "nvme0n1", "259:0");
    machine.partition(&first, "nvme0n1p1", "259:1", 64);
    machine.disk(owner, "nvme0n2", "259:2");
    machine.link("sys/class/nvme/nvme0", &format!("sys/devices/{owner}"));
    machine.write("sys/class/nvme/nvme1/state", "live\n");
    machine
}

/// One namespace with a partition, behind two controllers.
fn multipath(numbers: [&str; 2]) -> Machine {
    let machine = Machine::new();
    let subsystem = "virtual/nvme-subsystem/nvme-subsys0";
    let head = machine.device(&format!("{subsystem}/nvme0n1"), "259:1");
    machine.link(
        &format!("{head}/device"),
        &format!("sys/devices/{subsystem}"),
    );
    machine.partition(&head, "nvme0n1p1", "259:4", 64);
    let mut table = String::from(" 259       1 nvme0n1 0 0 0\n");
    for (controller, number) in numbers.into_iter().enumerate() {
        let owner = format!("pci0/nvme/nvme{controller}");
        let path = format!("nvme0c{controller}n1");
        machine.disk(&owner, &path, "");
        machine.link(
            &format!("sys/class/nvme/nvme{controller}"),
            &format!("sys/devices/{owner}"),
        );
        table.push_str(&format!(" {number} {path} 0 0 0\n"));
    }
    machine.write("proc/diskstats", &table);
    machine
}

#[test]
fn numbers_are_the_kernels() {
    assert_eq!(parse_number("253:1"), Some(253 << 20 | 1));
    for wrong in ["4096:0", "253:1048576", "253", "2:0:0:0", ":", "-1:0"] {
        assert_eq!(parse_number(wrong), None, "{wrong}");
    }
}

#[test]
fn a_controller_is_all_of_its_namespaces() {
    let machine = namespaces();
    for name in ["nvme0", "/dev/nvme0"] {
        assert_eq!(machine.found(name), ["nvme0n1", "nvme0n2"]);
    }
    let numbers = vec![NVME, NVME | 1, NVME | 2];
    assert_eq!(
        machine.meaning("nvme0"),
        (vec![NVME, NVME | 2], None, numbers)
    );
    assert_eq!(machine.tree().find("nvme1"), Err(NotFound::Empty));
    assert_eq!(machine.tree().find("nvme2"), Err(NotFound::Unknown));
}

#[test]
fn a_partition_is_its_range_of_the_disk() {
    let machine = namespaces();
    for name in ["nvme0n1p1", "259:1", "/dev/nvme0n1p1"] {
        assert_eq!(
            machine.meaning(name),
            (vec![NVME], Some((64, 1063)), vec![NVME | 1])
        );
    }
    let disk = machine.tree().by_name("nvme0n1").expect("the disk");
    assert_eq!(disk.numbers, [NVME, NVME | 1]);
    assert_eq!(disk.controller.as_deref(), Some("nvme0"));
    assert_eq!((disk.bytes, disk.bio_based), (512_000, false));
    assert_eq!(machine.tree().request_count(), 2 * (63 + 64 + 1));
}

#[test]
fn a_head_includes_its_paths() {
    let machine = multipath(["259 0", "259 2"]);
    let disks = vec![NVME, NVME | 1, NVME | 2];
    let filesystems = vec![NVME | 1, NVME | 4];
    assert_eq!(
        machine.meaning("nvme0n1"),
        (disks.clone(), None, filesystems)
    );
    assert_eq!(
        machine.meaning("nvme0n1p1"),
        (disks, Some((64, 1063)), vec![NVME | 4])
    );
    let head = machine.tree().by_name("nvme0n1").expect("the head");
    assert_eq!(head.paths, ["nvme0c0n1", "nvme0c1n1"]);
    assert_eq!(
        (head.bio_based, head.controller, head.head),
        (true, None, None)
    );
}

#[test]
fn a_path_is_a_disk_with_a_number_and_a_name() {
    let machine = multipath(["259 0", "259 2"]);
    let path = machine.tree().by_number(NVME | 2).expect("the path");
    assert_eq!(path.name, "nvme0c1n1");
    assert_eq!(path.head.as_deref(), Some("nvme0n1"));
    assert_eq!(machine.found("/dev/nvme0c1n1"), ["nvme0c1n1"]);
    // Its controller is what goes through it; its filesystems are those of the head.
    let filesystems = vec![NVME | 1, NVME | 2, NVME | 4];
    for name in ["nvme1", "nvme0c1n1", "259:2"] {
        assert_eq!(
            machine.meaning(name),
            (vec![NVME | 2], None, filesystems.clone())
        );
    }
}

#[test]
fn newer_kernels_list_the_paths() {
    let machine = multipath(["259 0", "259 2"]);
    let folder = "sys/devices/virtual/nvme-subsystem/nvme-subsys0/nvme0n1/multipath";
    for path in ["nvme0c0n1", "nvme0c1n1", "gone"] {
        machine.write(&format!("{folder}/{path}"), "");
    }
    let disks = machine.meaning("nvme0n1").0;
    assert_eq!(disks, [NVME, NVME | 1, NVME | 2]);
}

#[test]
fn older_kernels_do_not_tell_the_numbers_of_paths() {
    let machine = multipath(["0 0", "0 0"]);
    assert_eq!(machine.meaning("nvme0n1").0, [NVME | 1]);
    assert_eq!(machine.tree().by_number(0), None);
    assert_eq!(machine.tree().find("nvme0"), Err(NotFound::Empty));
    let hidden = NotFound::Hidden(Some("nvme0n1".into()));
    assert_eq!(machine.tree().find("nvme0c0n1"), Err(hidden));
}

#[test]
fn scsi_disks_have_an_address() {
    let machine = Machine::new();
    let disk = machine.disk("pci0/host2/target2:0:0/2:0:0:0", "sda", "8:0");
    machine.partition(&disk, "sda1", "8:1", 2048);
    machine.disk("pci0/host2/target2:0:1/2:0:1:0", "sdb", "8:16");
    machine.link("dev/disk/by-id/wwn-0x5000c5", "dev/sda");
    for name in [
        "sda",
        "8:0",
        "2:0:0:0",
        "wwn-0x5000c5",
        "disk/by-id/wwn-0x5000c5",
    ] {
        assert_eq!(machine.found(name), ["sda"], "{name}");
    }
    for name in ["2:0:0:1", "2:0:0", "2:0:0:0:0", "8:1:0:0", "8:2"] {
        assert_eq!(machine.tree().find(name), Err(NotFound::Unknown), "{name}");
    }
    let names = machine.tree().names();
    assert_eq!(
        names,
        ["2:0:0:0", "2:0:1:0", "sda", "sda1", "sdb", "wwn-0x5000c5"]
    );
}

#[test]
fn links_are_names_if_they_lead_to_one_device() {
    let machine = Machine::new();
    let disk = machine.disk("pci0/virtio1/block", "vda", "253:0");
    machine.partition(&disk, "vda1", "253:1", 2048);
    machine.partition(&disk, "vda2", "253:2", 4096);
    machine.link("dev/disk/by-label/data", "dev/vda1");
    machine.link("dev/disk/by-partlabel/data", "dev/vda1");
    machine.link("dev/disk/by-label/root", "dev/vda1");
    machine.link("dev/disk/by-partlabel/root", "dev/vda2");
    machine.link("dev/disk/by-label/loop", "dev/disk/by-label/loop");
    machine.link("dev/group/volume", "dev/vda2");
    assert_eq!(machine.found("data"), ["vda1"]);
    assert_eq!(machine.found("group/volume"), ["vda2"]);
    assert_eq!(machine.tree().find("loop"), Err(NotFound::Unknown));
    let both = [
        ("/dev/disk/by-label/root", "vda1"),
        ("/dev/disk/by-partlabel/root", "vda2"),
    ];
    let both = both.map(|(link, device)| (link.to_owned(), device.to_owned()));
    assert_eq!(
        machine.tree().find("root"),
        Err(NotFound::Ambiguous(both.into()))
    );
}

#[test]
fn stacked_devices_have_members_and_names() {
    let machine = Machine::new();
    let disk = machine.disk("pci0/virtio1/block", "vda", "253:0");
    machine.partition(&disk, "vda1", "253:1", 2048);
    machine.partition(&disk, "vda2", "253:2", 4096);
    let mapping = machine.stacked("dm-0", "252:0", &["vda2", "vda1"]);
    machine.write(&format!("{mapping}/dm/name"), "group-data\n");
    let file = machine.stacked("loop0", "7:0", &[]);
    machine.write(&format!("{file}/loop/backing_file"), "/var/disk.img\n");
    machine.stacked("md127", "9:127", &["vda1"]);
    machine.link("dev/md/store", "dev/md127");
    assert_eq!(machine.found("group-data"), ["dm-0"]);
    assert_eq!(machine.found("md/store"), ["md127"]);
    assert_eq!(machine.found("store"), ["md127"]);
    let mapping = machine.tree().by_name("dm-0").expect("the mapping");
    assert_eq!(mapping.members, ["vda1", "vda2"]);
    assert!(mapping.bio_based && mapping.disks == [252 << 20]);
    let file = machine.tree().by_name("loop0").expect("the loop device");
    assert_eq!(file.alias.as_deref(), Some("/var/disk.img"));
    assert_eq!(machine.tree().find("/var/disk.img"), Err(NotFound::Unknown));
}

/// Files with nonsense in them, links in circles, folders that are none.
#[test]
fn nonsense_is_no_device() {
    let machine = Machine::new();
    machine.link("sys/class/block/circle", "sys/class/block/circle");
    machine.link("sys/class/block/nvme0n1", "sys/class/block");
    for (name, number) in [
        ("a", "x:y"),
        ("b", "99999999999:0"),
        ("c", "\u{0}"),
        ("nvme1c0n1", "1:1:1"),
    ] {
        machine.write(&format!("sys/class/block/{name}/dev"), number);
    }
    machine.write("sys/class/block/d/dev", "8:0");
    machine.write("sys/class/block/d/partition", "1");
    machine.write("sys/class/block/d/start", "-3");
    machine.write("sys/class/block/e/dev", "8:16");
    machine.write("sys/class/block/e/size", &u64::MAX.to_string());
    machine.write("sys/class/block/f", "no folder");
    machine.write("proc/diskstats", "259\n\n0 0\n8 1 f\n9 9 nvme0n1 \u{fffd}");
    let all: Vec<String> = machine
        .tree()
        .all()
        .into_iter()
        .map(|device| device.name)
        .collect();
    assert_eq!(all, ["e"]);
    let empty = Tree("/nowhere".into());
    assert_eq!((empty.all(), empty.names()), (Vec::new(), Vec::new()));
    assert_eq!((empty.by_number(0), empty.request_count()), (None, 0));
}

#[test]
fn hostile_names_are_no_devices() {
    for name in [
        "",
        ".",
        "..",
        "../block/vda",
        "/",
        "/dev",
        "/dev/",
        "/dev/../etc/passwd",
        "/etc/passwd",
        "a\0b",
        "no-such-device",
        ":::",
        "99999999999999999999:0:0:0",
    ] {
        assert_eq!(find(name), Err(NotFound::Unknown), "{name:?}");
    }
}

#[test]
fn every_device_is_found_by_name_and_number() {
    for device in all() {
        assert_eq!(find(&device.name), Ok(vec![device.clone()]));
        assert_eq!(by_number(device.number).as_ref(), Some(&device));
        assert!(device.numbers.contains(&device.number));
        let node = format!("/dev/{}", device.name);
        if Path::new(&node).exists() {
            assert_eq!(find(&node), Ok(vec![device]));
        }
    }
}
