//! What a system call pays that no query asks for: one that does next to nothing, made again and again.

use std::time::{Duration, Instant};

use iotq_tests::Disk;
use iotq_tests::gate::traced;
use rustix::process::getppid;

use crate::report::median;
use crate::tracer;

/// Calls between two looks at the clock.
const BATCH: u32 = 1000;

/// At most this, in nanoseconds, where the hook is at every call.
const TARGET: f64 = 130.0;

/// Measures and prints: without a tracer, and with all layers followed, side by side.
#[expect(
    clippy::print_stdout,
    reason = "the report is what this program is for"
)]
pub fn measure(rounds: u32, length: Duration) {
    let disk = Disk::ext4(64);
    let query = tracer::all_slow(&disk.name());
    let (mut free, mut followed) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        free.push(cost(length));
        let mut paid = 0.0;
        traced(&["-e", &query], || paid = cost(length));
        followed.push(paid);
    }
    let (free, followed) = (median(free), median(followed));
    let more = followed - free;
    let met = if more <= TARGET { "met" } else { "missed" };
    println!(
        "a call that nobody asks for; medians of {rounds} rounds, statistics of programs off\n\
         no tracer       {free:>6.0} ns\n\
         all, lat > 1s   {followed:>6.0} ns, {more:.0} more: {TARGET} {met}"
    );
}

/// Nanoseconds of a call, in the fastest batch of many: nothing else makes calls fast by chance.
fn cost(length: Duration) -> f64 {
    let begin = Instant::now();
    let mut best = f64::INFINITY;
    while begin.elapsed() < length {
        let start = Instant::now();
        for _ in 0..BATCH {
            std::hint::black_box(getppid());
        }
        best = best.min(start.elapsed().as_nanos() as f64 / f64::from(BATCH));
    }
    best
}
