//! Any text is checked and lowered, and its errors can be told.
#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| iotq_trials::check(text));
