//! Groups of several guests: one answer, as if all rows had come from one.

use std::collections::BTreeMap;

use iotq_tests::Output;
use iotq_tests::link::Place;
use rustix::process::Signal;

use super::{Load, READS};

const GUESTS: [&str; 2] = ["vm1", "vm2"];

/// All guests see the same requests of this machine: so there is twice of everything, and each has the half.
pub fn pooled() {
    let (place, load) = (Place::default(), Load::new());
    let _agents = GUESTS.map(|name| place.agent(name, &[]));
    let condition = load.condition();
    let (rows, calls) = (
        "on guest.block.complete where",
        "join guest.syscall, guest.block where",
    );
    let query = format!(
        "{rows} {condition} emit count() as n, sum(size) as bytes, max(lat) as most, hist(lat) as h by dev every 200ms
         {rows} {condition} emit count() as n, sum(size) as bytes, max(lat) as most, hist(lat) as h by guest, dev
         {rows} {condition} emit count() as n, p50(lat) as p by comm, dev top 1 having n > {READS}
         {rows} {condition} emit count() as n
         {calls} guest.syscall.comm == fio and guest.syscall.op == read emit stages by guest"
    );
    let host = place.host("vm1,vm2", &["--ring", "16M", "-e", &query]);
    for name in GUESTS {
        host.wait_for(&format!("{name} is ready"), 1);
    }
    load.run();
    host.wait_until("an interval", || host.written().contains("\"group\""));
    load.run();
    host.signal(Signal::INT);
    let ended = host.wait();
    let output = Output::parse(&ended);
    assert!(
        !ended.text().contains("\"guest\":\"vm1\",\"at\""),
        "{}",
        ended.text()
    );
    let of = |query: u64, name: &str| -> Vec<u64> {
        let groups = output.groups_of(query);
        groups.map(|group| group.number(name)).collect()
    };
    let sum = |query: u64, name: &str| of(query, name).into_iter().sum::<u64>();
    let all = sum(1, "n");
    enough(all, &output);
    assert!(of(0, "n").len() > 1, "one interval");
    for name in ["n", "bytes"] {
        assert_eq!(sum(0, name), sum(1, name), "{name}");
    }
    let most = |query| of(query, "most").into_iter().max();
    assert_eq!(most(0), most(1));
    assert_eq!(buckets(&output, 0), buckets(&output, 1));
    assert_eq!((of(2, "n"), of(3, "n")), (vec![all], vec![all]));
    for query in [1, 4] {
        let names = output.groups_of(query).map(|it| it.by["guest"].clone());
        assert_eq!(names.collect::<Vec<_>>(), GUESTS, "{query}");
    }
    for group in output.groups_of(1) {
        assert_eq!(group.by["dev"], load.0.name().as_str());
        assert!(group.number("n") * 2 <= all + all / 50, "{group:?}");
    }
    assert!(of(4, "requests").iter().all(|n| n * 2 >= all * 9 / 10));
}

/// Two guests saw two loads each.
fn enough(all: u64, output: &Output) {
    let most = 4 * u64::from(READS);
    let few = output.unseen() + output.lost + most / 50;
    assert!(all <= most && all + few >= most, "{all}: {}", output.stderr);
}

/// How many lie in each bucket, over all groups of a statement.
fn buckets(output: &Output, query: u64) -> BTreeMap<u64, u64> {
    let mut all = BTreeMap::new();
    for group in output.groups_of(query) {
        for (low, (_, count)) in group.buckets("h") {
            *all.entry(low).or_default() += count;
        }
    }
    all
}

/// A guest that says nothing keeps the others' reports waiting for a second, and what it tells later is counted then.
pub fn late() {
    let (place, load) = (Place::default(), Load::new());
    let agents = GUESTS.map(|name| place.agent(name, &[]));
    let query = format!(
        "on guest.block.complete where {} emit count() as n every 500ms",
        load.condition()
    );
    let host = place.host("vm1,vm2", &["-e", &query]);
    for name in GUESTS {
        host.wait_for(&format!("{name} is ready"), 1);
    }
    agents[1].signal(Signal::STOP);
    load.run();
    host.wait_for("vm2 is late", 1);
    let told = || host.written().lines().count();
    let before = told();
    host.wait_until("reports without it", || told() >= before + 3);
    agents[1].signal(Signal::CONT);
    let all = 2 * u64::from(READS);
    let counted = || {
        let text = host.written();
        let groups = text.lines().filter_map(|line| {
            let line: serde_json::Value = serde_json::from_str(line).ok()?;
            line["data"]["n"].as_u64()
        });
        groups.sum::<u64>()
    };
    host.wait_until("the rest", || counted() >= all * 9 / 10);
    let output = host.interrupted();
    let counted: u64 = output.groups.iter().map(|it| it.number("n")).sum();
    let few = output.unseen() + output.lost + all / 50;
    assert!(counted <= all && counted + few >= all, "{counted}");
    assert!(!output.stderr.contains("is gone"), "{}", output.stderr);
}
