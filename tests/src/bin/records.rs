//! What a record costs in user space: conditions and values by the reference evaluator and by native code, and the whole
//! way through the engine, over records that were captured from a disk at work. Never a test.

#![expect(
    clippy::unwrap_used,
    reason = "a benchmark that cannot go on says so by a panic"
)]

use std::hint::black_box;
use std::io;
use std::process::Command;
use std::time::{Duration, Instant};

use clap::Parser;
use iotq_engine::jit::Compiler;
use iotq_engine::{Clock, Engine, Group, NoNames, RawRecord, Row, Sink, Summary};
use iotq_kernel::names::resolve;
use iotq_lang::check::{Inputs, check};
use iotq_lang::eval;
use iotq_lang::lower::lower;
use iotq_lang::plan::Plan;
use iotq_lang::source::{Source, Sources};
use iotq_lang::syntax::parse;
use iotq_tests::{Disk, run};

/// Measure what records cost in user space
#[derive(Parser)]
struct Args {
    /// How often each is measured; the fastest round counts, since nothing else makes code fast by chance
    #[arg(long, default_value_t = 30)]
    rounds: usize,
    /// How long each measurement lasts
    #[arg(long, value_name = "MILLISECONDS", default_value_t = 20)]
    milliseconds: u64,
}

const CONDITIONS: [&str; 8] = [
    "sync",
    "lat > 1ms and size == 4KiB",
    "op == write and size in 4KiB..64KiB or d2c > 500us",
    "d2c * 2 > lat",
    "d2c * 100 / lat > 90",
    "comm ~ \"post*\"",
    "comm ~ \"*o\"",
    "lower(comm) == \"fio\"",
];
const VALUES: [&str; 4] = [
    "lat - d2c",
    "bucket(lat, 10us)",
    "d2c * 100 / lat",
    "lower(comm)",
];
const WHOLE: &str = "trace block where lat > 1ms and size == 4KiB emit count()";

fn main() {
    let args = Args::parse();
    let records = captured();
    println!(
        "{} block records of {} bytes\n",
        records.len(),
        records[0].len()
    );
    let read: Vec<_> = records[..1000].iter().map(|bytes| parsed(bytes)).collect();
    println!(
        "{:<52} {:>9} {:>9} {:>7} {:>9}",
        "ns a record", "evaluated", "native", "times", "compiling"
    );
    let pass = cost(&args, &read, |record| _ = black_box(record.bytes()));
    println!("a pass over them: {pass:.1} ns");
    for text in CONDITIONS {
        let plan = plan(&format!("trace block where {text}"));
        let expr = plan.streams().next().unwrap().filter.clone().unwrap();
        let started = Instant::now();
        let native = Compiler::new(Clock::default()).condition(read[0].layer(), &expr);
        let compiling = started.elapsed();
        assert!(native.left().is_none(), "{text}");
        let evaluated = cost(&args, &read, |record| {
            _ = black_box(eval::holds(&expr, record))
        });
        let compiled = cost(&args, &read, |record| _ = black_box(native.holds(record)));
        line(text, evaluated, compiled, compiling);
    }
    for text in VALUES {
        let plan = plan(&format!("trace block emit {text}"));
        let expr = plan.streams().next().unwrap().columns[0].expr.clone();
        let started = Instant::now();
        let native = Compiler::new(Clock::default()).value(read[0].layer(), &expr);
        let compiling = started.elapsed();
        assert!(native.left().is_none(), "{text}");
        let evaluated = cost(&args, &read, |record| {
            drop(black_box(eval::eval(&expr, record)))
        });
        let compiled = cost(&args, &read, |record| drop(black_box(native.value(record))));
        line(text, evaluated, compiled, compiling);
    }
    let mut engine = Engine::new(
        &plan(WHOLE).bind(&[]).without_pushdown(),
        Clock::default(),
        Box::new(NoNames),
    );
    let whole = cost(&args, &records, |record| {
        engine.push(record, &mut Rows).unwrap()
    });
    println!(
        "\n{WHOLE}, all in user space:\n{whole:.1} ns a record, {:.1} million records a second",
        1e3 / whole
    );
}

fn line(text: &str, evaluated: f64, native: f64, compiling: Duration) {
    let (times, ms) = (evaluated / native, compiling.as_secs_f64() * 1e3);
    println!("{text:<52} {evaluated:>9.1} {native:>9.1} {times:>7.1} {ms:>7.2}ms");
}

/// Nanoseconds for each, in the fastest round.
fn cost<T>(args: &Args, all: &[T], mut each: impl FnMut(&T)) -> f64 {
    let length = Duration::from_millis(args.milliseconds);
    let mut round = || {
        let (started, mut done) = (Instant::now(), 0);
        while started.elapsed() < length {
            for one in all {
                each(black_box(one));
            }
            done += all.len();
        }
        started.elapsed().as_secs_f64() * 1e9 / done as f64
    };
    let rounds = (0..args.rounds.max(1)).map(|_| round());
    rounds.fold(f64::INFINITY, f64::min)
}

/// Records of reads and writes of several sizes, by several threads.
fn captured() -> Vec<Vec<u8>> {
    let disk = Disk::raw(128);
    let plan = plan(&format!(
        "trace block where dev == {} emit lat, d2c, comm, op, size",
        disk.name()
    ));
    let resolved = resolve(&plan.names, None).unwrap();
    let options = iotq_kernel::Options {
        keep: false,
        btf: None,
        ring: Some(64 << 20),
    };
    let mut running =
        iotq_kernel::install(&plan.bind(&resolved.meanings), &resolved, &options).unwrap();
    let mut fio = Command::new("fio");
    fio.args([
        "--thread",
        "--minimal",
        "--direct=1",
        "--rw=randrw",
        "--bssplit=4k/60:16k/20:64k/20",
    ])
    .args([
        "--size=128M",
        "--numjobs=4",
        "--iodepth=16",
        "--ioengine=libaio",
        "--number_ios=10000",
    ])
    .args(["--name=load", "--filename"])
    .arg(&disk.node);
    assert!(run(fio).status.success());
    let mut records = Vec::new();
    running.drain(|record| {
        records.push(record.to_vec());
        true
    });
    assert!(records.len() > 10_000, "{} records", records.len());
    records
}

fn parsed(bytes: &[u8]) -> RawRecord<'_> {
    RawRecord::parse(bytes, Clock::default()).unwrap()
}

fn plan(text: &str) -> Plan {
    let mut sources = Sources(vec![Source {
        name: "<query>".into(),
        text: text.into(),
    }]);
    let tree = parse(text).unwrap();
    lower(check(&mut sources, &tree, &Inputs::default()).unwrap()).unwrap()
}

/// Takes rows and forgets them.
struct Rows;

impl Sink for Rows {
    fn row(&mut self, row: &Row<'_>) -> io::Result<()> {
        row.cells().for_each(|cell| {
            black_box(cell);
        });
        Ok(())
    }

    fn group(&mut self, _: &Group<'_>) -> io::Result<()> {
        Ok(())
    }

    fn tree(&mut self, _: &iotq_engine::Tree<'_>) -> io::Result<()> {
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn finish(&mut self, _: &Summary) -> io::Result<()> {
        Ok(())
    }
}
