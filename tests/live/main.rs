//! Live tests: the command against real I/O on this machine.
//!
//! A test whose requirements do not hold here says so and is counted as ignored.

#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test that cannot go on says so by a panic, and one that is weaker here tells it"
)]

mod about;
mod account;
mod across;
mod agree;
mod below;
mod cache;
mod calls;
mod commits;
mod counters;
mod devices;
mod directories;
mod exact;
mod files;
mod followed;
mod groups;
mod link;
mod origins;
mod qemu;
mod refuse;
mod repl;
mod requests;
mod sequence;
mod stop;
mod tools;
mod unwaited;
mod waits;
mod writeback;

use libtest_mimic::{Arguments, Trial};

fn main() {
    let mut arguments = Arguments::from_args();
    // They measure the machine as a whole: one at a time.
    arguments.test_threads = Some(1);
    let groups: &[fn() -> Vec<Trial>] = &[
        about::tests,
        refuse::tests,
        cache::tests,
        calls::tests,
        exact::tests,
        counters::tests,
        agree::tests,
        groups::tests,
        link::tests,
        stop::tests,
        devices::tests,
        directories::tests,
        account::tests,
        origins::tests,
        qemu::tests,
        across::tests,
        below::tests,
        followed::tests,
        repl::tests,
        tools::tests,
        requests::tests,
        commits::tests,
        unwaited::tests,
        waits::tests,
        writeback::tests,
        files::tests,
        sequence::tests,
    ];
    let tests = groups.iter().flat_map(|group| group()).collect();
    libtest_mimic::run(&arguments, tests).exit();
}
