//! Live tests: the command against real I/O on this machine.
//!
//! A test whose requirements do not hold here says so and is counted as ignored.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on says so by a panic"
)]

mod agree;
mod calls;
mod counters;
mod exact;

use libtest_mimic::{Arguments, Trial};

fn main() {
    let mut arguments = Arguments::from_args();
    // They measure the machine as a whole: one at a time.
    arguments.test_threads = Some(1);
    let tests: Vec<Trial> = [
        exact::tests(),
        counters::tests(),
        calls::tests(),
        agree::tests(),
    ]
    .into_iter()
    .flatten()
    .collect();
    libtest_mimic::run(&arguments, tests).exit();
}
