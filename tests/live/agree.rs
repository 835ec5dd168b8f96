//! Pushing down changes the cost, never the answer: of the rows of an unfiltered statement, a filtered one that runs
//! beside it gives exactly those for which the reference evaluator says that its condition holds.

use std::collections::BTreeMap;
use std::fs;

use fastrand::Rng;
use iotq_kernel::names::{device, resolve};
use iotq_lang::check::{Inputs, check};
use iotq_lang::eval;
use iotq_lang::ir::FieldRef;
use iotq_lang::lower::lower;
use iotq_lang::plan::Plan;
use iotq_lang::source::{Source, Sources};
use iotq_lang::syntax::parse;
use iotq_lang::value::{Record, Value};
use iotq_probes::catalogue::{Field, Layer, Type, layer};
use iotq_tests::needs::{Need, test};
use iotq_tests::{Disk, Row, json};
use libtest_mimic::Trial;

const PREDICATES: usize = 20;
const SEEDS: u64 = 6;
/// Fields whose names stand for something that may change under the test, or that JSON shows in another form.
const LEFT_OUT: [&str; 4] = ["time", "cgroup", "origin.cgroup", "file"];

pub fn tests() -> Vec<Trial> {
    let needs = [Need::Root, Need::Loop, Need::Fio];
    let mut tests = Vec::new();
    for layer in ["block", "syscall"] {
        for seed in 1..=SEEDS {
            // A seed of one's own finds more: `IOTQ_SEED=7 cargo test …`.
            let seed =
                std::env::var("IOTQ_SEED").map_or(seed, |text| text.parse::<u64>().unwrap() + seed);
            let name = format!("agree/{layer}/{seed}");
            tests.push(test(&name, &needs, move || agree(layer, seed)));
        }
        let name = format!("agree/{layer}/many_statements");
        tests.push(test(&name, &[Need::Root], move || many_statements(layer)));
    }
    tests
}

/// As many as a script may have, each with conditions of its own: the kernel must accept what they become.
fn many_statements(name: &str) {
    let layer = layer(name).unwrap();
    let statement = |n: u64| {
        let (low, high) = (n * 7 + 1, n * 100 + 9000);
        let (name, point) = (layer.name, layer.end);
        format!(
            "on {name}.{point} where pid under $child and size > {n}B and lat in {low}ns..{high}ns emit op\n"
        )
    };
    let script: String = (0..32).map(statement).collect();
    json(&["-c", "true", "-e", &script]);
}

fn agree(name: &str, seed: u64) {
    let layer = layer(name).unwrap();
    let disk = Disk::ext4(128);
    let mut random = Rng::with_seed(seed);
    let predicates: Vec<_> = (0..PREDICATES)
        .map(|_| predicate(layer, &mut random, 3))
        .collect();
    let script = script(layer, &disk, &predicates);
    let output = json(&["--ring", "64M", "-c", &workload(&disk), "-e", &script]);
    assert_eq!(output.lost, 0, "{}", output.stderr);
    let plan = plan(&script);
    let all: Vec<_> = output.of(0).collect();
    assert!(all.len() > 1000, "the workload gave {} rows", all.len());
    for (index, text) in predicates.iter().enumerate() {
        let query = index as u64 + 1;
        let filter = plan.statements[index + 1].streams[0]
            .filter
            .as_ref()
            .unwrap();
        let holds = |row: &&&Row| eval::holds(filter, &Shown(&row.data));
        let expected = multiset(all.iter().filter(holds).copied());
        let got = multiset(output.of(query));
        let differ = expected.iter().find(|(row, n)| got.get(*row) != Some(n));
        let differ = differ.or_else(|| got.iter().find(|(row, n)| expected.get(*row) != Some(n)));
        assert!(
            differ.is_none(),
            "seed {seed}: {text}\n{:?} of {} rows expected, {} got; such as {differ:?}",
            expected.len(),
            all.len(),
            got.len()
        );
    }
}

fn multiset<'a>(rows: impl Iterator<Item = &'a Row>) -> BTreeMap<String, u32> {
    let mut counts = BTreeMap::new();
    for row in rows {
        *counts
            .entry(serde_json::to_string(&row.data).unwrap())
            .or_default() += 1;
    }
    counts
}

/// Statements over one point, the first without a condition of its own.
fn script(layer: &Layer, disk: &Disk, predicates: &[String]) -> String {
    let fields: Vec<_> = layer.fields.iter().map(|field| field.name).collect();
    let (point, fields) = (layer.end, fields.join(", "));
    let (layer, dev) = (layer.name, disk.name());
    let scope = if layer == "block" {
        format!("dev == {dev}")
    } else {
        "pid under $child".to_owned()
    };
    let one =
        |condition: &str| format!("on {layer}.{point} where {scope}{condition} emit {fields}\n");
    let conditions = predicates.iter().map(|each| one(&format!(" and ({each})")));
    one("") + &conditions.collect::<String>()
}

/// Reads and writes of several sizes, direct and through the page cache, and syncs.
fn workload(disk: &Disk) -> String {
    let output = disk.memory().join("out");
    let mut line = format!(
        "fio --directory={} --size=8M --output={} --ioengine=psync --bsrange=512-64k --rw=randrw --number_ios=800 --randrepeat=0",
        disk.folder().display(),
        output.display()
    );
    for (name, more) in [
        ("direct", "--direct=1"),
        ("cached", "--fsync=16"),
        ("trim", "--rw=write --fdatasync=8"),
    ] {
        line += &format!(" --name={name} {more}");
    }
    fs::write(disk.folder().join("other"), "x").unwrap();
    line
}

/// A condition as somebody might write it, over any fields of the layer.
fn predicate(layer: &Layer, random: &mut Rng, depth: u32) -> String {
    if depth > 0 && random.u8(..3) > 0 {
        let mut inner = || predicate(layer, random, depth - 1);
        let (left, right) = (inner(), inner());
        return match random.u8(..5) {
            0 | 1 => format!("({left} and {right})"),
            2 | 3 => format!("({left} or {right})"),
            _ => format!("not ({left})"),
        };
    }
    loop {
        let field = &layer.fields[random.usize(..layer.fields.len())];
        if !LEFT_OUT.contains(&field.name) {
            return leaf(field, random);
        }
    }
}

fn leaf(field: &Field, random: &mut Rng) -> String {
    let name = field.name;
    let op = *random.choice(&["==", "!=", "<", "<=", ">", ">="]).unwrap();
    let equal = if random.bool() { "==" } else { "!=" };
    match field.ty {
        Type::Bool => name.to_owned(),
        Type::Enum(list) => {
            let mut variant = || random.choice(list.variants).unwrap().0;
            let (one, two) = (variant(), variant());
            if random.bool() {
                format!("{name} {equal} {one}")
            } else {
                format!("{name} in {{{one}, {two}}}")
            }
        }
        Type::Text => {
            let text = *random
                .choice(&["fio", "f*", "*o*", "direct.?.0", "*", "jbd2*", "kworker*"])
                .unwrap();
            format!("{name} ~ \"{text}\"")
        }
        Type::Dev => format!("{name} {equal} loop0"),
        Type::Pid => format!("{name} {op} {}", number(random)),
        Type::Duration => compared(name, op, random, |n| format!("{n}ns")),
        Type::Bytes => compared(name, op, random, |n| format!("{n}B")),
        _ => compared(name, op, random, |n| n.to_string()),
    }
}

fn compared(name: &str, op: &str, random: &mut Rng, shown: impl Fn(u64) -> String) -> String {
    let (one, two) = (number(random), number(random));
    match random.u8(..4) {
        0 => format!("{name} in {}..{}", shown(one.min(two)), shown(one.max(two))),
        1 => format!("{name} in {{{}, {}}}", shown(one), shown(two)),
        _ => format!("{name} {op} {}", shown(one)),
    }
}

/// Of any magnitude, and often a power of two.
fn number(random: &mut Rng) -> u64 {
    let power = 1u64 << random.u32(..24);
    if random.bool() {
        power
    } else {
        random.u64(..power * 2)
    }
}

/// The script as the compiler sees it on this machine; which process `$child` is does not matter to the evaluator.
fn plan(script: &str) -> Plan {
    let mut sources = Sources(vec![Source {
        name: "<query>".into(),
        text: script.into(),
    }]);
    let tree = parse(script).unwrap();
    let inputs = Inputs {
        args: Vec::new(),
        params: Vec::new(),
        child: true,
        ..Inputs::default()
    };
    let plan = lower(check(&mut sources, &tree, &inputs).unwrap()).unwrap();
    let resolved = resolve(&plan.names, Some(std::process::id())).unwrap();
    plan.bind(&resolved.meanings)
}

/// A row as the record that it came from. All rows belong to the family of the command.
struct Shown<'a>(&'a serde_json::Map<String, serde_json::Value>);

impl Record for Shown<'_> {
    fn value(&self, FieldRef { field, .. }: FieldRef) -> Value<'_> {
        use serde_json::Value as Json;
        match (&self.0[field.name], field.ty) {
            (Json::Bool(value), _) => Value::Bool(*value),
            (Json::String(text), Type::Enum(list)) => Value::Int(
                list.value(text)
                    .map_or_else(|| text.parse().unwrap(), i128::from),
            ),
            (Json::String(text), Type::Dev) => Value::Int(device_number(text).into()),
            (Json::String(text), _) => Value::Text(text.as_bytes()),
            (Json::Number(number), _) => {
                let unsigned = number.as_u64().map(i128::from);
                Value::Int(unsigned.or(number.as_i64().map(i128::from)).unwrap())
            }
            _ => Value::Null,
        }
    }

    fn members(&self) -> u64 {
        u64::MAX
    }
}

/// Filesystems without a disk have numbers only.
fn device_number(text: &str) -> u32 {
    let numbers = || {
        let (major, minor) = text.split_once(':')?;
        Some(major.parse::<u32>().ok()? << 20 | minor.parse::<u32>().ok()?)
    };
    let found = device::by_name(text).map(|device| device.number);
    found.or_else(numbers).unwrap_or_else(|| panic!("{text}"))
}
