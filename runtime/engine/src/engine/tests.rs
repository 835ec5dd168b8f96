//! Rows, bounds, counts.

use super::*;
use crate::sink::Summary;
use crate::testing::*;
use crate::{Group, NoNames};

/// Remembers the statements of the rows.
#[derive(Default)]
struct Seen(Vec<usize>);

impl Sink for Seen {
    fn row(&mut self, row: &Row<'_>) -> io::Result<()> {
        self.0.push(row.statement);
        Ok(())
    }

    fn group(&mut self, group: &Group<'_>) -> io::Result<()> {
        self.0.push(group.origin.statement);
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

fn engine(statements: Vec<iotq_lang::ir::Statement>) -> Engine {
    Engine::new(&plan(statements), Clock::default(), Box::new(NoNames))
}

fn push(engine: &mut Engine, records: &[Bytes]) -> Vec<usize> {
    let mut seen = Seen::default();
    for record in records {
        engine
            .push(&record.0, &mut seen)
            .expect("a row that is written");
    }
    seen.0
}

#[test]
fn a_record_makes_a_row_for_each_of_its_queries() {
    let mut engine = engine(vec![
        trace("block", &["pid"]),
        trace("block", &["lat"]),
        trace("syscall", &["pid"]),
    ]);
    let rows = push(
        &mut engine,
        &[
            Bytes::block(0b01),
            Bytes::block(0b11),
            Bytes::syscall(0b100),
        ],
    );
    assert_eq!(rows, [0, 0, 1, 2]);
    assert_eq!(
        engine.counts(),
        Counts {
            rows: 4,
            ..Counts::default()
        }
    );
}

#[test]
fn the_residual_is_applied() {
    let mut engine = engine(vec![with_glob(trace("block", &["pid"]), "*d")]);
    let records = [
        Bytes::block(1).text("comm", b"etcd"),
        Bytes::block(1).text("comm", b"fio"),
        Bytes::block(1),
    ];
    assert_eq!(push(&mut engine, &records).len(), 1);
    assert_eq!(engine.counts().dropped, 2);
}

#[test]
fn a_limit_ends_its_statement_alone() {
    let mut limited = trace("block", &["pid"]);
    limited.bounds.limit = Some(2);
    let mut engine = engine(vec![limited, trace("block", &["pid"])]);
    let records = vec![Bytes::block(0b11); 3];
    assert_eq!(push(&mut engine, &records), [0, 1, 0, 1, 1]);
    assert!(!engine.done());
}

#[test]
fn statements_end_by_their_bounds() {
    let mut none = trace("block", &["pid"]);
    none.bounds.limit = Some(0);
    let mut short = trace("block", &["pid"]);
    short.bounds.duration = Some(1_000_000_000);
    let mut engine = engine(vec![none, short]);
    let advance = |engine: &mut Engine, millis| {
        let elapsed = Duration::from_millis(millis);
        let advanced = engine.advance(elapsed, &mut Seen::default());
        advanced.expect("nothing to write");
    };
    advance(&mut engine, 999);
    assert!(!engine.done());
    assert_eq!(push(&mut engine, &[Bytes::block(0b11)]), [1]);
    advance(&mut engine, 1000);
    assert!(engine.done());
    assert!(push(&mut engine, &[Bytes::block(0b11)]).is_empty());
}

#[test]
fn what_is_not_of_the_plan_is_counted() {
    let mut engine = engine(vec![trace("block", &["pid"])]);
    let records = [Bytes::syscall(1), Bytes::block(0b10), Bytes::block(0)];
    assert!(push(&mut engine, &records).is_empty());
    engine
        .push(b"short", &mut Seen::default())
        .expect("nothing to write");
    assert_eq!(engine.counts().malformed, 4);
}

/// `cargo test --release -p iotq-engine -- --ignored --nocapture cost_of_a_row`
#[test]
#[ignore = "a measurement"]
fn cost_of_a_row() {
    use crate::sink::Json;
    use std::time::Instant;

    const ROWS: u32 = 2_000_000;
    let plan = plan(vec![trace("block", &["time", "pid", "comm", "op", "lat"])]);
    let mut engine = Engine::new(
        &plan,
        Clock {
            mono_to_wall_ns: 1_732_284_000_000_000_000,
            ..Clock::default()
        },
        Box::new(NoNames),
    );
    let mut sink = Json::new(&plan, io::sink()).expect("a sink");
    let record = Bytes::block(1)
        .number("time", 123_456_789_012)
        .number("pid", 123_456)
        .text("comm", b"postgres")
        .number("op", 2)
        .number("lat", 812_345);
    let start = Instant::now();
    for _ in 0..ROWS {
        engine
            .push(std::hint::black_box(&record.0), &mut sink)
            .expect("a row");
    }
    println!(
        "{} ns per row of 5 columns",
        start.elapsed().as_nanos() / u128::from(ROWS)
    );
}
