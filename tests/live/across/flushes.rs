//! What a guest waits for when it syncs: the flush of the block layer's own that serves it is its, and followed to QEMU.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use iotq_tests::lab::guest::RAW;
use iotq_tests::lab::result::Brought;
use iotq_tests::{Output, Row, run};

use super::asked;

const QUERY: &str = "
join guest.syscall, guest.block, guest.virtio, host.qemu where guest.syscall.op == fsync and guest.syscall.comm == ioload
     emit guest.syscall.time as time, guest.syscall.tid as tid, guest.syscall.lat as lat, guest.syscall.approx as approx,
     guest.block.op as part, guest.block.internal as internal, guest.block.d2c as d2c, guest.virtio.op as ring,
     guest.virtio.lat as ring_lat, host.qemu.op as qemu, host.qemu.kick as kick, host.qemu.lat as vmm, host.qemu.inject as inject
join guest.syscall, host.qemu where guest.syscall.op == fsync and guest.syscall.comm == ioload emit stages
join guest.syscall, host.qemu where guest.syscall.op == fsync and guest.syscall.comm == ioload emit tree limit 3
trace guest.virtio where guest.virtio.size == 512B emit guest.virtio.size as size, guest.virtio.lat as lat
";
const LOAD: &str = "\
ioload --ops 400 --write 1 --flush 1 --log many /dev/vda
ioload --ops 400 --threads 4 --write 1 --flush 1 --seed 2 --log flushed /dev/vda
";
/// A sync of a file writes its data, and the journal commits, or only the disk is flushed.
const FILES: &str = "\
mkdir -p mnt
mount -t ext4 /dev/vda mnt
dd if=/dev/zero of=mnt/file bs=1M count=8 conv=fsync
ioload --ops 300 --write 1 --flush 1 --log many mnt/file
ioload --ops 300 --cached --write 1 --flush 1 --seed 2 --log flushed mnt/file
umount mnt
";

/// Of the device itself.
pub fn of_devices() {
    let (output, _, brought) = asked(&RAW, &[], QUERY, LOAD);
    let syncs = syncs(&output, &brought);
    let all = syncs.len();
    let flushed = syncs
        .values()
        .filter(|rows| rows.iter().any(|row| is_own(row)));
    let flushed = flushed.count();
    let words = &output.stderr;
    // Events of a guest may go by unseen, which is told.
    let few = usize::try_from(output.unseen() + output.lost).unwrap() + all / 100;
    assert!(flushed + few >= all, "{flushed} of {all}: {words}");
    explained(&output);
    let drawn = output.trees.iter().any(|tree| {
        let text = tree.to_string();
        text.contains("\"layer\":\"qemu\"") && text.contains("\"op\":\"flush\"")
    });
    assert!(drawn, "{:?}", output.trees);
}

/// Of files on ext4.
pub fn of_files() {
    let folder = tempfile::tempdir_in(iotq_tests::needs::ROOT_FOLDER).unwrap();
    let image = folder.path().join("files");
    make(&image);
    let drive = format!("file={},format=raw,if=none,id=files", image.display());
    let more = ["-drive", &drive, "-device", "virtio-blk-pci,drive=files"];
    let load = FILES.replace("/dev/vda", "/dev/vdb");
    let (output, _, brought) = asked(&RAW, &more, QUERY, &load);
    let syncs = syncs(&output, &brought);
    let with = syncs
        .values()
        .filter(|rows| rows.iter().any(|row| is_own(row)));
    assert!(
        with.count() > 0,
        "no sync waited for a flush of its own: {}",
        output.stderr
    );
    explained(&output);
}

fn make(image: &Path) {
    std::fs::write(image, vec![0; 64 << 20]).unwrap();
    let mut command = Command::new("mkfs.ext4");
    command
        .args(["-q", "-O", "^metadata_csum_seed,^orphan_file"])
        .arg(image);
    let ended = run(command);
    assert_eq!(ended.code(), 0, "{}", ended.stderr);
}

/// The rows of each sync: as many as the load tells.
fn syncs<'a>(output: &'a Output, brought: &Brought) -> BTreeMap<(u64, u64), Vec<&'a Row>> {
    let mut syncs = BTreeMap::<_, Vec<&Row>>::new();
    for row in output.of(0) {
        let key = (row.number("time"), row.number("tid"));
        syncs.entry(key).or_default().push(row);
    }
    let text = brought.text("many") + &brought.text("flushed");
    let made = text
        .lines()
        .filter(|line| line.starts_with("flush "))
        .count();
    let unseen = usize::try_from(output.unseen() + output.lost).unwrap();
    assert!(
        made > 100 && syncs.len() <= made,
        "{} of {made}",
        syncs.len()
    );
    assert!(
        syncs.len() + unseen >= made,
        "{} of {made}: {}",
        syncs.len(),
        output.stderr
    );
    syncs
}

/// A flush of the block layer's own, which was on the ring and in QEMU.
fn is_own(row: &Row) -> bool {
    if row.field("internal") != true || row.field("qemu").is_null() {
        return false;
    }
    for part in ["part", "ring", "qemu"] {
        assert_eq!(row.text(part), "flush", "{row:?}");
    }
    let all = row.number("kick") + row.number("vmm") + row.number("inject");
    assert_eq!(all, row.number("d2c"), "{row:?}");
    assert!(row.number("d2c") <= row.number("lat"), "{row:?}");
    true
}

/// The stages add up, and all but a twentieth of the time is told what it was: what is left of the time at the device is
/// what nobody has seen.
fn explained(output: &Output) {
    let group = output.groups_of(1).next().unwrap();
    group.adds_up();
    let lat = group.number("lat");
    let dark = group.number("device") + group.number("other");
    assert!(dark * 20 <= lat, "{dark} of {lat}: {group:?}");
    let seen = ["kick", "vmm", "inject"].map(|it| group.number(it));
    assert!(seen.iter().all(|it| *it > 0), "{group:?}");
}
