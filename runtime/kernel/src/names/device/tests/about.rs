//! Drivers, models and further names of devices of machines that are made up.

use super::*;

impl Machine {
    fn about(&self, name: &str) -> About {
        let mut all = self.tree().described().into_iter();
        let found = all.find(|(device, _)| device.name == name);
        found.expect(name).1
    }

    fn driver(&self, name: &str) -> String {
        self.about(name).driver
    }
}

#[test]
fn drivers_are_those_of_the_device_or_of_its_controller() {
    let machine = namespaces();
    machine.link(
        "sys/devices/pci0/0000:00:04.0/nvme/nvme0/device",
        "sys/devices/pci0/0000:00:04.0",
    );
    machine.link(
        "sys/devices/pci0/0000:00:04.0/driver",
        "sys/bus/pci/drivers/nvme",
    );
    machine.disk("pci0/virtio1", "vda", "253:0");
    machine.link(
        "sys/devices/pci0/virtio1/driver",
        "sys/bus/virtio/drivers/virtio_blk",
    );
    for name in ["nvme0n1", "nvme0n1p1", "nvme0n2"] {
        assert_eq!(machine.driver(name), "nvme");
    }
    assert_eq!(machine.driver("vda"), "virtio_blk");
}

#[test]
fn devices_without_a_driver_are_of_a_kind() {
    let machine = multipath(["259 0", "259 2"]);
    machine.write(
        "proc/devices",
        "Character devices:\n  7 vcs\n\nBlock devices:\n  7 loop\n252 device-mapper\n259 blkext\n",
    );
    machine.stacked("loop0", "7:0", &[]);
    machine.stacked("dm-0", "252:0", &["loop0"]);
    machine.stacked("nullb12", "250:12", &[]);
    let kinds = ["loop0", "dm-0", "nullb12", "nvme0n1"].map(|name| machine.driver(name));
    assert_eq!(kinds, ["loop", "device-mapper", "nullb", "nvme"]);
}

#[test]
fn disks_have_models_and_namespaces_and_devices_above() {
    let machine = namespaces();
    machine.write(
        "sys/devices/pci0/0000:00:04.0/nvme/nvme0/model",
        "A Drive      \n",
    );
    machine.write("sys/class/block/nvme0n2/nsid", "2\n");
    for above in ["md1", "dm-3"] {
        machine.write(&format!("sys/class/block/nvme0n1p1/holders/{above}"), "");
    }
    let disk = machine.about("nvme0n2");
    assert_eq!(disk.model.as_deref(), Some("A Drive"));
    assert_eq!(disk.namespace, Some(2));
    let partition = machine.about("nvme0n1p1");
    assert_eq!(partition.model, None);
    assert_eq!(partition.holders, ["dm-3", "md1"]);
}

#[test]
fn links_are_told_with_their_folders() {
    let machine = namespaces();
    for (link, node) in [
        ("dev/disk/by-id/nvme-A_Drive_7", "dev/nvme0n1"),
        ("dev/disk/by-label/data", "dev/nvme0n1p1"),
        ("dev/disk/by-id/dangling", "dev/gone"),
        ("dev/disk/by-id/elsewhere", "proc/diskstats"),
        ("dev/mapper/circle", "dev/mapper/circle"),
    ] {
        machine.link(link, node);
    }
    assert_eq!(
        machine.about("nvme0n1").links,
        ["/dev/disk/by-id/nvme-A_Drive_7"]
    );
    assert_eq!(
        machine.about("nvme0n1p1").links,
        ["/dev/disk/by-label/data"]
    );
    assert!(machine.about("nvme0n2").links.is_empty());
}

#[test]
fn nothing_can_be_told_of_no_devices() {
    assert!(Machine::new().tree().described().is_empty());
    assert!(Tree("/nowhere".into()).described().is_empty());
}
