//! Any bytes are messages of the link or errors, in whatever pieces they come.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    iotq_trials::link(input);
});
