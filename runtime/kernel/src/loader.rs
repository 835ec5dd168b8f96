//! Loaders of eBPF objects that know no types yet: they are given those that are needed.

use std::thread;

use aya::EbpfLoader;
use landlock::{AccessFs, Ruleset, RulesetAttr, RulesetCreatedAttr, RulesetError};

/// A new one. aya (before 0.15) reads all of the kernel's types whenever it makes a loader: a fifth of the time of a start,
/// and most of its memory. In a thread that may not open them it cannot, and goes on without.
pub fn loader() -> EbpfLoader<'static> {
    let blind = thread::Builder::new().spawn(|| {
        // Where that cannot be forbidden, they are read in vain.
        let _ = read_nothing();
        EbpfLoader::new()
    });
    let made = blind.ok().and_then(|thread| thread.join().ok());
    let mut loader = made.unwrap_or_default();
    loader.btf(None);
    loader
}

/// Of this thread, and for ever.
fn read_nothing() -> Result<(), RulesetError> {
    Ruleset::default()
        .handle_access(AccessFs::ReadFile)?
        .create()?
        .log_same_exec(false)?
        .restrict_self()?;
    Ok(())
}
