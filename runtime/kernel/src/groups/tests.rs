//! What the kernel is told, and how its words are read.

use iotq_lang::aggregate::{Histogram, Scale, State};
use iotq_lang::check::{Inputs, check};
use iotq_lang::lower::lower;
use iotq_lang::source::{Source, Sources};
use iotq_lang::syntax::parse;
use iotq_lang::value::Value;
use iotq_probes::catalogue::layer;

use super::*;

fn plan(text: &str) -> Plan {
    let mut sources = Sources(vec![Source {
        name: "query".into(),
        text: text.into(),
    }]);
    let checked = check(
        &mut sources,
        &parse(text).expect("a script"),
        &Inputs::default(),
    );
    lower(checked.expect("a program"))
        .expect("a plan")
        .bind(&[])
}

const TWO: &str = "on block.complete emit count() by op\non syscall.exit emit p99(lat), max(ret), sum(ret) by comm, pid";

#[test]
fn streams_do_not_share_entries() {
    let groupings = Groupings::on(&plan(TWO), 3);
    let [first, second, rest @ ..] = &groupings.encoded[..] else {
        panic!("two")
    };
    assert_eq!(
        (first.query, first.key_words, first.hists, first.first_group),
        (0, 1, 0, 0)
    );
    assert_eq!((second.query, second.key_words, second.hists), (1, 3, 1));
    let tables = |it: &iotq_grouping| 3 * 2 * (it.groups_mask + 1);
    assert_eq!(second.first_group, tables(first));
    assert_eq!(groupings.room.groups, tables(first) + tables(second));
    assert_eq!(groupings.room.histograms, tables(second));
    assert_eq!((groupings.room.heads, groupings.room.streams), (12, 2));
    assert!(rest.iter().all(|it| it.layer == 0));
    let mut config = iotq_config::new_zeroed();
    groupings.tell(&mut config);
    assert_eq!((config.groupings, config.cpus), (2, 3));
    let block = layer("block").expect("a layer");
    assert_eq!(
        config.grouped[usize::from(block.id)],
        1 << block.end_point().id
    );
}

#[test]
fn many_cpus_have_room_for_fewer_groups() {
    let few = Groupings::on(&plan(TWO), 2);
    let many = Groupings::on(&plan(TWO), 1024);
    assert!(many.encoded[1].groups_mask < few.encoded[1].groups_mask);
    let bytes = many.room.groups as usize * size_of::<iotq_group>()
        + many.room.histograms as usize * 8 * IOTQ_HIST_BUCKETS as usize;
    assert!(bytes <= MOST_BYTES, "{bytes}");
}

#[test]
fn words_become_totals() {
    let plan = plan("on syscall.exit emit p99(lat), max(ret), sum(ret) by pid, comm");
    let groupings = Groupings::on(&plan, 1);
    let mut group = iotq_group {
        rows: 4,
        ..iotq_group::default()
    };
    let words = [
        77,
        u64::from_ne_bytes(*b"postgres"),
        0,
        // lat: values
        3,
        // ret: values, their sum of two words, the largest with its sign bit flipped
        4,
        u64::MAX - 9,
        u64::MAX,
        (-2i64).cast_unsigned() ^ 1 << 63,
    ];
    group.words[..words.len()].copy_from_slice(&words);
    let mut counts = [0; IOTQ_HIST_BUCKETS as usize];
    counts[20] = 3;
    let found = read::decoded(&plan, &groupings, &group, &[counts]);
    assert_eq!((found.stream, found.totals.rows), (0, 4));
    let [State::Numbers(lat), State::Numbers(ret)] = &found.totals.states[..] else {
        panic!("two measures of numbers")
    };
    let mut expected = Histogram::new(Scale::Log);
    (0..3).for_each(|_| expected.add(20));
    assert_eq!((lat.count, &lat.histogram), (3, &expected));
    assert_eq!(
        (ret.count, &ret.sum, &ret.max),
        (4, &Value::Int(-10), &Value::Int(-2))
    );
    let record = iotq_engine::RawRecord::parse(&found.record, iotq_engine::Clock::default());
    let record = record.expect("a record");
    let field = |name| {
        use iotq_lang::ir::FieldRef;
        use iotq_lang::value::Record;
        let layer = layer("syscall").expect("a layer");
        let field = layer.field(name).expect("a field");
        match record.value(FieldRef {
            source: 0,
            layer,
            field,
        }) {
            Value::Text(text) => String::from_utf8_lossy(text).into_owned(),
            Value::Int(value) => value.to_string(),
            other => format!("{other:?}"),
        }
    };
    assert_eq!(
        (field("pid"), field("comm")),
        ("77".into(), "postgres".into())
    );
}
