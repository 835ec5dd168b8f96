//! Native code agrees with the reference evaluator, on expressions made by chance.

use fastrand::Rng;
use iotq_trials::native;

/// `IOTQ_TRIALS=1000000 cargo test --release -p iotq-trials --test native` finds more.
fn trials() -> u64 {
    let more = std::env::var("IOTQ_TRIALS").ok();
    // Without optimization, compiling is slow.
    let few = if cfg!(debug_assertions) { 100 } else { 5000 };
    more.and_then(|text| text.parse().ok()).unwrap_or(few)
}

#[test]
fn expressions_by_chance() {
    let (mut compiled, mut all) = (0, 0);
    for seed in 0..trials() {
        let mut random = Rng::with_seed(seed);
        let bytes: Vec<u8> = (0..1500).map(|_| random.u8(..)).collect();
        let (some, of) = native(&bytes);
        compiled += some;
        all += of;
    }
    assert!(compiled * 2 > all, "{compiled} of {all} have native code");
}
