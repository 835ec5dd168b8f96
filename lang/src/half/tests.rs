//! Halves mean what the program means, and stand by themselves.

use super::*;
use crate::check::{Imported, NotFound, Placed, Wanted, place};

const MODULE: &str = "let slow = 10ms\ndef is_slow = lat > slow\ndef unused = size > 4KiB";

fn module(_: Wanted<'_>) -> Result<Imported, NotFound> {
    Ok(Imported {
        key: "m".into(),
        source: Source {
            name: "m".into(),
            text: MODULE.into(),
        },
    })
}

fn placed(text: &str, args: &[&str], params: &[(&str, &str)]) -> Result<Placed, Errors> {
    let mut sources = Sources(vec![Source {
        name: "<query>".into(),
        text: text.into(),
    }]);
    let script = syntax::parse(text).expect("it parses");
    let inputs = Inputs {
        args: args.iter().map(|it| (*it).to_owned()).collect(),
        params: params
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect(),
        modules: &module,
        ..Inputs::default()
    };
    place(&mut sources, &script, &inputs)
}

fn half(text: &str, args: &[&str], params: &[(&str, &str)]) -> Half {
    match placed(text, args, params) {
        Ok(Placed::Guest(half)) => half,
        other => panic!("{text}: {other:?}"),
    }
}

/// The plan of the same program without qualifiers.
fn plain(text: &str, args: &[&str], params: &[(&str, &str)]) -> String {
    let text = text.replace("guest.", "");
    match placed(&text, args, params) {
        Ok(Placed::Here(program)) => lower(program).expect("a plan").to_string(),
        other => panic!("{text}: {other:?}"),
    }
}

/// A program, its arguments, its parameters.
type Case = (
    &'static str,
    &'static [&'static str],
    &'static [(&'static str, &'static str)],
);

#[test]
fn the_plan_of_a_half_is_that_of_the_program() {
    let cases: [Case; 9] = [
        ("trace guest.block", &[], &[]),
        (
            "trace guest.block, guest.nvme where lat > 1ms for 30s",
            &[],
            &[],
        ),
        (
            "on guest.block.complete emit count(), p99(lat) as p by dev, op top 3 having p > 1ms every 1s",
            &[],
            &[],
        ),
        (
            "join guest.syscall, optional guest.block where guest.syscall.op == fsync and max(guest.block[].lat) > 1ms emit tree",
            &[],
            &[],
        ),
        ("use stdlib.m\ntrace guest.block where is_slow", &[], &[]),
        (
            "use stdlib.m\nlet slow = 1ms\ntrace guest.block where is_slow",
            &[],
            &[],
        ),
        (
            "param t: duration = 1ms\nparam d: dev = any\ntrace guest.block where lat > t and dev == d",
            &[],
            &[("t", "5ms")],
        ),
        (
            "trace guest.block where dev == $1 and lat > $2",
            &["dm-0", "5ms"],
            &[],
        ),
        (
            "trace guest.syscall where file == \"/a \\\"b\\\"\" and comm ~ \"x*\"; trace guest.block where pid in 1..5",
            &[],
            &[],
        ),
    ];
    for (text, args, params) in cases {
        let half = half(text, args, params);
        let plan = half
            .plan()
            .unwrap_or_else(|errors| panic!("{}: {errors}", half.text));
        assert_eq!(plan.to_string(), plain(text, args, params), "{}", half.text);
        assert!(!half.text.contains("guest."), "{}", half.text);
    }
}

#[test]
fn columns_keep_their_names() {
    let half = half(
        "on guest.block.complete emit guest.block.lat, lat  /  2, dev",
        &[],
        &[],
    );
    let plan = half.plan().expect("a plan");
    let names = plan.statements[0].streams[0].columns.iter();
    let names: Vec<_> = names.map(|column| column.name.as_str()).collect();
    assert_eq!(names, ["guest.block.lat", "lat / 2", "dev"]);
}

#[test]
fn only_what_is_needed_of_modules_comes_along() {
    let half = half("use stdlib.m\ntrace guest.block where is_slow", &[], &[]);
    assert!(half.text.contains("let slow = 10ms"), "{}", half.text);
    assert!(!half.text.contains("unused") && !half.text.contains("use "));
}

#[test]
fn a_guest_is_a_key_that_it_is_not_told() {
    let keys = |text: &str| {
        let half = half(text, &[], &[]);
        assert!(!half.text.contains("guest"), "{}", half.text);
        let plan = half.plan().expect("a plan");
        let groups = plan.statements[0].streams[0].groups.clone();
        let groups = groups.expect("groups");
        let names = groups.by.into_iter().map(|key| key.name);
        (names.collect::<Vec<_>>().join(" "), groups.guest)
    };
    let alone = "on guest.block.complete emit count() by guest";
    assert_eq!(keys(alone), ("guest".into(), Some(0)));
    let between = "trace guest.block emit count() by op, guest as vm, comm top 3";
    assert_eq!(keys(between), ("op vm comm".into(), Some(1)));
    let stages = "join guest.syscall, guest.block emit stages by guest, syscall.op";
    assert_eq!(keys(stages), ("guest syscall.op".into(), Some(0)));
    let none = "trace guest.block emit count() by op";
    assert_eq!(keys(none), ("op".into(), None));
    // The word may have another meaning, and there must be groups.
    let other = "let guest = 1ms\ntrace guest.block emit count() by guest, nosuch";
    for (text, code) in [(other, "E0201"), ("trace guest.block by guest", "E0403")] {
        let errors = placed(text, &[], &[]).expect_err("refused");
        assert_eq!(errors.0[0].code.id, code, "{text}");
    }
}

#[test]
fn a_program_is_on_one_side() {
    for text in [
        "join guest.syscall, host.block",
        "join guest.syscall, block",
        "trace guest.block\ntrace block",
    ] {
        let errors = placed(text, &[], &[]).expect_err("both sides");
        assert_eq!(errors.0[0].code.id, "E0609", "{text}");
    }
    assert!(matches!(
        placed("trace host.block", &[], &[]),
        Ok(Placed::Here(_))
    ));
}

#[test]
fn hostile_halves_are_refused() {
    let refused = |text: &str| {
        let half = Half {
            text: text.into(),
            ..Half::default()
        };
        half.plan().expect_err("refused").0[0].code.id
    };
    assert_eq!(refused(&" ".repeat(MAX_TEXT + 1)), "E0610");
    assert_eq!(
        refused(&"trace block\n".repeat(MAX_STATEMENTS + 1)),
        "E0610"
    );
    assert_eq!(refused("use \"/etc/passwd\"\ntrace block"), "E0210");
    assert_eq!(refused("trace guest.block"), "E0605");
    assert_eq!(refused("trace block where pid == $child"), "E0505");
    assert_eq!(refused("trace"), "E0107");
}
