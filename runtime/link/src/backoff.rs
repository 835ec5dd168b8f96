//! How long to wait before the next attempt: longer each time, and not all at once.

use std::time::Duration;

/// The first wait, before chance is added.
const FIRST: Duration = Duration::from_millis(100);

/// The longest: whoever asks a question on the host should not wait for long.
const LONGEST: Duration = Duration::from_secs(5);

/// Waits that double up to a bound, each of them shortened by chance to as little as a half.
#[derive(Clone, Debug)]
pub struct Backoff {
    next: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Self { next: FIRST }
    }
}

impl Backoff {
    /// How long to wait now.
    pub fn wait(&mut self) -> Duration {
        let whole = self.next;
        self.next = (whole * 2).min(LONGEST);
        let mut chance = [0];
        // Without chance, the longest wait is right, too.
        let _ = getrandom::fill(&mut chance);
        whole - whole * u32::from(chance[0]) / 512
    }

    /// An attempt went well: the next wait is short again.
    pub fn reset(&mut self) {
        self.next = FIRST;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_within_their_bounds() {
        let mut backoff = Backoff::default();
        let mut whole = FIRST;
        for _ in 0..20 {
            let wait = backoff.wait();
            assert!(wait <= whole && wait >= whole / 2, "{wait:?} of {whole:?}");
            whole = (whole * 2).min(LONGEST);
        }
        backoff.reset();
        assert!(backoff.wait() <= FIRST);
    }
}
