//! Nothing that can be typed panics, hangs or overflows the stack; and the canonical form is a fixed point.

use std::time::Duration;

use iotq_trials::{check, parse, sides};
use proptest::prelude::*;
use rustix::time::{ClockId, clock_gettime};

/// Compiles a text as far as it goes, and shows its errors.
fn compile(text: &str) {
    parse(text);
    check(text);
    sides(text);
}

/// Large inputs of each shape that could recurse or repeat.
#[test]
fn large_inputs_end_soon() {
    let shapes = [
        ("trace block where ", "(", ""),
        ("trace block where ", "not ", "sync"),
        ("trace block where lat > ", "-", "1ms"),
        ("trace block where lat > 0", " + 1ms", ""),
        ("trace block where dev == a", "-a", ""),
        ("trace block where sync", " and lat > 1ms", ""),
        ("trace block where lat > 1ns", " and lat > 1ms", ""),
        ("trace block where sync", " or dev == vda and sync", ""),
        ("trace block where sync", " or latt > 5", ""),
        ("trace block where pid in {1", ", 12", "}"),
        ("trace block where dev in {a", ", dm-0", "}"),
        ("trace block emit lat", ", lat", ""),
        ("trace block", ", block", ""),
        ("trace block", ", blok", ""),
        ("", "trace block;", ""),
        ("", "on ", ""),
        ("(", "on ", ""),
        ("", "param a: int ", ""),
        ("", "let a = 1 ", ""),
        ("", "\"", ""),
        ("", "\\", ""),
        ("", "{[(", ""),
        ("trace block where comm == ", "a.", "a"),
        ("trace block where ", "abs(", ""),
        ("trace block where lat == ", "9", "ms"),
        ("# ", "x", ""),
        ("", "\0", ""),
        ("trace block where lat in 1", "..1", ""),
        ("trace block where ", "lat == ", "lat"),
    ];
    for (head, body, tail) in shapes {
        let count = ((1 << 16) - head.len() - tail.len()) / body.len();
        let begin = on_cpu();
        compile(&format!("{head}{}{tail}", body.repeat(count)));
        let took = on_cpu() - begin;
        assert!(
            took < Duration::from_secs(10),
            "{head}{body}… took {took:?}"
        );
    }
}

/// Of this thread: what else the machine does is no matter.
fn on_cpu() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// Many different names: nothing may be quadratic in them.
#[test]
fn many_names_end_soon() {
    let names: Vec<String> = (0..20_000).map(|index| format!("disk{index}")).collect();
    compile(&format!(
        "trace block where dev in {{{}}}",
        names.join(", ")
    ));
    let lets: Vec<String> = names.iter().map(|name| format!("let {name} = 1")).collect();
    compile(&lets.join("\n"));
    let columns: Vec<String> = names.iter().map(|name| format!("lat as {name}")).collect();
    compile(&format!("trace block emit {}", columns.join(", ")));
}

fn tokens() -> impl Strategy<Value = String> {
    let words = prop::sample::select(vec![
        "trace", "on", "join", "let", "def", "param", "use", "where", "emit", "by", "every", "top",
        "having", "for", "limit", "required", "optional", "as", "and", "or", "not", "in", "under",
        "true", "tree", "stages", "block", "nvme", "syscall", "guest", "host", "qemu", "complete",
        "lat", "dev", "op", "comm", "pid", "size", "read", "vda", "count", "hist", "max",
        "coalesce", "slow", "duration", "$1", "$child", "$", "1", "0", "5ms", "4KiB", "1.5",
        "253:0", "0x1f", "\"a\"", "\"", "(", ")", "{", "}", "[]", ",", ".", "..", "==", "!=", "<",
        ">=", "~", "!~", "+", "-", "*", "/", "%", "=", ";", "#", "\n", ":", "é", "µs", "\u{feff}",
        "\0", "\\",
    ]);
    let gap = prop::sample::select(vec!["", " ", " "]);
    prop::collection::vec((words, gap), 0..40).prop_map(|all| {
        let all: Vec<_> = all
            .into_iter()
            .map(|(word, gap)| format!("{word}{gap}"))
            .collect();
        all.concat()
    })
}

fn expression() -> impl Strategy<Value = String> {
    let leaf = prop::sample::select(vec![
        "lat",
        "block.lat",
        "dev",
        "vda",
        "dm-0",
        "op",
        "read",
        "comm",
        "\"x\"",
        "5ms",
        "4K",
        "0",
        "7",
        "1.5",
        "true",
        "sync",
        "$1",
        "$child",
        "253:0",
        "size",
        "d2c",
        "pid",
        "error",
        "EIO",
        "block[]",
    ]);
    let ops = prop::sample::select(vec![
        " and ", " or ", " == ", " != ", " < ", " >= ", " ~ ", " !~ ", " in ", " not in ",
        " under ", "..", " + ", "+", " - ", "-", "*", " / ", "%", " % ",
    ]);
    leaf.prop_map(str::to_owned).prop_recursive(5, 40, 4, move |inner| {
        let ops = ops.clone();
        prop_oneof![
            4 => (inner.clone(), ops, inner.clone()).prop_map(|(a, op, b)| format!("{a}{op}{b}")),
            2 => inner.clone().prop_map(|a| format!("({a})")),
            1 => inner.clone().prop_map(|a| format!("not {a}")),
            1 => inner.clone().prop_map(|a| format!("-{a}")),
            1 => prop::collection::vec(inner.clone(), 0..4).prop_map(|all| format!("{{{}}}", all.join(", "))),
            1 => (prop::sample::select(vec!["abs", "coalesce", "max", "hist", "least"]),
                  prop::collection::vec(inner, 0..3))
                .prop_map(|(name, all)| format!("{name}({})", all.join(", "))),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        compile(&String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn text_never_panics(text in "\\PC{0,80}") {
        compile(&format!("trace block where {text}"));
    }

    #[test]
    fn tokens_never_panic(text in tokens()) {
        compile(&text);
        compile(&format!("trace block where {text}"));
        compile(&format!("join syscall, block emit {text}"));
    }

    #[test]
    fn expressions_never_panic(text in expression(), name in "[a-z]{1,5}") {
        compile(&format!("trace block where {text}"));
        compile(&format!("on block.complete emit {text} as {name} by {text}"));
        compile(&format!("join guest.syscall, guest.block, host.qemu where {text} emit {text} as {name}"));
        compile(&format!("def {name} = {text}\nlet x = {text}\njoin syscall, block where {name} and x"));
    }
}
