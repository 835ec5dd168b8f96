//! Bytes as records: read field by field, and through the engine into rows, groups, requests and trees.

use std::io;
use std::sync::OnceLock;
use std::time::Duration;

use iotq_engine::sink::{Json, Text};
use iotq_engine::{Beyond, Clock, Engine, NoNames, RawRecord, Sink, Summary};
use iotq_lang::aggregate::Totals;
use iotq_lang::check::{Inputs, check};
use iotq_lang::ir::FieldRef;
use iotq_lang::lower::lower;
use iotq_lang::plan::Plan;
use iotq_lang::syntax::parse;
use iotq_lang::value::Record;
use iotq_probes::catalogue::LAYERS;
use jiff::tz::TimeZone;

use crate::Tape;
use crate::record::{any_root, layer, put_queries, put_root, record};
use crate::text::sources;

/// One of each shape; plain fields alone, so that no input waits for native code.
const SCRIPT: &str = "
trace block, syscall, nvme, scsi, virtio
on block.complete emit count(), sum(size), hist(lat), p99(lat), ratio(sync) by dev, op, comm every 1s
on block.complete emit heat(lat), heat(size) by op every 1s
on syscall.exit emit count(), max(lat) as worst, lhist(size, 0B, 64K, 4K) by file, cgroup having worst > 1us top 3
join syscall, block, nvme emit tree
join syscall, block emit syscall.lat, block.dev, max(block[].lat), count(block[]) limit 20
join syscall, virtio, scsi required
join syscall, block emit stages by syscall.op every 2s
";

/// Steps of one input.
const STEPS: usize = 200;

/// Reads bytes as a record, if they are one, and drives an engine with what else they are. Says how many records it took.
pub fn records(input: &[u8]) -> usize {
    read(input);
    driven(plan(), None, input)
}

/// Drives an engine of an own plan with bytes.
pub(crate) fn driven(plan: &Plan, beyond: Option<Beyond>, input: &[u8]) -> usize {
    let tape = &mut Tape::new(input);
    let mut out = Vec::new();
    let json = tape.coin();
    let (rows, taken) = {
        let mut sink: Box<dyn Sink + '_> = if json {
            Box::new(Json::new(plan, &mut out).expect("a sink"))
        } else {
            let text = Text::new(plan, TimeZone::UTC, &mut out);
            let columns = usize::from(tape.bytes::<1>()[0]);
            let watched = tape.coin().then_some(columns);
            Box::new(text.ascii(tape.coin()).watched(watched))
        };
        drive(plan, beyond, tape, &mut *sink).expect("an output that takes everything")
    };
    let out = String::from_utf8(out).expect("text");
    if json {
        let lines = out.lines();
        let kinds = lines.map(|line| {
            let line: serde_json::Value = serde_json::from_str(line).expect("JSON");
            line["type"].as_str().expect("a type").to_owned()
        });
        let others = kinds.filter(|kind| kind != "summary").count();
        assert_eq!(others as u64, rows);
    } else {
        // The axis of a heat map is taken away on purpose.
        let out = out.replace("\r\x1b[1A\x1b[J", "");
        let moves = |c: char| c.is_control() && c != '\n';
        assert!(!out.contains(moves), "{out:?}");
    }
    taken
}

/// Every field of the record, as each layer would read it.
fn read(bytes: &[u8]) {
    let clock = Clock {
        mono_to_wall_ns: i64::MIN,
        started_ns: i64::MAX,
    };
    let Ok(record) = RawRecord::parse(bytes, clock) else {
        return;
    };
    let parts = LAYERS.iter().filter_map(|layer| record.part(layer));
    for part in std::iter::once(record).chain(parts) {
        let layer = part.layer();
        for field in layer.fields {
            let source = 0;
            part.value(FieldRef {
                source,
                layer,
                field,
            });
        }
        let _ = (part.members(), part.root(), part.at(), part.queries());
    }
}

/// Rows that went to the sink, and records that the engine took.
fn drive(
    plan: &Plan,
    beyond: Option<Beyond>,
    tape: &mut Tape,
    sink: &mut dyn Sink,
) -> io::Result<(u64, usize)> {
    let clock = Clock {
        mono_to_wall_ns: i64::from_ne_bytes(tape.bytes()),
        started_ns: i64::from_ne_bytes(tape.bytes()),
    };
    let mut engine = Engine::new(plan, clock, Box::new(NoNames));
    beyond.into_iter().for_each(|it| engine.set_beyond(it));
    let (mut elapsed, mut taken) = (Duration::ZERO, 0);
    for _ in 0..STEPS {
        if tape.is_empty() {
            break;
        }
        taken += 1;
        match tape.below(8) {
            0 => {
                let length = usize::from(u16::from_ne_bytes(tape.bytes()) % 700);
                engine.push(tape.take(length), sink)?;
            }
            1 => _ = engine.push_unjudged(&made(tape), sink)?,
            2 => grouped(plan, tape, &mut engine),
            3 => {
                elapsed += Duration::from_millis(u16::from_ne_bytes(tape.bytes()).into());
                engine.settle(elapsed, sink)?;
                engine.advance(elapsed, sink)?;
                assert!(engine.done() || engine.deadline().is_none_or(|next| next > elapsed));
            }
            _ => engine.push(&made(tape), sink)?,
        }
    }
    engine.finish(elapsed, sink)?;
    assert!(engine.done());
    let counts = engine.counts();
    assert!(counts.malformed <= taken as u64);
    sink.finish(&Summary::default())?;
    Ok((counts.rows, taken))
}

/// A record of a layer, as part of one of a few requests.
fn made(tape: &mut Tape) -> Vec<u8> {
    let layer = layer(tape);
    let mut bytes = record(layer, tape);
    if layer.root.is_none() || tape.coin() {
        put_root(&mut bytes, any_root(tape));
    }
    if tape.coin() {
        put_queries(&mut bytes, u32::from_ne_bytes(tape.bytes()));
    }
    if tape.below(16) == 0 {
        bytes.truncate(tape.below(256));
    }
    bytes
}

/// A group of some rows, as the kernel has it.
fn grouped(plan: &Plan, tape: &mut Tape, engine: &mut Engine) {
    let bit = tape.bytes::<1>()[0] % 40;
    let stream = plan.streams().find(|stream| stream.bit == bit);
    let measures = stream.and_then(|stream| stream.groups.as_ref());
    let measures = measures.map_or(&[][..], |groups| &groups.measures);
    let bytes = made(tape);
    let mut totals = Totals::new(measures);
    if let Ok(record) = RawRecord::parse(&bytes, Clock::default()) {
        (0..tape.below(3)).for_each(|_| totals.add(measures, &record));
    }
    engine.push_group(bit, &bytes, &totals);
}

fn plan() -> &'static Plan {
    static PLAN: OnceLock<Plan> = OnceLock::new();
    PLAN.get_or_init(|| {
        let tree = parse(SCRIPT).expect("a script");
        let checked = check(&mut sources(SCRIPT), &tree, &Inputs::default());
        let checked = checked.unwrap_or_else(|errors| panic!("{errors:?}"));
        lower(checked).expect("a plan").bind(&[])
    })
}
