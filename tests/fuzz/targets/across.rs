//! Any bytes are a guest and its host: what is joined of them can be written.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    iotq_trials::across(input);
});
