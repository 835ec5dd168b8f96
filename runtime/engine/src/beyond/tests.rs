//! Requests of a guest and what its host has kept: found where they are, and only there.

mod nvme;

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::time::Duration;

use iotq_probes::abi::{
    IOTQ_STAGE_DEVICE, IOTQ_STAGE_OTHER, IOTQ_STAGE_QUEUE, iotq_block, iotq_qemu, iotq_virtio,
};
use iotq_probes::catalogue::layer;
use zerocopy::{FromZeros, Immutable, IntoBytes};

use super::request::Device;
use super::*;
use crate::sink::{Json, Sink, Summary};
use crate::testing::Bytes;
use crate::{Clock, Engine, NoNames};

const DISK: u64 = 0x5500_0000;
const US: u64 = 1000;
/// The host's clock is so far ahead.
const AHEAD: u64 = 3_600_000_000_000;

/// What lies where, and the queues.
type Stock = (HashMap<Spot, Vec<u8>>, Vec<Queue>);

/// What a host keeps, as a test wants it.
#[derive(Clone, Default)]
struct Shelf(Rc<RefCell<Stock>>);

impl Kept for Shelf {
    fn queues(&mut self) -> Vec<Queue> {
        self.0.borrow().1.clone()
    }

    fn look_up(&mut self, spot: &Spot) -> Option<Vec<u8>> {
        self.0.borrow().0.get(spot).cloned()
    }
}

impl Shelf {
    /// Keeps a request of the guest, as QEMU would: 10 us after it was issued, 20 before it is completed.
    fn keep(&self, device: u64, round: u32, asked: &iotq_virtio, change: impl Fn(&mut iotq_qemu)) {
        let completed = asked.block.head.at;
        let mut seen = iotq_qemu::new_zeroed();
        seen.head.at = completed + AHEAD - 20 * US;
        seen.head.layer = layer("qemu").expect("a layer").id;
        seen.head.point = layer("qemu").expect("a layer").end_point().id;
        seen.lat = asked.lat - 30 * US;
        (seen.queue, seen.index, seen.first) = (asked.queue, asked.index, asked.head);
        (seen.op, seen.format) = (asked.op, asked.format);
        (seen.offset, seen.size) = (asked.block.sector * 512, asked.block.size.into());
        change(&mut seen);
        let mut bytes = (size_of::<iotq_qemu>() as u64).to_ne_bytes().to_vec();
        bytes.extend_from_slice(seen.as_bytes());
        let (queue, index) = (asked.queue, asked.index);
        let spot = Spot {
            device,
            queue,
            index,
            round,
        };
        let mut shelf = self.0.borrow_mut();
        shelf.0.insert(spot, bytes);
        let of = |it: &&mut Queue| it.device == device && it.queue == queue;
        match shelf.1.iter_mut().find(of) {
            Some(known) => known.round = known.round.max(round),
            None => shelf.1.push(Queue {
                device,
                queue,
                round,
                name: "disk0".into(),
            }),
        }
    }

    /// The same, with what was done for it: of 70 us in QEMU, 10 queued and 40 at a disk, by a call and two requests.
    fn keep_followed(&self, asked: &iotq_virtio) {
        self.keep(DISK, 0, asked, |_| ());
        let pushed = asked.block.head.at + AHEAD - 20 * US;
        let mut trail = iotq_trail::new_zeroed();
        trail.stages[IOTQ_STAGE_QUEUE as usize] = 10 * US;
        trail.stages[IOTQ_STAGE_DEVICE as usize] = 40 * US;
        trail.stages[IOTQ_STAGE_OTHER as usize] = 20 * US;
        let call = Bytes::syscall(0).number("time", pushed - 5 * US);
        let call = call.number("lat", 60 * US).number("offset", 4096);
        let block = |at: u64, sector| {
            let block = Bytes::block(0).number("time", pushed - at);
            let block = block.number("lat", 25 * US).number("d2c", 20 * US);
            block.number("sector", sector).0
        };
        let mut shelf = self.0.borrow_mut();
        for bytes in shelf.0.values_mut().filter(|it| it.len() == 216) {
            bytes[..8].copy_from_slice(&(size_of::<iotq_qemu_root>() as u64).to_ne_bytes());
            bytes.extend_from_slice(trail.as_bytes());
            for more in [call.0.clone(), block(30 * US, 8), block(5 * US, 16)] {
                bytes.extend_from_slice(&(more.len() as u64).to_ne_bytes());
                bytes.extend_from_slice(&more);
            }
        }
    }

    fn beyond(&self) -> Beyond {
        let apart = Apart::new(AHEAD as i64, 100 * US, 0);
        Beyond::new(Box::new(self.clone()), apart)
    }
}

/// A request of a driver, completed at a time.
fn block(driver: &str, completed: u64) -> iotq_block {
    let driver = layer(driver).expect("a layer");
    let mut block = iotq_block::new_zeroed();
    block.head.at = completed;
    block.head.layer = driver.id;
    block.head.point = driver.end_point().id;
    block.sector = completed / 7 * 8;
    block.size = 4096;
    block
}

/// A read, completed at a time.
fn asked(index: u32, completed: u64) -> iotq_virtio {
    let mut asked = iotq_virtio::new_zeroed();
    asked.block = block("virtio", completed);
    asked.lat = 100 * US;
    (asked.device, asked.index, asked.head) = (2, index, index % 64);
    asked.op = 1;
    asked
}

fn part(beyond: &mut Beyond, asked: &(impl IntoBytes + Immutable)) -> Option<Vec<iotq_qemu>> {
    let record = RawRecord::parse(asked.as_bytes(), Clock::default()).expect("a record");
    match beyond.part(&record) {
        Part::Records(all) => {
            let all = all.iter().map(|it| iotq_qemu::read_from_bytes(it));
            Some(all.map(|it| it.expect("a record")).collect())
        }
        Part::NotYet | Part::None => None,
    }
}

#[test]
fn a_request_is_found_and_brought_into_the_guests_time() {
    let shelf = Shelf::default();
    let mut beyond = shelf.beyond();
    for (index, at) in [(0, 1_000), (1, 2_000), (2, 3_000)].map(|(it, us)| (it, us * US)) {
        let asked = asked(index, at);
        shelf.keep(DISK, 0, &asked, |_| ());
        let found = part(&mut beyond, &asked).expect("found");
        let [seen] = found[..] else {
            panic!("{} records", found.len())
        };
        assert_eq!(seen.kick + seen.lat + seen.inject, 100 * US);
        assert_eq!(seen.head.at + seen.inject, at);
    }
    let counts = beyond.counts();
    assert_eq!((counts.joined, counts.unseen, counts.untimely), (3, 0, 0));
    // 10 us one way and 20 the other.
    assert_eq!(counts.uncertainty_ns, 15 * US);
    assert_eq!(beyond.notes(), ["virtio2 is QEMU's disk `disk0`"]);
}

#[test]
fn what_is_not_there_yet_is_found_later() {
    let shelf = Shelf::default();
    let mut beyond = shelf.beyond();
    let asked = asked(0, 1_000 * US);
    assert!(part(&mut beyond, &asked).is_none());
    shelf.keep(DISK, 0, &asked, |_| ());
    assert!(part(&mut beyond, &asked).is_some());
}

#[test]
fn indices_that_are_used_again_are_told_apart() {
    let shelf = Shelf::default();
    let mut beyond = shelf.beyond();
    // A ring of 8, and 1000 rounds of it: the guest tells of few requests, and late.
    let at = |number: u64| (1_000 + 10 * number) * US;
    for number in 0..8_000u64 {
        let asked = asked(number as u32 % 8, at(number));
        shelf.keep(DISK, number as u32 / 8, &asked, |_| ());
    }
    for number in (0..8_000u64).step_by(997).chain([7_999, 4, 5, 13, 6_000]) {
        let asked = asked(number as u32 % 8, at(number));
        let found = part(&mut beyond, &asked).expect("found");
        assert_eq!(found[0].offset, asked.block.sector * 512);
    }
    assert_eq!(beyond.counts().unseen, 0);
    // One that the host has forgotten is not mistaken for the next one with its index.
    let forgotten = asked(4, at(804));
    let spot = Spot {
        device: DISK,
        queue: 0,
        index: 4,
        round: 100,
    };
    shelf.0.borrow_mut().0.remove(&spot);
    assert!(part(&mut beyond, &forgotten).is_none());
}

#[test]
fn another_request_of_that_time_is_never_joined() {
    let shelf = Shelf::default();
    for change in [
        |it: &mut iotq_qemu| it.offset += 512,
        |it: &mut iotq_qemu| it.size = 512,
        |it: &mut iotq_qemu| it.op = 2,
        |it: &mut iotq_qemu| it.first += 1,
    ] {
        let mut beyond = shelf.beyond();
        let good = asked(0, 1_000 * US);
        shelf.keep(DISK, 0, &good, |_| ());
        assert!(part(&mut beyond, &good).is_some());
        let wrong = asked(1, 2_000 * US);
        shelf.keep(DISK, 0, &wrong, change);
        assert!(part(&mut beyond, &wrong).is_none());
        // The disk is not believed any more, until it is learned anew.
        assert!(beyond.pairing.of(Device::Virtio(2)).is_none());
        let again = asked(2, 3_000 * US);
        shelf.keep(DISK, 0, &again, |_| ());
        assert!(part(&mut beyond, &again).is_some());
        beyond.give_up();
        assert_eq!(beyond.counts().unseen, 1);
    }
}

#[test]
fn a_request_of_another_time_is_not_joined() {
    let shelf = Shelf::default();
    let mut beyond = shelf.beyond();
    let old = asked(0, 1_000 * US);
    shelf.keep(DISK, 0, &old, |_| ());
    assert!(part(&mut beyond, &old).is_some());
    // The same place, operation and index, a second later.
    let mut new = old;
    new.block.head.at += 1_000_000 * US;
    assert!(part(&mut beyond, &new).is_none());
    assert_eq!(beyond.pairing.of(Device::Virtio(2)), Some(DISK));
}

#[test]
fn times_that_cannot_be_are_counted() {
    let shelf = Shelf::default();
    let mut beyond = shelf.beyond();
    for number in 0..3 {
        let asked = asked(number, (1 + u64::from(number)) * 1_000 * US);
        // Pushed after the guest had its answer, far beyond what the clocks may be apart.
        shelf.keep(DISK, 0, &asked, |it| {
            if number == 2 {
                it.head.at += 1_000 * US;
            }
        });
        let found = part(&mut beyond, &asked).expect("found");
        assert_eq!(found[0].kick + found[0].lat + found[0].inject, 100 * US);
    }
    assert_eq!(beyond.counts().untimely, 1);
}

#[test]
fn whatever_a_host_has_kept_does_no_harm() {
    let shelf = Shelf::default();
    let mut beyond = shelf.beyond();
    let asked = asked(0, 1_000 * US);
    shelf.keep(DISK, 0, &asked, |_| ());
    for bytes in [
        vec![],
        vec![0xff; 8],
        vec![0xff; 300],
        vec![0; 216],
        vec![0; 304],
    ] {
        for kept in shelf.0.borrow_mut().0.values_mut() {
            kept.clone_from(&bytes);
        }
        assert!(part(&mut beyond, &asked).is_none());
    }
}

/// The plan of all rows of a query over a boundary.
fn plan(text: &str) -> iotq_lang::plan::Plan {
    use iotq_lang::check::{Inputs, Placed, place};
    use iotq_lang::source::{Source, Sources};

    let script = iotq_lang::syntax::parse(text).expect("a script");
    let mut sources = Sources(vec![Source {
        name: "query".into(),
        text: text.into(),
    }]);
    match place(&mut sources, &script, &Inputs::default()) {
        Ok(Placed::Across(across)) => across.plan().expect("plans").whole.bind(&[]),
        other => panic!("{text}: {other:?}"),
    }
}

/// An engine with a host's part, and what it writes.
struct House {
    engine: Engine,
    sink: Json<Vec<u8>>,
    shelf: Shelf,
}

impl House {
    fn new(text: &str) -> Self {
        let (plan, shelf) = (plan(text), Shelf::default());
        let mut engine = Engine::new(&plan, Clock::default(), Box::new(NoNames));
        engine.set_beyond(shelf.beyond());
        Self {
            engine,
            sink: Json::new(&plan, Vec::new()).expect("a sink"),
            shelf,
        }
    }

    fn push(&mut self, asked: &iotq_virtio) {
        let pushed = self.engine.push(asked.as_bytes(), &mut self.sink);
        pushed.expect("written");
    }

    fn settle(&mut self, ms: u64) {
        let settled = self
            .engine
            .settle(Duration::from_millis(ms), &mut self.sink);
        settled.expect("written");
    }

    /// What was written, and what became of the requests.
    fn end(mut self) -> (Vec<String>, Crossed) {
        let end = Duration::from_secs(9);
        self.engine.finish(end, &mut self.sink).expect("written");
        self.sink.finish(&Summary::default()).expect("written");
        let counts = self.engine.beyond().expect("a host").counts();
        let text = String::from_utf8(self.sink.written().clone()).expect("UTF-8");
        let lines = text.lines().filter(|it| !it.contains("summary"));
        (lines.map(str::to_owned).collect(), counts)
    }
}

/// A read on a ring, by itself.
fn alone(index: u32, completed: u64) -> iotq_virtio {
    let mut asked = asked(index, completed);
    asked.block.head.queries = 1;
    asked
}

const ROWS: &str = "join guest.virtio, host.qemu emit guest.virtio.index as i, host.qemu.kick as k, host.qemu.inject as j";

#[test]
fn rows_wait_for_the_host_for_a_while() {
    let mut house = House::new(ROWS);
    let late = alone(0, 1_000 * US);
    house.push(&late);
    assert!(house.sink.written().is_empty());
    house.shelf.keep(DISK, 0, &late, |_| ());
    house.settle(50);
    assert!(!house.sink.written().is_empty());
    // This one is never seen.
    house.push(&alone(1, 2_000 * US));
    house.settle(1_000);
    house.settle(3_000);
    let (lines, counts) = house.end();
    let row = |data: &str| format!("{{\"type\":\"row\",\"query\":0,\"data\":{{{data}}}}}");
    assert_eq!(
        lines,
        [
            row("\"i\":0,\"k\":15000,\"j\":15000"),
            row("\"i\":1,\"k\":null,\"j\":null")
        ]
    );
    assert_eq!((counts.joined, counts.unseen), (1, 1));
}

#[test]
fn conditions_are_about_both_sides() {
    let where_both = "where host.qemu.lat > 80us and guest.virtio.index != 2 emit";
    let mut house = House::new(&ROWS.replace("emit", where_both));
    for index in 0..4 {
        let mut asked = alone(index, (1 + u64::from(index)) * 1_000 * US);
        asked.lat = (100 + 20 * u64::from(index)) * US;
        house.shelf.keep(DISK, 0, &asked, |_| ());
        house.push(&asked);
    }
    let (lines, counts) = house.end();
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(lines[0].contains("\"i\":1,") && lines[1].contains("\"i\":3,"));
    assert_eq!(counts.joined, 4);
}

#[test]
fn stages_of_rings_add_up() {
    let mut house = House::new("join guest.virtio, host.qemu emit stages");
    for index in 0..3 {
        let asked = alone(index, (1 + u64::from(index)) * 1_000 * US);
        if index < 2 {
            house.shelf.keep(DISK, 0, &asked, |_| ());
        }
        house.push(&asked);
    }
    let (lines, _) = house.end();
    let parts = "\"requests\":3,\"lat\":300000,\"kick\":30000,\"vmm\":140000,\"inject\":30000,\"device\":100000";
    assert!(lines[0].contains(parts), "{lines:?}");
}

#[test]
fn a_tree_of_a_ring_has_the_host_below_it() {
    let mut house = House::new("join guest.virtio, host.qemu emit tree");
    let asked = alone(0, 1_000 * US);
    house.shelf.keep(DISK, 0, &asked, |_| ());
    house.push(&asked);
    let (lines, _) = house.end();
    let tree: serde_json::Value = serde_json::from_str(&lines[0]).expect("JSON");
    let beyond = "{\"kick\":15000,\"vmm\":70000,\"inject\":15000,\"uncertainty\":15000}";
    assert_eq!(
        tree["beyond"],
        serde_json::from_str::<serde_json::Value>(beyond).expect("JSON")
    );
    let below = &tree["children"][0];
    assert_eq!(
        (&tree["layer"], &below["layer"]),
        (&"virtio".into(), &"qemu".into())
    );
    assert_eq!(
        (&below["start"], &below["data"]["lat"]),
        (&15_000.into(), &70_000.into())
    );
}

const BELOW: &str = "join guest.virtio, host.qemu, host.syscall, host.block";

#[test]
fn what_was_done_for_a_request_makes_rows() {
    let mut house = House::new(&format!(
        "{BELOW} emit host.syscall.offset as o, host.block.sector as s, host.block.d2c as d, \
         count(host.block[]) as n, count(guest.virtio[]) as g, max(host.qemu[].device) as v"
    ));
    let asked = alone(0, 1_000 * US);
    house.shelf.keep_followed(&asked);
    house.push(&asked);
    let (lines, _) = house.end();
    let data = |line: &String| line.split_once("\"data\":").expect("data").1.to_owned();
    let lists = "\"n\":2,\"g\":1,\"v\":40000}}";
    assert_eq!(
        lines.iter().map(data).collect::<Vec<_>>(),
        [
            format!("{{\"o\":4096,\"s\":null,\"d\":null,{lists}"),
            format!("{{\"o\":null,\"s\":8,\"d\":20000,{lists}"),
            format!("{{\"o\":null,\"s\":16,\"d\":20000,{lists}"),
        ]
    );
}

#[test]
fn the_disks_of_the_host_are_stages_where_they_are_joined() {
    let texts = [
        format!("{BELOW} emit stages"),
        "join guest.virtio, host.qemu, host.syscall emit stages".to_owned(),
    ];
    let parts = [
        "\"kick\":15000,\"vmm\":20000,\"host.queue\":10000,\"host.device\":40000,\"inject\":15000,\"device\":0",
        "\"kick\":15000,\"vmm\":70000,\"inject\":15000,\"device\":0",
    ];
    for (text, parts) in texts.iter().zip(parts) {
        let mut house = House::new(text);
        let asked = alone(0, 1_000 * US);
        house.shelf.keep_followed(&asked);
        house.push(&asked);
        let (lines, _) = house.end();
        assert!(lines[0].contains(parts), "{lines:?}");
    }
}

#[test]
fn a_tree_has_what_was_done_below_the_request_in_qemu() {
    let mut house = House::new(&format!("{BELOW} emit tree"));
    let asked = alone(0, 1_000 * US);
    house.shelf.keep_followed(&asked);
    house.push(&asked);
    let (lines, _) = house.end();
    let tree: serde_json::Value = serde_json::from_str(&lines[0]).expect("JSON");
    assert_eq!(tree["beyond"]["host.device"], 40_000);
    let qemu = &tree["children"][0];
    let (from, to) = (15_000, 85_000);
    let below = qemu["children"].as_array().expect("children");
    let found = below.iter().map(|it| {
        let (start, lat) = (&it["start"], &it["data"]["lat"]);
        let (start, lat) = (start.as_i64().expect("a time"), lat.as_i64().expect("one"));
        assert!(start >= from && start + lat <= to, "{it}");
        (it["layer"].as_str().expect("a layer"), start - from)
    });
    assert_eq!(
        found.collect::<Vec<_>>(),
        [("syscall", 5_000), ("block", 15_000), ("block", 40_000)]
    );
}

/// Two requests of a call that QEMU served by one: what it did counts once.
#[test]
fn what_was_done_for_several_is_listed_once() {
    let text = "join guest.syscall, host.qemu, host.block emit count(host.block[]) as n, count(host.qemu[]) as q";
    let mut house = House::new(text);
    let at = 1_000 * US;
    for index in 0..2 {
        let mut asked = asked(index, at + u64::from(index));
        asked.block.task.root = 7;
        asked.block.head.queries = 1 << 1;
        asked.block.d2c = asked.lat;
        house.shelf.keep_followed(&asked);
        house.push(&asked);
    }
    let mut call = Bytes::syscall(1)
        .number("time", at + 10 * US)
        .number("lat", 200 * US);
    call.0
        .resize(layer("syscall").and_then(|it| it.root).expect("roots"), 0);
    let root = iotq_probes::abi::iotq_call_root::read_from_bytes(&call.0);
    let mut root = root.expect("a root");
    (root.call.task.root, root.trail.children) = (7, 2);
    root.trail.stages[IOTQ_STAGE_DEVICE as usize] = 100 * US;
    let pushed = house.engine.push(root.as_bytes(), &mut house.sink);
    pushed.expect("written");
    let (lines, counts) = house.end();
    assert_eq!((lines.len(), counts.joined), (4, 2), "{lines:?}");
    assert!(
        lines.iter().all(|it| it.contains("\"n\":2,\"q\":2")),
        "{lines:?}"
    );
}

#[test]
fn a_flood_of_what_is_not_seen_is_bounded() {
    let mut house = House::new(ROWS);
    for index in 0..20_000 {
        house.push(&alone(index % 65_536, (1 + u64::from(index)) * 1_000 * US));
    }
    let lines = house
        .sink
        .written()
        .iter()
        .filter(|byte| **byte == b'\n')
        .count();
    assert_eq!(lines, 20_000 - (1 << 14));
    assert_eq!(house.end().1.unseen, 20_000);
}

#[test]
fn a_disk_that_is_put_in_again_is_found_where_it_is_then() {
    let shelf = Shelf::default();
    let mut beyond = shelf.beyond();
    let first = asked(0, 1_000 * US);
    shelf.keep(DISK, 0, &first, |_| {});
    assert!(part(&mut beyond, &first).is_some());
    // Nothing contradicts: where it was, there is nothing.
    let lost = asked(1, 2_000 * US);
    assert!(part(&mut beyond, &lost).is_none());
    assert_eq!(beyond.notes().len(), 1);
    let again: Vec<_> = (2..6)
        .map(|it| asked(it, u64::from(it) * 1_000 * US))
        .collect();
    for it in &again {
        shelf.keep(DISK + 0x1000, 0, it, |_| {});
        part(&mut beyond, it);
    }
    for it in &again {
        assert!(part(&mut beyond, it).is_some(), "{it:?}");
    }
    let notes = beyond.notes();
    assert!(notes[0].contains("not the disk that it was"), "{notes:?}");
    assert!(notes[1].contains("is QEMU's disk"), "{notes:?}");
}
