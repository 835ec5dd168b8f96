//! Any bytes are records or none, and rows of them can be written.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    iotq_trials::records(input);
});
