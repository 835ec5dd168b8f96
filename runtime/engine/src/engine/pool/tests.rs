//! Groups of several guests are what one stream of all their rows would give.

use std::borrow::Cow;
use std::cell::RefCell;
use std::rc::Rc;

use iotq_lang::half::{Apart, Half};
use jiff::tz::TimeZone;

use super::*;
use crate::sink::Text;
use crate::testing::{Bytes, query};
use crate::{Engine, RawRecord};

/// A guest's disk, and its number there.
struct Guest(&'static str, u32, &'static str);

impl Names for Guest {
    fn dev(&self, number: u32) -> Option<Cow<'_, str>> {
        (number == self.1).then_some(self.2.into())
    }

    fn file(&self, _: u32, _: u64) -> Option<Cow<'_, str>> {
        None
    }

    fn cgroup(&self, _: u64) -> Option<Cow<'_, str>> {
        None
    }

    fn guest(&self) -> Option<&str> {
        Some(self.0)
    }
}

const DISK: u32 = 253 << 20;

fn io(dev: u32, comm: &str, lat: u64) -> Bytes {
    let record = Bytes::block(1).number("dev", dev.into());
    let record = record.number("lat", lat).number("size", 512 * lat);
    record.text("comm", comm.as_bytes())
}

/// Engines and their pool, and what comes of it.
struct House {
    engines: Vec<Engine>,
    pool: Rc<RefCell<Pool>>,
    out: Vec<u8>,
    plan: Plan,
}

impl House {
    fn new(plan: &Plan, guests: Vec<Guest>, room: usize) -> Self {
        let pool = Rc::new(RefCell::new(Pool::new(plan, room)));
        let engine = |guest| {
            let mut engine = Engine::new(plan, Clock::default(), Box::new(guest));
            engine.set_pool(Rc::clone(&pool));
            engine
        };
        Self {
            engines: guests.into_iter().map(engine).collect(),
            pool,
            out: Vec::new(),
            plan: plan.clone(),
        }
    }

    fn push(&mut self, guest: usize, record: &Bytes) {
        let mut sink = Text::new(&self.plan, TimeZone::UTC, &mut self.out);
        let pushed = self.engines[guest].push(&record.0, &mut sink);
        pushed.expect("a group");
    }

    /// Guests tell until then, and the report is made.
    fn advance(&mut self, millis: u64) {
        let elapsed = Duration::from_millis(millis);
        let mut sink = Text::new(&self.plan, TimeZone::UTC, &mut self.out);
        for engine in &mut self.engines {
            engine.advance(elapsed, &mut sink).expect("groups");
        }
        let mut pool = self.pool.borrow_mut();
        pool.advance(elapsed, &mut sink).expect("groups");
    }

    /// All that was written.
    fn finish(mut self, millis: u64) -> String {
        let elapsed = Duration::from_millis(millis);
        let mut sink = Text::new(&self.plan, TimeZone::UTC, &mut self.out);
        for engine in &mut self.engines {
            engine.finish(elapsed, &mut sink).expect("groups");
        }
        let mut pool = self.pool.borrow_mut();
        pool.finish(elapsed, &mut sink).expect("groups");
        drop(pool);
        lines(&self.out)
    }
}

/// Written lines, with single blanks.
fn lines(out: &[u8]) -> String {
    let text = String::from_utf8_lossy(out);
    let lines = text.lines().map(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        words.join(" ")
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn two() -> Vec<Guest> {
    vec![Guest("vm1", DISK, "vda"), Guest("vm2", DISK + 16, "vda")]
}

/// What there is to count, in two parts.
fn load() -> Vec<(usize, &'static str, u64)> {
    let mut seed = 7u64;
    let mut all = Vec::new();
    for index in 0..500 {
        seed = seed.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1);
        let comm = ["fio", "dd", "cat"][(seed >> 40) as usize % 3];
        all.push((index % 2, comm, (seed >> 45) % 100_000));
    }
    all
}

#[test]
fn all_aggregates_are_those_of_one_stream() {
    let text = "on block.complete emit count(), sum(size), min(lat), max(lat), avg(lat), stddev(lat), p50(lat), p99(lat),
                rate(), ratio(lat > 20us), hist(lat), lhist(lat, 0us, 100us, 7us) by dev, comm having count() > 1";
    let plan = query(text);
    let mut house = House::new(&plan, two(), 1000);
    let one = vec![Guest("vm1", DISK, "vda")];
    let mut alone = House::new(&plan, one, 1000);
    for (guest, comm, lat) in load() {
        house.push(guest, &io([DISK, DISK + 16][guest], comm, lat));
        alone.push(0, &io(DISK, comm, lat));
    }
    let (all, expected) = (house.finish(4000), alone.finish(4000));
    assert!(expected.contains("fio"), "{expected}");
    assert_eq!(all, expected);
}

#[test]
fn what_is_chosen_is_chosen_of_all() {
    // Neither guest alone would have `b` at the top, or `c` at all.
    let plan = query("on block.complete emit count() by comm top 2 having count() > 2");
    let mut house = House::new(&plan, two(), 1000);
    for (guest, comms) in ["aaabbbc", "dddbbbcc"].iter().enumerate() {
        for comm in comms.chars() {
            house.push(guest, &io(DISK, &comm.to_string(), 1));
        }
    }
    assert_eq!(house.finish(1), "comm count()\nb 6\na 3");
}

#[test]
fn guests_stay_apart_by_their_names() {
    let half = Half {
        text: "on block.complete emit count() by dev, comm".into(),
        apart: vec![Apart {
            statement: 0,
            key: 1,
            name: "guest".into(),
        }],
        ..Half::default()
    };
    let plan = half.plan().expect("a plan").bind(&[]);
    let mut house = House::new(&plan, two(), 1000);
    house.push(0, &io(DISK, "a", 1));
    house.push(1, &io(DISK + 16, "a", 1));
    house.push(1, &io(DISK, "a", 1));
    let expected = "dev guest comm count()\n253:0 vm2 a 1\nvda vm1 a 1\nvda vm2 a 1";
    assert_eq!(house.finish(1), expected);
}

#[test]
fn intervals_are_those_of_all() {
    let plan = query("on block.complete emit count() as n, rate() as r by comm every 1s");
    let mut house = House::new(&plan, two(), 1000);
    house.push(0, &io(DISK, "a", 1));
    house.push(1, &io(DISK, "a", 1));
    house.advance(999);
    house.advance(1000);
    house.push(1, &io(DISK, "a", 1));
    house.advance(2000);
    house.advance(3000);
    let expected = "at comm n r\n00:00:01.000000 a 2 2.000\nat comm n r\n00:00:02.000000 a 1 1.000";
    assert_eq!(house.finish(3000), expected);
}

#[test]
fn without_keys_there_is_one_group() {
    let plan = query("on block.complete emit count() as n");
    let house = House::new(&plan, two(), 1000);
    assert_eq!(house.finish(1), "n\n0");
}

#[test]
fn a_guest_with_very_many_groups_leaves_room_for_others() {
    let plan = query("on block.complete emit count() as n by comm");
    let mut house = House::new(&plan, two(), 10);
    for number in 0..100 {
        house.push(0, &io(DISK, &format!("x{number}"), 1));
    }
    house.push(1, &io(DISK, "mine", 1));
    let pool = Rc::clone(&house.pool);
    let text = house.finish(1);
    assert_eq!(text.lines().count(), 12, "{text}");
    assert!(text.contains("mine 1"), "{text}");
    assert_eq!(pool.borrow().ungrouped(), 90);
}

#[test]
fn groups_of_kernels_are_pooled_too() {
    let plan = query("on block.complete emit count() as n, max(lat) as most by dev");
    let mut house = House::new(&plan, two(), 10);
    let measures = &plan.statements[0].streams[0]
        .groups
        .as_ref()
        .expect("groups")
        .measures;
    for (guest, dev) in [DISK, DISK + 16].into_iter().enumerate() {
        let record = io(dev, "a", 7 + guest as u64);
        let mut totals = iotq_lang::aggregate::Totals::new(measures);
        let parsed = RawRecord::parse(&record.0, Clock::default()).expect("a record");
        (0..5).for_each(|_| totals.add(measures, &parsed));
        house.engines[guest].push_group(0, &record.0, &totals);
    }
    assert_eq!(house.finish(1), "dev n most\nvda 10 8ns");
}
