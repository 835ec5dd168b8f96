//! What is only not finished yet.

use super::parse;

/// Whether a line behind the text may mend it.
fn unfinished(text: &str) -> bool {
    parse(text).is_err_and(|errors| errors.unfinished())
}

#[test]
fn a_text_that_ends_too_early_is_unfinished() {
    for text in [
        "trace",
        "trace block where",
        "trace block where lat >",
        "trace block where lat in 1ms..",
        "trace block where lat > 1ms and # a comment",
        "trace block where (lat > 1ms",
        "trace block where (lat > 1ms\n\n",
        "trace block where dev in {vda,",
        "trace block emit lat,",
        "trace block,",
        "let slow =",
        "def a = (\n  op == read",
        "param x:",
        "let a = 1\ntrace block where",
        "on",
    ] {
        assert!(unfinished(text), "{text}");
    }
}

#[test]
fn what_no_further_line_mends_is_finished() {
    for text in [
        "",
        "# nothing",
        "trace block",
        "trace block where lat > 1ms",
        "trace block where lat >;",
        "trace block where lat >> 1ms",
        "trace block where lat > 1ms)",
        "trace block where comm == \"open",
        "trace block where (comm == \"open",
        "trace block where block.",
        "foo",
        "trace block where lat >\nlet a = 1",
        "let a = (1\ntrace block where",
        "trace block where (lat }",
    ] {
        assert!(!unfinished(text), "{text}");
    }
}
