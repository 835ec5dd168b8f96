//! Plans are stable, and pushing down does not change what passes.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    iotq_trials::plan(input);
});
