//! `file under`: files in a directory, however deep, whatever is renamed or mounted.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use iotq_tests::disk::Mounted;
use iotq_tests::gate::traced;
use iotq_tests::needs::{Need, test};
use iotq_tests::{Disk, Output, json, tool};
use libtest_mimic::Trial;
use rustix::fs::{Mode, OFlags, open, openat};
use rustix::io::write;

pub fn tests() -> Vec<Trial> {
    let needs = [Need::Root, Need::Loop];
    let fio = [Need::Root, Need::Loop, Need::Fio];
    let btrfs = [Need::Root, Need::Loop, Need::Tool("mkfs.btrfs")];
    vec![
        test("directories/depths", &needs, depths),
        test("directories/too_deep", &needs, too_deep),
        test("directories/renames", &needs, renames),
        test("directories/without_a_name", &needs, without_a_name),
        test("directories/mounts", &needs, mounts),
        test("directories/overlay", &needs, overlay),
        test("directories/subvolumes", &btrfs, subvolumes),
        test("directories/forms", &needs, forms),
        test("directories/several", &needs, several),
        test("directories/joins", &needs, joins),
        test("directories/fio", &fio, counts),
    ]
}

fn folder(path: PathBuf) -> PathBuf {
    fs::create_dir_all(&path).unwrap();
    path
}

fn file(path: &Path) -> File {
    File::options()
        .create(true)
        .append(true)
        .open(path)
        .unwrap()
}

fn writes(file: &File, count: usize) {
    for _ in 0..count {
        assert_eq!(write(file, b"a line\n").unwrap(), 7);
    }
}

fn condition(folder: &Path) -> String {
    format!(
        "pid == {} and op == write and file under \"{}\"",
        std::process::id(),
        folder.display()
    )
}

/// The calls by the file's name, while `work` is done.
fn calls(condition: &str, work: impl FnOnce()) -> BTreeMap<String, usize> {
    let query = format!("on syscall.exit where {condition} emit name");
    let output = traced(&["-e", &query], work);
    assert_eq!((output.lost, output.unmatched), (0, 0));
    by_name(&output, 0)
}

fn by_name(output: &Output, query: u64) -> BTreeMap<String, usize> {
    let mut found = BTreeMap::new();
    for row in output.of(query) {
        *found.entry(row.text("name").to_owned()).or_default() += 1;
    }
    found
}

fn expected<const N: usize>(files: [(&str, usize); N]) -> BTreeMap<String, usize> {
    files.map(|(name, count)| (name.to_owned(), count)).into()
}

/// So many directories, one in the other.
fn nested(from: &Path, depth: usize) -> PathBuf {
    folder((0..depth).fold(from.to_owned(), |path, _| path.join("d")))
}

fn depths() {
    let disk = Disk::ext4(64);
    let inside = folder(disk.folder().join("a/b"));
    let outside = [
        folder(disk.folder().join("a/bc")),
        disk.folder().join("a"),
        disk.folder().into(),
    ];
    let depths = [
        (0, 3),
        (1, 5),
        (2, 7),
        (40, 11),
        (63, 2),
        (64, 4),
        (65, 6),
        (300, 8),
    ];
    let found = calls(
        &condition(&inside).replace("op == write", "op in {write, fsync}"),
        || {
            for (depth, count) in depths {
                writes(
                    &file(&nested(&inside, depth).join(format!("at {depth}"))),
                    count,
                );
            }
            for other in &outside {
                writes(&file(&other.join("outside")), 9);
            }
            File::open(&inside).unwrap().sync_all().unwrap();
            File::open(&outside[0]).unwrap().sync_all().unwrap();
        },
    );
    let mut wanted = expected([("b", 1)]);
    wanted.extend(depths.map(|(depth, count)| (format!("at {depth}"), count)));
    assert_eq!(found, wanted);
}

/// No path leads so deep in one go. What cannot be told is lost, and not outside.
fn too_deep() {
    let disk = Disk::ext4(64);
    let top = folder(disk.folder().join("top"));
    let flags = OFlags::DIRECTORY | OFlags::CLOEXEC;
    let mut at = open(&top, flags, Mode::empty()).unwrap();
    for _ in 0..4200 {
        rustix::fs::mkdirat(&at, "d", Mode::RWXU).unwrap();
        at = openat(&at, "d", flags, Mode::empty()).unwrap();
    }
    let deep = openat(
        &at,
        "deep",
        OFlags::CREATE | OFlags::WRONLY | OFlags::CLOEXEC,
        Mode::RWXU,
    );
    let deep = File::from(deep.unwrap());
    let near = file(&top.join("near"));
    let query = format!("on syscall.exit where {} emit name", condition(&top));
    let output = traced(&["-e", &query], || {
        writes(&deep, 3);
        writes(&near, 2);
    });
    assert_eq!(by_name(&output, 0), expected([("near", 2)]));
    assert_eq!(output.lost, 3, "{}", output.stderr);
}

fn renames() {
    let disk = Disk::ext4(64);
    let inside = folder(disk.folder().join("in"));
    let (inner, outside) = (
        folder(inside.join("inner")),
        folder(disk.folder().join("out")),
    );
    let found = calls(&condition(&inside), || {
        let wanderer = file(&outside.join("wanderer"));
        writes(&wanderer, 1);
        fs::rename(outside.join("wanderer"), inner.join("guest")).unwrap();
        writes(&wanderer, 2);
        fs::rename(inner.join("guest"), outside.join("gone")).unwrap();
        writes(&wanderer, 4);
        // The directory itself, with all that is in it.
        let kept = file(&inner.join("kept"));
        let moved = outside.join("moved");
        fs::rename(&inside, &moved).unwrap();
        writes(&kept, 8);
        writes(&file(&moved.join("later")), 16);
        // Another one at its old place.
        writes(&file(&folder(inside.clone()).join("other")), 32);
    });
    assert_eq!(found, expected([("guest", 2), ("kept", 8), ("later", 16)]));
}

/// A file counts where it was when it lost its name, and where it was made without one.
fn without_a_name() {
    let disk = Disk::ext4(64);
    let (inside, outside) = (
        folder(disk.folder().join("in")),
        folder(disk.folder().join("out")),
    );
    let nameless = |folder: &Path| {
        let flags = OFlags::TMPFILE | OFlags::WRONLY | OFlags::CLOEXEC;
        File::from(open(folder, flags, Mode::RWXU).unwrap())
    };
    let found = calls(&condition(&inside), || {
        let deleted = file(&inside.join("deleted"));
        fs::remove_file(inside.join("deleted")).unwrap();
        writes(&deleted, 3);
        writes(&nameless(&inside), 5);
        writes(&nameless(&outside), 7);
    });
    assert_eq!(found.values().sum::<usize>(), 8, "{found:?}");
    assert_eq!(found["deleted"], 3);
}

fn mounts() {
    let disk = Disk::ext4(64);
    let inside = folder(disk.folder().join("in"));
    let outside = folder(disk.folder().join("out/far"));
    let _memory = Mounted::new(&["-t", "tmpfs", "iotq-tests"], &inside.join("below/tmpfs"));
    let _nested = Mounted::new(
        &["-t", "tmpfs", "iotq-tests"],
        &inside.join("below/tmpfs/x/y"),
    );
    // What lies outside, seen from inside; and the other way round.
    let _seen = Mounted::new(
        &["--bind", &outside.display().to_string()],
        &inside.join("bound"),
    );
    let _shown = Mounted::new(
        &[
            "--bind",
            &folder(inside.join("deep/er")).display().to_string(),
        ],
        &disk.folder().join("shown"),
    );
    let work = || {
        writes(&file(&inside.join("below/tmpfs/in memory")), 1);
        writes(
            &file(&folder(inside.join("below/tmpfs/x/y/z")).join("in a mount of a mount")),
            2,
        );
        writes(&file(&inside.join("bound/by the mount")), 4);
        writes(&file(&outside.join("by its place")), 8);
        writes(&file(&disk.folder().join("shown/elsewhere")), 16);
        writes(&file(&disk.memory().join("above")), 32);
    };
    let of_inside = expected([
        ("in memory", 1),
        ("in a mount of a mount", 2),
        ("by the mount", 4),
        ("elsewhere", 16),
    ]);
    assert_eq!(calls(&condition(&inside), work), of_inside);
    let of_outside = expected([("by the mount", 4), ("by its place", 8)]);
    assert_eq!(
        calls(&condition(&disk.folder().join("out")), work),
        of_outside
    );
    // The bind mount is the directory that it shows.
    assert_eq!(calls(&condition(&inside.join("bound")), work), of_outside);
    assert_eq!(
        calls(&condition(&disk.folder().join("shown")), work),
        expected([("elsewhere", 16)])
    );
    // All of it lies below the disk's mount, and that below the one in memory.
    let mut all = of_inside;
    all.insert("by its place".into(), 8);
    assert_eq!(calls(&condition(disk.folder()), work), all);
    all.insert("above".into(), 32);
    assert_eq!(calls(&condition(disk.memory()), work), all);
    assert_eq!(calls(&condition(Path::new("/")), work), all);
}

/// Files of an overlay lie in its directories, which have numbers of their own, whatever layer they are in.
fn overlay() {
    let disk = Disk::ext4(64);
    let at = |name: &str| disk.folder().join(name);
    let lower = folder(at("lower/sub"));
    writes(&file(&lower.join("old")), 1);
    let options = format!(
        "lowerdir={},upperdir={},workdir={}",
        at("lower").display(),
        folder(at("upper")).display(),
        folder(at("work")).display()
    );
    let _merged = Mounted::new(
        &["-t", "overlay", "iotq-tests", "-o", &options],
        &at("merged"),
    );
    let work = || {
        writes(&file(&at("merged/sub/old")), 2);
        writes(&file(&at("merged/sub/new")), 4);
        writes(&file(&folder(at("merged/fresh")).join("other")), 8);
        writes(&file(&lower.join("below")), 16);
    };
    assert_eq!(
        calls(&condition(&at("merged/sub")), work),
        expected([("old", 2), ("new", 4)])
    );
    let whole = expected([("old", 2), ("new", 4), ("other", 8)]);
    assert_eq!(calls(&condition(&at("merged")), work), whole);
    assert_eq!(
        calls(&condition(&at("lower")), work),
        expected([("below", 16)])
    );
}

/// The subvolumes of a btrfs number their inodes each for itself.
fn subvolumes() {
    let disk = Disk::raw(256);
    let node = disk.node.display().to_string();
    tool("mkfs.btrfs", &["-q", "-f", &node]);
    let top = disk.memory().join("btrfs");
    let _mounted = Mounted::new(&[&node], &top);
    for name in ["one", "two"] {
        let path = top.join(name).display().to_string();
        tool("btrfs", &["subvolume", "create", &path]);
        folder(top.join(name).join("d"));
    }
    let (one, two) = (top.join("one/d"), top.join("two/d"));
    assert_eq!(
        fs::metadata(&one).unwrap().ino(),
        fs::metadata(&two).unwrap().ino()
    );
    let work = || {
        writes(&file(&folder(one.join("e")).join("first")), 3);
        writes(&file(&folder(two.join("e")).join("second")), 5);
        writes(&file(&top.join("at the top")), 7);
    };
    assert_eq!(calls(&condition(&one), work), expected([("first", 3)]));
    assert_eq!(calls(&condition(&two), work), expected([("second", 5)]));
    assert_eq!(
        calls(&condition(&top.join("two")), work),
        expected([("second", 5)])
    );
    let all = expected([("first", 3), ("second", 5), ("at the top", 7)]);
    assert_eq!(calls(&condition(&top), work), all);
}

/// Negated, in an alternative, as a definition and a parameter, in groups, in user space.
fn forms() {
    let disk = Disk::ext4(64);
    let (inside, outside) = (
        folder(disk.folder().join("in")),
        folder(disk.folder().join("out")),
    );
    let work = || {
        writes(&file(&inside.join("a")), 3);
        writes(&file(&outside.join("b")), 5);
        writes(&file(&outside.join("c")), 7);
        // No file at all: it is neither inside nor outside.
        rustix::fs::sync();
    };
    let (pid, at) = (std::process::id(), inside.display());
    let dev = disk.name();
    let script = format!(
        "param where_to: dir = \"{at}\"\n\
         def kept = file under where_to\n\
         def mine = pid == {pid} and (dev == {dev} or op == sync)\n\
         on syscall.exit where mine and not file under \"{at}\" emit name\n\
         on syscall.exit where mine and (kept or name == \"c\") emit name\n\
         on syscall.exit where mine and kept emit count() as calls by name\n\
         on syscall.exit where mine and (kept or lower(name) == \"b\") emit name\n\
         on syscall.enter where mine and kept emit name\n\
         on syscall.exit where mine emit count() as calls, ratio(kept) as inside"
    );
    for args in [&["-e", &script][..], &["--no-pushdown", "-e", &script]] {
        let output = traced(args, work);
        assert_eq!(output.lost, 0);
        assert_eq!(by_name(&output, 0), expected([("b", 5), ("c", 7)]));
        assert_eq!(by_name(&output, 1), expected([("a", 3), ("c", 7)]));
        let group = output.groups_of(2).next().unwrap();
        assert_eq!(
            (group.by["name"].as_str(), group.number("calls")),
            (Some("a"), 3)
        );
        assert_eq!(by_name(&output, 3), expected([("a", 3), ("b", 5)]));
        assert_eq!(by_name(&output, 4), expected([("a", 3)]));
        let all = output.groups_of(5).next().unwrap();
        assert_eq!(all.number("calls"), 16);
        let share = all.data["inside"].as_f64().unwrap();
        assert!((share - 3.0 / 16.0).abs() < 1e-9, "{share}");
    }
}

/// As many as there may be, on two filesystems, and one more.
fn several() {
    let disk = Disk::ext4(64);
    let on =
        |at: &Path| -> Vec<PathBuf> { (0..4).map(|i| folder(at.join(format!("d{i}")))).collect() };
    let all = [on(disk.folder()), on(&folder(disk.memory().join("other")))].concat();
    let queries: Vec<String> = all
        .iter()
        .map(|path| format!("on syscall.exit where {} emit name", condition(path)))
        .collect();
    let output = traced(&["-e", &queries.join("\n")], || {
        for (count, path) in all.iter().enumerate() {
            writes(&file(&nested(path, count).join("it")), count + 1);
        }
    });
    for query in 0..8 {
        assert_eq!(output.of(query).count() as u64, query + 1);
    }
    let more = format!(
        "{}\ntrace syscall where file under \"{}\"",
        queries.join("\n"),
        disk.folder().display()
    );
    let mut command = iotq_tests::iotq();
    command.args(["--dry-run", "-e", &more]);
    let refused = iotq_tests::run(command);
    assert_eq!(refused.code(), 2);
    assert!(refused.stderr.contains("E0708"), "{}", refused.stderr);
}

/// Requests of calls on such files, and of no others.
fn joins() {
    let disk = Disk::ext4(64);
    let (inside, outside) = (
        folder(disk.folder().join("in/x")),
        folder(disk.folder().join("out")),
    );
    let query = |more: &str| {
        format!(
            "join syscall, block where syscall.pid == {} and syscall.op == fsync and (syscall.file under \"{}\" {more}) \
             emit syscall.name as name, block.op as op",
            std::process::id(),
            disk.folder().join("in").display()
        )
    };
    // The second one is left to the rows.
    let (of_call, of_rows) = (query(""), query("or block.size == 3B"));
    let output = traced(&["-e", &of_call, "-e", &of_rows], || {
        for (folder, name) in [(&inside, "kept"), (&outside, "other")] {
            let file = file(&folder.join(name));
            writes(&file, 1);
            file.sync_all().unwrap();
        }
    });
    assert!(output.rows.iter().all(|row| row.text("name") == "kept"));
    assert!(output.of(0).any(|row| row.field("op") == "write"));
    assert_eq!(output.of(0).count(), output.of(1).count());
}

fn counts() {
    let disk = Disk::ext4(64);
    let (inside, outside) = (nested(disk.folder(), 40), folder(disk.folder().join("out")));
    let load = |folder: &Path, ios: u32| {
        format!(
            "fio --name=it --directory={} --nrfiles=4 --size=4M --bs=4k --ioengine=psync --rw=randrw --overwrite=1 \
             --number_ios={ios} --output={}",
            folder.display(),
            disk.memory().join("out").display()
        )
    };
    let child = format!("sh -c '{}; {}'", load(&inside, 800), load(&outside, 600));
    let query = |at: &Path| {
        format!(
            "on syscall.exit where pid under $child and op in {{read, write}} and call in {{pread64, pwrite64}} \
             and file under \"{}\" emit count() as calls, sum(ret * 1B) as bytes",
            at.display()
        )
    };
    let (deep, all) = (query(&disk.folder().join("d/d")), query(disk.folder()));
    let output = json(&["-c", &child, "-e", &deep, "-e", &all]);
    let of = |query| output.groups_of(query).next().unwrap();
    assert_eq!(
        (of(0).number("calls"), of(0).number("bytes")),
        (800, 800 * 4096)
    );
    assert_eq!(of(1).number("calls"), 1400);
}
