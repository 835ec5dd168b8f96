//! Times off the CPU inside calls: they are what the calls' stages say, and name for whom callers wait.

use std::collections::BTreeMap;
use std::thread::available_parallelism;

use iotq_tests::needs::{Need, test};
use iotq_tests::trace::{Trace, TurnsOfInit};
use iotq_tests::{Disk, Row, iotq, json, run};
use libtest_mimic::Trial;

pub fn tests() -> Vec<Trial> {
    let needs = [Need::Root, Need::Loop, Need::Fio];
    vec![
        test("waits/add_up", &needs, add_up),
        test("waits/alone", &needs, alone),
        test("waits/hog", &[&needs[..], &[Need::Tracefs]].concat(), hog),
        test("waits/drawn", &needs, drawn),
        test("waits/journal", &needs, journal),
    ]
}

fn fio(disk: &Disk, more: &str) -> String {
    format!(
        "fio --name=data --filename={0}/data --size=32M --output={1} --ioengine=psync --thread {more}",
        disk.folder().display(),
        disk.memory().join("out").display()
    )
}

/// Of each call, the times off the CPU are all but `cpu`, and those on the run queue are `runqueue`.
fn add_up() {
    let disk = Disk::ext4(160);
    let line = fio(
        &disk,
        "--rw=randrw --direct=1 --bs=4k --fsync=8 --numjobs=3 --number_ios=600",
    );
    let query = "join syscall, sched, block where pid under $child and name == data
        emit syscall.time as time, syscall.tid as tid, syscall.lat as lat, syscall.cpu as cpu,
             syscall.runqueue as ready, syscall.approx as approx,
             sum(sched[].lat) as off, sum(sched[].runqueue) as waited, sum(sched[].blocked) as slept, count(sched[]) as times";
    let turns = TurnsOfInit::begin();
    let output = json(&["--ring", "16M", "-c", &line, "-e", query]);
    let unseen = turns.end() + output.unseen();
    assert_eq!(output.lost, 0, "{}", output.stderr);
    let mut calls = BTreeMap::<_, &Row>::new();
    for row in &output.rows {
        calls.insert((row.number("time"), row.number("tid")), row);
    }
    assert!(calls.len() >= 1800, "{} calls", calls.len());
    let (mut approximate, mut waits) = (0, 0);
    for row in calls.values() {
        if row.field("approx") == true {
            approximate += 1;
            continue;
        }
        let number = |name: &str| row.int(name).map_or(0, i64::cast_unsigned);
        assert_eq!(number("off"), number("lat") - number("cpu"), "{row:?}");
        assert_eq!(number("waited"), number("ready"), "{row:?}");
        assert_eq!(number("slept") + number("waited"), number("off"), "{row:?}");
        waits += number("times");
    }
    assert!(waits >= 1500, "{waits} times off the CPU");
    assert!(
        approximate <= calls.len() as u64 / 1000 + unseen,
        "{approximate} are approximate, {unseen} unseen"
    );
}

/// By themselves they are the same as in a join, and groups of them are kept in the kernel.
fn alone() {
    let disk = Disk::ext4(160);
    let line = fio(&disk, "--rw=randread --direct=1 --bs=4k --number_ios=1000");
    let filter = "where pid under $child and comm == fio";
    let query = format!(
        "join syscall, sched where pid under $child and syscall.comm == fio and not syscall.approx
             emit sched.time as time, sched.lat as lat
         on sched.in {filter} emit time, lat, blocked, runqueue, state
         on sched.in {filter} emit count(), sum(lat), max(runqueue) by state"
    );
    let output = json(&["--ring", "16M", "-c", &line, "-e", &query]);
    assert_eq!(output.lost, 0, "{}", output.stderr);
    let mut alone = BTreeMap::<_, u64>::new();
    let mut sums = BTreeMap::<String, [u64; 3]>::new();
    for row in output.of(1) {
        alone.insert(row.number("time"), row.number("lat"));
        let sum = sums.entry(row.text("state").into()).or_default();
        sum[0] += 1;
        sum[1] += row.number("lat");
        sum[2] = sum[2].max(row.number("runqueue"));
    }
    let joined: Vec<_> = output
        .of(0)
        .filter(|row| !row.field("time").is_null())
        .collect();
    assert!(joined.len() >= 900, "{} in the join", joined.len());
    for row in joined {
        assert_eq!(
            alone.get(&row.number("time")),
            Some(&row.number("lat")),
            "{row:?}"
        );
    }
    let groups = output.groups_of(2).map(|group| {
        let values = ["count()", "sum(lat)", "max(runqueue)"].map(|name| group.number(name));
        (group.by["state"].as_str().unwrap().to_owned(), values)
    });
    assert_eq!(groups.collect::<BTreeMap<_, _>>(), sums);
}

/// Whoever takes the CPU is named, and the time is that of the run queue.
fn hog() {
    let disk = Disk::ext4(160);
    let cpu = available_parallelism().map_or(0, |cpus| cpus.get() - 1);
    let load = fio(&disk, "--rw=randread --direct=1 --bs=4k --number_ios=800");
    // The hog has a name of its own, and ends with the load.
    let line = format!(
        "cp /bin/sh {0}/hog; taskset -c {cpu} {0}/hog -c 'while :; do :; done' & hog=$!; taskset -c {cpu} {load}; kill $hog",
        disk.memory().display()
    );
    let query = "on sched.in where pid under $child and comm == fio emit tid, prev_comm, runqueue";
    let kernel = Trace::start(&["sched/sched_switch"]).unwrap();
    let output = json(&["--ring", "16M", "-c", &line, "-e", query]);
    let told = told(&kernel.stop());
    let mut ours = BTreeMap::<_, usize>::new();
    for row in &output.rows {
        let key = (row.number("tid"), row.text("prev_comm").to_owned());
        *ours.entry(key).or_default() += 1;
    }
    // Times between calls are no rows.
    let more = ours
        .iter()
        .filter(|(key, count)| told.get(key).is_none_or(|told| told < count));
    let more: Vec<_> = more
        .map(|(key, count)| (key, count, told.get(key)))
        .collect();
    assert!(more.is_empty(), "ours, and what the kernel tells: {more:?}");
    let long = |row: &&Row| row.number("runqueue") > 500_000;
    let (mut all, mut by_hog) = (0, 0);
    for row in output.rows.iter().filter(long) {
        all += 1;
        by_hog += usize::from(row.text("prev_comm") == "hog");
    }
    // On a busy machine others come between.
    let hog = count(&told, |comm| comm == "hog");
    let strangers = count(&told, |comm| {
        !["hog", "fio"].contains(&comm) && !of_kernel(comm)
    });
    if strangers * 10 > hog {
        eprintln!(
            "the machine is busy: {strangers} times somebody else had the CPU, {hog} the hog"
        );
        return;
    }
    assert!(
        all >= 8 && by_hog * 10 >= all * 7,
        "{by_hog} of {all} waits are for the hog: {output:?}"
    );
}

fn count(told: &BTreeMap<(u64, String), usize>, is: impl Fn(&str) -> bool) -> usize {
    let them = told.iter().filter(|((_, comm), _)| is(comm));
    them.map(|(_, count)| count).sum()
}

/// Whether that may be a thread of the kernel.
fn of_kernel(comm: &str) -> bool {
    comm.contains('/') || comm.starts_with("rcu_") || comm.starts_with("kdamond")
}

/// Whom the kernel says to have left the CPU to threads of fio, by the thread:
/// `sched_switch: prev_comm=hog … ==> next_comm=fio next_pid=7 next_prio=120`
fn told(text: &str) -> BTreeMap<(u64, String), usize> {
    let mut counts = BTreeMap::new();
    for line in text.lines() {
        let Some((before, next)) = line.split_once(" ==> next_comm=fio next_pid=") else {
            continue;
        };
        let comm = before
            .split_once("prev_comm=")
            .and_then(|(_, rest)| rest.split_once(" prev_pid="));
        let tid = next
            .split(' ')
            .next()
            .and_then(|number| number.parse().ok());
        let key = comm.map(|(comm, _)| comm.to_owned()).zip(tid);
        let (comm, tid) = key.expect(line);
        *counts.entry((tid, comm)).or_default() += 1;
    }
    counts
}

/// In a tree they stand among what the call caused.
fn drawn() {
    let disk = Disk::ext4(160);
    let line = fio(&disk, "--rw=randread --direct=1 --bs=4k --number_ios=40");
    let mut command = iotq();
    command.env("LC_ALL", "C");
    command.args(["-c", &line, "-e"]);
    command.arg("join syscall, sched, block where pid under $child and name == data and syscall.op == read emit tree limit 2");
    let text = run(command).text();
    assert!(
        text.contains("`- sched cpu") || text.contains("|- sched cpu"),
        "{text}"
    );
    assert!(text.contains("- block "), "{text}");
}

/// An fsync that waits for a commit of the journal is woken by the journal's thread, and was blocked until then.
fn journal() {
    let disk = Disk::ext4(160);
    let line = fio(
        &disk,
        "--rw=write --bs=4k --fsync=1 --number_ios=100 --fallocate=none --unlink=1",
    );
    let query = "join syscall, sched, block where pid under $child and name == data and syscall.op == fsync
        emit syscall.time as time, syscall.lat as lat, syscall.blocked as blocked, sched.waker_comm as waker,
             sched.blocked as slept";
    let output = json(&["--ring", "16M", "-c", &line, "-e", query]);
    let journal = format!("jbd2/{}-8", disk.name());
    let mut syncs = BTreeMap::<u64, bool>::new();
    for row in &output.rows {
        let waited = row.field("waker") == journal.as_str();
        if waited {
            assert!(row.number("slept") <= row.number("lat"), "{row:?}");
        }
        *syncs.entry(row.number("time")).or_default() |= waited;
    }
    assert!(syncs.len() >= 99, "{} syncs", syncs.len());
    // What is new in the file needs a commit each time; it may be done before its caller sleeps.
    let waited = syncs.values().filter(|waited| **waited).count();
    assert!(
        waited * 2 >= syncs.len(),
        "{waited} of {} waited for {journal}",
        syncs.len()
    );
}
