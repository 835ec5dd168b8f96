//! Devices, partitions, control groups, errors: what names mean on this machine.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::process::Command;

use iotq_tests::needs::{Need, cgroups, test};
use iotq_tests::{Disk, Row, iotq, json, run, tool};
use libtest_mimic::Trial;

use crate::refuse::refused;

pub fn tests() -> Vec<Trial> {
    let needs = [Need::Root, Need::Loop];
    vec![
        test(
            "devices/partitions",
            &[Need::Root, Need::Loop, Need::Tool("partx")],
            partitions,
        ),
        test("devices/names", &needs, names),
        test("devices/one_name_of_two", &needs, one_name_of_two),
        test("devices/zram", &[Need::Root, Need::Zram], zram),
        test("devices/errors", &needs, errors),
        test("devices/processes", &needs, processes),
        test(
            "devices/control_groups",
            &[Need::Root, Need::Loop, Need::Cgroups],
            control_groups,
        ),
    ]
}

/// Reads this many blocks of 4 KiB, each with one direct request.
fn read(from: &Path, blocks: u32) -> String {
    format!(
        "dd if={} of=/dev/null bs=4k count={blocks} iflag=direct status=none",
        from.display()
    )
}

/// Sectors of the two partitions.
const PARTITIONS: [(u32, u32); 2] = [(2048, 8192), (10240, 16384)];

/// A master boot record: an entry is 16 bytes, with type, first sector and length.
fn partition(image: &mut File) {
    let mut sector = [0; 512];
    for (index, (first, count)) in PARTITIONS.into_iter().enumerate() {
        let entry = &mut sector[446 + 16 * index..][..16];
        entry[4] = 0x83;
        entry[8..12].copy_from_slice(&first.to_le_bytes());
        entry[12..].copy_from_slice(&count.to_le_bytes());
    }
    sector[510..].copy_from_slice(&[0x55, 0xaa]);
    image.write_all(&sector).unwrap();
}

fn partitions() {
    let disk = Disk::with(16, &["--partscan"], partition);
    let name = disk.name();
    if !Path::new(&format!("/sys/block/{name}/{name}p1")).exists() {
        // This kernel does not read such tables; partx does.
        tool("partx", &["--add", &disk.node.display().to_string()]);
    }
    let node = |index: u32| format!("{}p{index}", disk.node.display());
    // Without udev nobody makes the nodes; sysfs has the numbers.
    for index in [1, 2] {
        if !Path::new(&node(index)).exists() {
            let dev = fs::read_to_string(format!("/sys/block/{name}/{name}p{index}/dev")).unwrap();
            let (major, minor) = dev.trim().split_once(':').unwrap();
            tool("mknod", &[&node(index), "b", major, minor]);
        }
    }
    let line = format!(
        "{}; {}",
        read(Path::new(&node(1)), 10),
        read(Path::new(&node(2)), 20)
    );
    let query = |dev: &str| {
        format!(
            "on block.complete where dev == {dev} and pid under $child and size == 4KiB emit dev, part, sector"
        )
    };
    let (one, two, whole) = (
        query(&format!("{name}p1")),
        query(&format!("{name}p2")),
        query(&name),
    );
    let output = json(&["-c", &line, "-e", &one, "-e", &two, "-e", &whole]);
    for index in [1, 2] {
        let _ = fs::remove_file(node(index));
    }
    let inside = |row: &Row, which: usize| {
        let (first, count) = PARTITIONS[which];
        let sectors = u64::from(first)..u64::from(first + count);
        assert!(sectors.contains(&row.number("sector")), "{row:?}");
        assert_eq!(row.text("dev"), name);
        assert_eq!(row.text("part"), format!("{name}p{}", which + 1));
    };
    output.of(0).for_each(|row| inside(row, 0));
    output.of(1).for_each(|row| inside(row, 1));
    let counts = [0, 1, 2].map(|query| output.of(query).count());
    assert_eq!(counts, [10, 20, 30]);
}

/// A disk by its name, its numbers and a link, and not by another one's name.
fn names() {
    let (disk, other) = (Disk::raw(16), Disk::raw(16));
    let folder = tempfile::tempdir().unwrap();
    let link = folder.path().join("link");
    std::os::unix::fs::symlink(&disk.node, &link).unwrap();
    let numbers = fs::read_to_string(format!("/sys/block/{}/dev", disk.name())).unwrap();
    let written = [
        disk.name(),
        numbers.trim().to_owned(),
        format!("\"{}\"", link.display()),
        format!("\"{}\"", disk.node.display()),
        other.name(),
    ];
    let query = |dev: &String| {
        format!(
            "on block.complete where dev == {dev} and pid under $child and size == 4KiB emit dev"
        )
    };
    let script: Vec<_> = written.iter().map(query).collect();
    let output = json(&["-c", &read(&disk.node, 10), "-e", &script.join("\n")]);
    let counts = [0, 1, 2, 3, 4].map(|query| output.of(query).count());
    assert_eq!(counts, [10, 10, 10, 10, 0]);
}

/// Links of one name that lead to different devices.
fn one_name_of_two() {
    let disks = [Disk::raw(16), Disk::raw(16)];
    fs::create_dir_all("/dev/disk").unwrap();
    let folders = disks.each_ref().map(|disk| {
        let folder = tempfile::Builder::new()
            .prefix("by-iotq-tests-")
            .tempdir_in("/dev/disk")
            .unwrap();
        std::os::unix::fs::symlink(&disk.node, folder.path().join("shared")).unwrap();
        folder
    });
    let mut command = iotq();
    command.args(["-e", "trace block where dev == shared"]);
    refused(&run(command), "E0711", 2);
    drop(folders);
    // Gone with the last of its folders, unless others have some.
    let _ = fs::remove_dir("/dev/disk");
}

/// A device without requests: its bios are followed.
fn zram() {
    fs::write("/sys/block/zram0/disksize", "64M").unwrap();
    let line = "dd if=/dev/urandom of=/dev/zram0 bs=4k count=50 oflag=direct status=none";
    let query =
        "on block.complete where dev == zram0 and pid under $child emit op, size, lat, d2c, sector";
    let output = std::panic::catch_unwind(|| json(&["-c", line, "-e", query]));
    fs::write("/sys/block/zram0/reset", "1").unwrap();
    let output = output.unwrap();
    let writes: Vec<_> = output
        .rows
        .iter()
        .filter(|row| row.text("op") == "write")
        .collect();
    assert_eq!(writes.len(), 50);
    for row in writes {
        assert!(
            row.number("lat") > 0 && row.field("d2c").is_null(),
            "{row:?}"
        );
    }
}

/// The file below the device ends too early: what lies behind cannot be read.
fn errors() {
    let disk = Disk::raw(16);
    File::options()
        .write(true)
        .open(&disk.image)
        .unwrap()
        .set_len(8 << 20)
        .unwrap();
    let line = format!("{} skip=2000; exit 0", read(&disk.node, 100));
    let query = |condition: &str| {
        format!(
            "on block.complete where dev == {} and size == 4KiB and {condition} emit sector, error",
            disk.name()
        )
    };
    let (bad, good) = (query("error != none"), query("error == none"));
    let output = json(&["-c", &line, "-e", &bad, "-e", &good]);
    let bad: Vec<_> = output.of(0).collect();
    assert!(!bad.is_empty(), "{}", output.stderr);
    for row in bad {
        assert_eq!(row.text("error"), "EIO");
        assert_eq!(row.number("sector"), (8 << 20) / 512);
    }
    assert_eq!(output.of(1).count(), 48);
}

fn processes() {
    let disk = Disk::raw(16);
    let line = read(&disk.node, 100);
    let query = |condition: &str| {
        let dev = disk.name();
        format!(
            "on block.complete where dev == {dev} and size == 4KiB and {condition} emit pid, comm"
        )
    };
    let conditions = [
        "pid == $child",
        "comm == \"dd\"",
        "comm ~ \"d*\"",
        "comm ~ \"x*\"",
        "comm in {\"dd\", \"cp\"}",
        "pid != $child",
    ];
    let script: Vec<_> = conditions.iter().map(|each| query(each)).collect();
    let output = json(&["-c", &line, "-e", &script.join("\n")]);
    let counts = [0, 1, 2, 3, 4, 5].map(|query| output.of(query).count());
    assert_eq!(counts, [100, 100, 100, 0, 100, 0]);
}

/// A process that is moved to a group, and from then on belongs to it.
fn control_groups() {
    let disk = Disk::raw(16);
    let mount = cgroups().unwrap();
    let outer = tempfile::Builder::new()
        .prefix("iotq-tests.")
        .tempdir_in(mount)
        .unwrap();
    let inner = outer.path().join("inner");
    fs::create_dir(&inner).unwrap();
    let name = |path: &Path| format!("/{}", path.strip_prefix(mount).unwrap().display());
    let line = format!(
        "{}; echo $$ > {}/cgroup.procs; {}; echo $$ > {}/cgroup.procs; {}; echo $$ > {}/cgroup.procs",
        read(&disk.node, 10),
        outer.path().display(),
        read(&disk.node, 20),
        inner.display(),
        read(&disk.node, 40),
        mount.display()
    );
    let query = |condition: &str| {
        let dev = disk.name();
        format!("on block.complete where dev == {dev} and size == 4KiB{condition} emit cgroup")
    };
    let script = [
        query(&format!(" and cgroup under \"{}\"", name(outer.path()))),
        query(&format!(" and cgroup == \"{}\"", name(outer.path()))),
        query(&format!(" and cgroup == \"{}\"", name(&inner))),
        query(" and pid under $child"),
    ];
    let output = std::panic::catch_unwind(|| json(&["-c", &line, "-e", &script.join("\n")]));
    let mut gone = Command::new("rmdir");
    gone.arg(&inner).arg(outer.keep());
    assert_eq!(run(gone).code(), 0);
    let output = output.unwrap();
    let counts = [0, 1, 2, 3].map(|query| output.of(query).count());
    assert_eq!(counts, [60, 20, 40, 70]);
    assert!(output.of(2).all(|row| row.text("cgroup") == name(&inner)));
}
