//! `iotq explain --stage jit`: the native code of what the kernel leaves, or why there is none.

use std::process::Command;

fn explain(query: &str) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_iotq"))
        .args(["explain", "--stage", "jit", "-e", query])
        .output()
        .expect("iotq runs");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    String::from_utf8(output.stdout).expect("text")
}

#[test]
fn code_is_shown() {
    let shown = explain("trace block where comm ~ \"p*t*\" emit lower(comm), pid");
    assert!(shown.contains("where comm ~ \"p*t*\"\n"), "{shown}");
    assert!(shown.contains("; fn0 is glob\n"), "{shown}");
    assert!(shown.contains("emit lower(comm)\n"), "{shown}");
    assert_eq!(shown.matches("function u0:0").count(), 2, "{shown}");
}

#[test]
fn what_the_kernel_decides_has_no_code() {
    let shown = explain("trace block where lat > 1ms emit lat, pid");
    assert_eq!(shown, "statement 0\n  stream 0: block.complete\n");
}

#[test]
fn what_is_evaluated_says_why() {
    let texts: Vec<_> = (0..2500).map(|n| format!("\"x{n}\"")).collect();
    let shown = explain(&format!(
        "trace block where comm in {{{}}}",
        texts.join(", ")
    ));
    assert!(
        shown.contains("left to the evaluator, because it is too large"),
        "{shown}"
    );
}
