//! Guest and host: what the guest's kernel sees comes to the host, whoever else comes, goes, or talks nonsense.

mod crowd;
mod faults;
mod impostor;
mod monitored;
mod pooled;

use std::process::Command;

use iotq_tests::completions::{Completions, blind, number};
use iotq_tests::extents::counted;
use iotq_tests::fio::Reads;
use iotq_tests::link::Place;
use iotq_tests::needs::{Need, test};
use iotq_tests::{Disk, Output, iotq, run, tool};
use libtest_mimic::Trial;
use rustix::process::Signal;

use crate::exact::{compare, merged, warm_up};

/// Reads of each load.
const READS: u32 = 20_000;

pub fn tests() -> Vec<Trial> {
    let root = [Need::Root];
    let load = [Need::Root, Need::Fio, Need::Loop];
    vec![
        test("link/rows", &load, rows),
        test("link/without_pushdown", &load, without_pushdown),
        test("link/groups", &load, groups),
        test("link/pooled", &load, pooled::pooled),
        test("link/late", &load, pooled::late),
        test("link/requests", &load, requests),
        test("link/two_guests", &load, two_guests),
        test("link/back_pressure", &load, back_pressure),
        test("link/hostile", &load, faults::hostile),
        test("link/impostor", &load, faults::impostor),
        test("link/crowd", &load, crowd::crowd),
        test("link/tampered", &load, crowd::tampered),
        test("link/agent_killed", &load, faults::agent_killed),
        test("link/host_killed", &load, faults::host_killed),
        test("link/called", &load, monitored::called),
        test("link/cut", &load, monitored::cut),
        test("link/bounds", &root, bounds),
        test("link/closed_pipe", &root, closed_pipe),
        test("link/refused", &root, refused),
        test("link/explained", &[], explained),
        test("link/here", &root, here),
    ]
}

/// A disk, and a load on it whose requests are known.
struct Load(Disk);

impl Load {
    fn new() -> Self {
        let load = Self(Disk::raw(160));
        warm_up(&load.reads());
        load
    }

    fn reads(&self) -> Reads<'_> {
        Reads {
            target: &self.0.node,
            engine: "psync",
            depth: 1,
            threads: 4,
            each: READS / 4,
            memory: self.0.memory(),
        }
    }

    /// Its requests, as a condition.
    fn condition(&self) -> String {
        format!("comm == fio and op == read and dev == {}", self.0.name())
    }

    fn run(&self) {
        tool("sh", &["-c", &self.reads().line()]);
    }

    fn query(&self) -> String {
        let condition = self.condition();
        format!(
            "on guest.block.complete where {condition} emit pid, dev, sector, size, lat, ahead, approx"
        )
    }
}

/// Every request that fio issued comes over once.
fn rows() {
    exactly(&[]);
}

/// The same if the host decides everything.
fn without_pushdown() {
    exactly(&["--no-pushdown"]);
}

fn exactly(more: &[&str]) {
    let (place, load) = (Place::default(), Load::new());
    let _agent = place.agent("vm1", &[]);
    let query = load.query();
    let host = place.host("vm1", &[&["--ring", "16M", "-e", &query], more].concat());
    host.wait_for("vm1 is ready", 1);
    let kernel = Completions::start();
    load.run();
    let kernel = kernel.map_or_else(Vec::new, Completions::stop);
    let output = host.interrupted();
    let device = number(&load.0.name());
    let unseen = blind(&kernel, &device).map(|each| each.sector);
    let unseen = counted(unseen.chain(merged(&kernel, &device)));
    let issued = load.reads().issued();
    assert_eq!(issued.len(), READS as usize);
    let expected = counted(issued.into_iter().map(|offset| offset / 512));
    compare(&output, &load.0.name(), &expected, &unseen);
    // What the guest's kernel decides is not sent.
    let decided = more.is_empty();
    assert!(
        !decided || output.shipped == output.rows.len() as u64,
        "{}",
        output.stderr
    );
}

/// Groups are kept in the guest's kernel, and no record comes over.
fn groups() {
    let (place, load) = (Place::default(), Load::new());
    let _agent = place.agent("vm1", &[]);
    let query = format!(
        "on guest.block.complete where {} emit count() as n, max(lat) as most, hist(lat) as h by dev every 200ms",
        load.condition()
    );
    let host = place.host("vm1", &["-e", &query]);
    host.wait_for("vm1 is ready", 1);
    load.run();
    // Those of the next load are of another interval.
    host.wait_until("a group", || host.written().contains("\"group\""));
    load.run();
    let output = host.interrupted();
    let count: u64 = output.groups.iter().map(|group| group.number("n")).sum();
    assert!(output.groups.len() > 1, "one interval");
    close_to(count.div_ceil(2), &output);
    for group in &output.groups {
        assert_eq!(group.by["dev"], load.0.name().as_str());
        let buckets = group.buckets("h");
        let counted: u64 = buckets.values().map(|(_, count)| count).sum();
        // Those whose ends were not seen have no latency.
        let few = group.number("n") / 100 + 1;
        assert!(counted <= group.number("n") && counted + few >= group.number("n"));
        assert!(group.number("most") < buckets.values().next_back().unwrap().0);
    }
    assert_eq!(output.shipped, 0, "{}", output.stderr);
}

/// What this kernel kept from the probes, and merges, are few.
fn close_to(count: u64, output: &Output) {
    let all = u64::from(READS);
    let few = output.unseen() + output.lost + all / 100;
    assert!(
        count <= all && count + few >= all,
        "{count}: {}",
        output.stderr
    );
}

/// Calls with the requests that they caused, with the guest's names.
fn requests() {
    let (place, load) = (Place::default(), Load::new());
    let _agent = place.agent("vm1", &[]);
    let node = load.0.node.display().to_string();
    let query = format!(
        "join guest.syscall, guest.block where guest.syscall.comm == fio and guest.syscall.file == \"{node}\"
         and guest.syscall.op == read emit guest.syscall.file, guest.block.dev as disk, guest.syscall.lat as whole, guest.block.lat as part"
    );
    let host = place.host("vm1", &["--ring", "16M", "-e", &query]);
    host.wait_for("vm1 is ready", 1);
    load.run();
    let output = host.interrupted();
    close_to(output.rows.len() as u64, &output);
    for row in &output.rows {
        assert_eq!(row.text("guest.syscall.file"), node);
        if let Some(part) = row.int("part") {
            assert_eq!(row.text("disk"), load.0.name());
            assert!(part <= row.int("whole").unwrap(), "{row:?}");
        }
    }
}

/// Each tells who it is; a bound is for both together.
fn two_guests() {
    let (place, load) = (Place::default(), Load::new());
    let _agents = ["vm1", "vm2"].map(|name| place.agent(name, &[]));
    let query = load.query();
    let all = place.host("vm1,vm2", &["--ring", "16M", "-e", &query]);
    for name in ["vm1", "vm2"] {
        all.wait_for(&format!("{name} is ready"), 1);
    }
    load.run();
    all.signal(Signal::INT);
    let ended = all.wait();
    let output = Output::parse(&ended);
    for name in ["vm1", "vm2"] {
        let mark = format!("\"guest\":\"{name}\"");
        let rows = ended
            .text()
            .lines()
            .filter(|line| line.contains(&mark))
            .count();
        close_to(rows as u64, &output);
    }
    let ten = place.host("vm1,vm2", &["-e", &format!("{query} limit 10")]);
    for name in ["vm1", "vm2"] {
        ten.wait_for(&format!("{name} is ready"), 1);
    }
    load.run();
    assert_eq!(Output::parse(&ten.wait()).rows.len(), 10);
}

/// What the host does not take waits in the guest's ring, and is lost there if it must be, and counted.
fn back_pressure() {
    let (place, load) = (Place::default(), Load::new());
    let agent = place.agent("vm1", &[]);
    let pipe = place.folder().join("pipe");
    tool("mkfifo", &[&pipe.display().to_string()]);
    let query = load.query();
    let output = pipe.display().to_string();
    let host = place.host("vm1", &["--ring", "64K", "-o", &output, "-e", &query]);
    let reader = std::fs::File::open(&pipe).unwrap();
    host.wait_for("vm1 is ready", 1);
    for _ in 0..3 {
        load.run();
    }
    // Only now does somebody read.
    let rows = std::thread::spawn(move || std::io::read_to_string(reader).unwrap());
    host.signal(Signal::INT);
    let ended = host.wait();
    let text = rows.join().unwrap();
    let output = Output::of_text(&text, &ended.stderr);
    assert!(output.lost > 0, "{}", ended.stderr);
    assert_eq!(output.rows.len() as u64, output.shipped, "{}", ended.stderr);
    let passed = output.rows.len() as u64 + output.lost;
    assert!(
        passed >= u64::from(READS) * 3 * 99 / 100,
        "{passed}: {}",
        ended.stderr
    );
    assert!(!agent.holds_programs());
}

/// A time, and a number of rows.
fn bounds() {
    let place = Place::default();
    let _agent = place.agent("vm1", &[]);
    for more in [
        &["--for", "100ms", "-e", "trace guest.block"][..],
        &["-e", "trace guest.block for 100ms"],
        &["-e", "trace guest.syscall limit 3"],
    ] {
        // What it reads of the host's words are calls, too.
        let host = place.host("vm1", more);
        host.wait_for(" seen, ", 1);
        let ended = host.wait();
        assert_eq!(ended.code(), 0, "{}", ended.stderr);
        Output::parse(&ended);
    }
}

/// A reader that has enough, such as `head -1`.
fn closed_pipe() {
    let place = Place::default();
    let agent = place.agent("vm1", &[]);
    let mut command = iotq();
    command.args(["host", "--listen", &place.address(), "--guest", "vm1"]);
    command.args(["--format", "json", "-e", "trace guest.syscall"]);
    let first = place.folder().join("first");
    let line = format!("{command:?} | head -1 > {}", first.display());
    let mut shell = Command::new("sh");
    shell.args(["-c", &line]);
    let shell = place.side(shell);
    // What it reads here are calls.
    let ended = shell.wait();
    agent.wait_for("the host is gone", 1);
    assert_eq!(ended.code(), 0, "{}", ended.stderr);
    assert!(!ended.stderr.contains("Error"), "{}", ended.stderr);
    let first = std::fs::read_to_string(first).unwrap();
    assert!(first.contains("\"row\""), "{first}");
}

/// The codes that are about guests, each of which is produced here.
pub const CODES: [&str; 8] = [
    "E0609", "E0610", "E0901", "E0902", "E0903", "E0904", "E0905", "E0906",
];

/// What is refused says why, with its exit code.
fn refused() {
    let place = Place::default();
    let agent = place.agent("vm1", &[]);
    let both = "join guest.syscall, block";
    let many = "trace guest.block\n".repeat(33);
    let ask = |more: &[&str], query: &str| {
        let mut command = iotq();
        command.args(["host", "-e", query]).args(more);
        if !more.contains(&"--listen") {
            command.args(["--listen", &place.address()]);
        }
        run(command)
    };
    let (vm1, rows) = (["--guest", "vm1"], "trace guest.block");
    let cases: [(&[&str], &str, &str, i32); 9] = [
        (&vm1, both, "E0609", 2),
        (&vm1, &many, "E0610", 2),
        (
            &[&vm1[..], &["--listen", "unix:/no/such/folder"]].concat(),
            rows,
            "E0901",
            3,
        ),
        (
            &[&vm1[..], &["--token", "/no/such"]].concat(),
            rows,
            "E0902",
            3,
        ),
        (&[], rows, "E0903", 2),
        (&["--guest", "a b"], rows, "E0903", 2),
        (&vm1, "trace guest.block where dev == nosuch0", "E0904", 3),
        (&[&vm1[..], &["-c", "true"]].concat(), rows, "E0905", 2),
        (&vm1, "trace host.block", "E0906", 2),
    ];
    for (more, query, code, exit) in cases {
        let ended = ask(more, query);
        assert_eq!(ended.code(), exit, "{more:?}: {}", ended.stderr);
        assert!(ended.stderr.contains(code), "{more:?}: {}", ended.stderr);
    }
    let codes = cases.map(|(_, _, code, _)| code);
    assert!(CODES.iter().all(|code| codes.contains(code)));
    agent.wait_for("cannot do what the host asks", 1);
    assert!(!agent.holds_programs());
}

/// What guests would be asked is shown by a machine that has none.
fn explained() {
    let query = "trace guest.block where guest.block.lat > 1ms";
    for (args, shown) in [
        (
            &["explain", "-e"][..],
            "guests are asked:\n\ntrace block where block.lat > 1ms\n",
        ),
        (
            &["host", "--dry-run", "-e"],
            "trace block where block.lat > 1ms\n",
        ),
        (&["check", "-e"], ""),
    ] {
        let mut command = iotq();
        command.args(args).arg(query);
        let ended = run(command);
        assert_eq!(ended.code(), 0, "{}", ended.stderr);
        assert!(ended.text().starts_with(shown), "{}", ended.text());
    }
    // Of a join over the boundary, both halves.
    let query = "join guest.syscall, host.qemu where guest.syscall.lat > 1ms and host.qemu.s2p > 1ms emit tree";
    let halves = [
        "join syscall, virtio where syscall.lat > 1ms emit tree\n",
        "this host keeps, to be looked up:\n\ntrace qemu emit",
        "user space:           lat > 1ms and s2p > 1ms",
    ];
    for args in [&["explain", "-e"][..], &["host", "--dry-run", "-e"]] {
        let mut command = iotq();
        command.args(args).arg(query);
        let ended = run(command);
        assert_eq!(ended.code(), 0, "{}", ended.stderr);
        let text = ended.text();
        let missing = halves.iter().find(|half| !text.contains(*half));
        assert_eq!(missing, None, "{text}");
    }
}

/// A host has layers of its own.
fn here() {
    let mut command = iotq();
    command.args([
        "host",
        "--format",
        "json",
        "--for",
        "100ms",
        "-e",
        "trace host.block",
    ]);
    let ended = run(command);
    assert_eq!(ended.code(), 0, "{}", ended.stderr);
    Output::parse(&ended);
}
