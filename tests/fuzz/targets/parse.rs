//! Any text is parsed, and its canonical form is the same program.
#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| iotq_trials::parse(text));
