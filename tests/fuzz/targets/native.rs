//! Native code gives what the evaluator gives.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    iotq_trials::native(input);
});
