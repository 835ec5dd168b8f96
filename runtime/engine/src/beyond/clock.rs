//! How far the clocks of a guest and its host are apart, from what must have come first.
//!
//! A request is issued before it is popped, and pushed before it is completed: each gives a bound. A bound grows weaker with
//! time, since clocks drift.

/// No clock is steered by more: parts of a million, as the kernel bounds it.
const DRIFT: i128 = 500;

/// What is to be added to a guest's monotonic time for the host's, between two bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Apart {
    low: Bound,
    high: Bound,
    /// How far off it was at the beginning.
    first: i64,
}

/// At a time of the guest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Bound {
    value: i64,
    at: u64,
}

impl Bound {
    /// How far it has moved since.
    fn drift(self, now: u64) -> i64 {
        let passed = i128::from(now.abs_diff(self.at));
        i64::try_from(passed * DRIFT / 1_000_000).unwrap_or(i64::MAX)
    }
}

impl Apart {
    /// As a greeting tells it, at a time of the guest.
    pub fn new(offset: i64, uncertainty: u64, now: u64) -> Self {
        let first = i64::try_from(uncertainty).unwrap_or(i64::MAX);
        let bound = |value| Bound { value, at: now };
        Self {
            low: bound(offset.saturating_sub(first)),
            high: bound(offset.saturating_add(first)),
            first,
        }
    }

    /// The least and the most that it can be at a time of the guest.
    pub fn bounds(&self, now: u64) -> (i64, i64) {
        let low = self.low.value.saturating_sub(self.low.drift(now));
        let high = self.high.value.saturating_add(self.high.drift(now));
        (low, high.max(low))
    }

    /// The middle of what it can have been when something was learned last.
    pub fn offset(&self) -> i64 {
        let (low, high) = self.now();
        low.midpoint(high)
    }

    /// How far off that may be.
    pub fn uncertainty(&self) -> u64 {
        let (low, high) = self.now();
        low.abs_diff(high).div_ceil(2)
    }

    fn now(&self) -> (i64, i64) {
        self.bounds(self.low.at.max(self.high.at))
    }

    /// Takes a request: issued and completed by the guest's clock, popped and pushed by the host's. Says whether that was
    /// possible by what was known.
    pub fn learn(&mut self, issued: u64, popped: u64, pushed: u64, completed: u64) -> bool {
        let apart = |host: u64, guest: u64| {
            i64::try_from(i128::from(host) - i128::from(guest)).unwrap_or(i64::MAX)
        };
        let (least, most) = (apart(pushed, completed), apart(popped, issued));
        if least > most {
            // It took longer on the host than in the guest.
            return false;
        }
        let (low, high) = self.bounds(completed);
        let is_possible = least <= high && most >= low;
        if !is_possible {
            // A clock was set, or the greeting was wrong: this is all that is known.
            let bound = |value| Bound {
                value,
                at: completed,
            };
            (self.low, self.high) = (bound(least), bound(most));
            return false;
        }
        let bound = |value| Bound {
            value,
            at: completed,
        };
        if least >= low {
            self.low = bound(least);
        }
        if most <= high {
            self.high = bound(most);
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;

    #[test]
    fn requests_tell_it_better_than_the_greeting() {
        let mut apart = Apart::new(1000 * MS as i64, 200_000, 0);
        assert_eq!(apart.uncertainty(), 200_000);
        // The host is 1000.1 ms ahead: 30 us on the way there, 50 on the way back.
        let there = |at: u64| at + 1000 * MS + 100_000;
        assert!(apart.learn(MS, there(MS + 30_000), there(2 * MS), 2 * MS + 50_000));
        let (low, high) = apart.bounds(2 * MS + 50_000);
        assert_eq!(low, 1000 * MS as i64 + 50_000);
        assert_eq!(high, 1000 * MS as i64 + 130_000);
        assert_eq!(apart.uncertainty(), 40_000);
        let off = apart.offset() - (1000 * MS as i64 + 100_000);
        assert!(off.unsigned_abs() <= apart.uncertainty());
    }

    #[test]
    fn what_was_learned_grows_old() {
        let mut apart = Apart::new(0, 200_000, 0);
        assert!(apart.learn(MS, MS + 1000, MS + 2000, MS + 3000));
        let (low, high) = apart.bounds(1001 * MS);
        // 500 parts of a million of a second, each way.
        assert!(high - low > 1_000_000 && high - low < 1_002_000);
    }

    #[test]
    fn a_clock_that_was_set_is_followed_and_told() {
        let mut apart = Apart::new(0, 100, 0);
        let late = 50 * MS;
        assert!(!apart.learn(MS, late + MS + 10, late + MS + 20, MS + 40));
        assert!(apart.offset() > 49 * MS as i64);
        assert!(apart.learn(2 * MS, late + 2 * MS + 10, late + 2 * MS + 20, 2 * MS + 40));
    }

    #[test]
    fn a_guest_that_lies_does_no_harm() {
        let mut apart = Apart::new(i64::MAX, u64::MAX, u64::MAX);
        for lie in [0, 1, u64::MAX / 2, u64::MAX] {
            for other in [0, MS, u64::MAX] {
                apart.learn(lie, other, other, lie);
                apart.learn(other, lie, other, lie);
                let (low, high) = apart.bounds(other);
                assert!(low <= high);
                apart.offset();
                apart.uncertainty();
            }
        }
    }
}
