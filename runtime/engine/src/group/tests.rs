//! Keys, room, intervals, bounds.

use std::io;
use std::time::Duration;

use iotq_lang::aggregate::Emitted;
use iotq_lang::value::Value;

use super::*;
use crate::sink::Summary;
use crate::testing::*;
use crate::{Clock, Engine, NoNames, Row, Sink};

/// Remembers groups: the second at which they were reported, their keys, their cells.
#[derive(Default)]
struct Seen(Vec<(i128, String, String)>);

impl Sink for Seen {
    fn row(&mut self, _: &Row<'_>) -> io::Result<()> {
        panic!("a row among groups")
    }

    fn group(&mut self, group: &Group<'_>) -> io::Result<()> {
        let show = |value: Value<'_>| match value {
            Value::Null => "-".to_owned(),
            Value::Int(value) => value.to_string(),
            Value::Float(value) => value.to_string(),
            Value::Bool(value) => value.to_string(),
            Value::Text(text) => String::from_utf8_lossy(text).into_owned(),
            Value::Owned(text) => String::from_utf8_lossy(&text).into_owned(),
            Value::File { dev, inode } => format!("{dev}:{inode}"),
        };
        let keys = group.keys().map(|(key, _)| show(key));
        let cells = group.cells().map(|(shown, _)| match shown {
            Emitted::Value(value) => show(value),
            Emitted::Histogram(histogram) => format!("{} values", histogram.total()),
        });
        let seconds = group.origin.at / 1_000_000_000;
        let [keys, cells] = [keys.collect::<Vec<_>>(), cells.collect()].map(|all| all.join(" "));
        self.0.push((seconds, keys, cells));
        Ok(())
    }

    fn tree(&mut self, _: &crate::Tree<'_>) -> io::Result<()> {
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn finish(&mut self, _: &Summary) -> io::Result<()> {
        Ok(())
    }
}

struct Run {
    engine: Engine,
    seen: Seen,
}

impl Run {
    fn of(text: &str) -> Self {
        let engine = Engine::new(&query(text), Clock::default(), Box::new(NoNames));
        let seen = Seen::default();
        Self { engine, seen }
    }

    fn push(&mut self, record: &Bytes) {
        self.engine
            .push(&record.0, &mut self.seen)
            .expect("a group");
    }

    fn advance(&mut self, millis: u64) {
        let elapsed = Duration::from_millis(millis);
        self.engine
            .advance(elapsed, &mut self.seen)
            .expect("groups");
    }

    fn finish(mut self, millis: u64) -> Vec<(i128, String, String)> {
        let elapsed = Duration::from_millis(millis);
        self.engine.finish(elapsed, &mut self.seen).expect("groups");
        self.seen.0
    }
}

fn at(second: i128, keys: &str, cells: &str) -> (i128, String, String) {
    (second, keys.into(), cells.into())
}

fn io(pid: u64, comm: &str, lat: u64) -> Bytes {
    let record = Bytes::block(1).number("pid", pid).number("lat", lat);
    record.text("comm", comm.as_bytes())
}

#[test]
fn keys_of_any_type() {
    let mut run = Run::of("on block.complete emit count() by comm, pid, sync, bucket(lat, 10ns)");
    for record in [
        io(2, "b", 1),
        io(1, "b", 10),
        io(1, "b", 19),
        io(1, "b", u64::MAX),
        io(1, "a", 5).flag("sync"),
        io(u32::MAX.into(), "", 1),
    ] {
        run.push(&record);
    }
    let expected = [
        at(3, "a 1 true 0", "1"),
        at(3, "b 1 false 10", "2"),
        at(3, "b 1 false -", "1"),
        at(3, "b 2 false 0", "1"),
        at(3, "- - false 0", "1"),
    ];
    assert_eq!(run.finish(3000), expected);
}

#[test]
fn intervals_neither_lose_nor_count_twice() {
    let mut run = Run::of("on block.complete emit count(), rate() by comm every 1s");
    run.push(&io(1, "a", 1));
    run.push(&io(1, "b", 1));
    run.advance(999);
    run.push(&io(1, "a", 1));
    // Late: the interval is as long as it was.
    run.advance(1250);
    run.push(&io(1, "b", 1));
    run.advance(1900);
    run.advance(2000);
    run.advance(3000);
    run.push(&io(1, "c", 1));
    let expected = [
        at(1, "a", "2 1.6"),
        at(1, "b", "1 0.8"),
        at(2, "b", "1 1.3333333333333333"),
        at(3, "c", "1 2"),
    ];
    assert_eq!(run.finish(3500), expected);
}

#[test]
fn without_keys_there_is_always_a_group() {
    let every = "on block.complete emit count(), sum(size), max(lat), hist(lat) every 1s";
    let mut run = Run::of(every);
    run.advance(1000);
    run.push(&io(1, "a", 7));
    run.advance(2000);
    let expected = [at(1, "", "0 0 - 0 values"), at(2, "", "1 0 7 1 values")];
    assert_eq!(
        run.finish(2000),
        expected,
        "and no report of nothing at the end"
    );
    let once = Run::of("on block.complete emit count()").finish(10);
    assert_eq!(once, [at(0, "", "0")]);
    let keyed = Run::of("on block.complete emit count() by op").finish(10);
    assert_eq!(keyed, []);
}

#[test]
fn top_and_having() {
    let query =
        "on block.complete emit sum(lat) as total, count() by comm top 2 having total > 5ns";
    let mut run = Run::of(query);
    for (comm, lat) in [("a", 6), ("b", 9), ("c", 3), ("c", 3), ("d", 5), ("e", 8)] {
        run.push(&io(1, comm, lat));
    }
    assert_eq!(run.finish(0), [at(0, "b", "9 1"), at(0, "e", "8 1")]);
}

#[test]
fn limit_counts_groups() {
    let mut run = Run::of("on block.complete emit count() by comm every 1s limit 3");
    for second in 1..=3 {
        run.push(&io(1, "a", 1));
        run.push(&io(1, "b", 1));
        run.advance(second * 1000);
    }
    assert!(run.engine.done());
    let expected = [at(1, "a", "1"), at(1, "b", "1"), at(2, "a", "1")];
    assert_eq!(run.finish(4000), expected);
}

#[test]
fn a_statement_reports_when_it_ends() {
    let mut run = Run::of("on block.complete emit count() for 2s; on block.complete emit pid");
    run.engine
        .advance(Duration::ZERO, &mut run.seen)
        .expect("nothing");
    assert_eq!(run.engine.deadline(), Some(Duration::from_secs(2)));
    run.push(&io(1, "a", 1));
    run.advance(2000);
    run.push(&io(1, "a", 1));
    assert_eq!(run.finish(3000), [at(2, "", "1")]);
}

#[test]
fn what_finds_no_room_is_counted() {
    let mut run = Run::of("on block.complete emit count() by pid");
    for pid in 0..MAX_GROUPS as u64 + 2 {
        run.push(&io(pid, "a", 1));
    }
    run.push(&io(3, "a", 1));
    assert_eq!(run.engine.counts().ungrouped, 2);
    let groups = run.finish(0);
    assert_eq!(groups.len(), MAX_GROUPS);
    assert_eq!(groups[3], at(0, "3", "2"));
}
