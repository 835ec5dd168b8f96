//! How far the clocks of two machines are apart: the exchange with the shortest way tells it best.

use serde::{Deserialize, Serialize};

/// One question and its answer: nanoseconds of the monotonic clocks of both sides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exchange {
    /// The host asked.
    pub asked: u64,
    /// The guest got the question, and answered.
    pub answered: u64,
    /// The host got the answer.
    pub returned: u64,
}

/// A guest's clock as the host sees it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offset {
    /// To be added to the guest's monotonic time for the host's: nanoseconds.
    pub ns: i64,
    /// How far off it may be, either way: nanoseconds.
    pub uncertainty_ns: u64,
}

impl Offset {
    /// What some exchanges tell: nothing of none.
    pub fn best(exchanges: &[Exchange]) -> Option<Self> {
        let way = |it: &Exchange| it.returned.saturating_sub(it.asked);
        let shortest = exchanges.iter().min_by_key(|it| way(it))?;
        let middle = i128::from(shortest.asked) + i128::from(way(shortest) / 2);
        let apart = middle - i128::from(shortest.answered);
        Some(Self {
            ns: i64::try_from(apart).unwrap_or(0),
            uncertainty_ns: way(shortest).div_ceil(2),
        })
    }
}

/// Now: nanoseconds of the monotonic clock, which records carry.
pub fn now() -> u64 {
    use rustix::time::{ClockId, clock_gettime};
    let now = clock_gettime(ClockId::Monotonic);
    let seconds = u64::try_from(now.tv_sec).unwrap_or(0);
    let rest = u64::try_from(now.tv_nsec).unwrap_or(0);
    seconds.saturating_mul(1_000_000_000).saturating_add(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exchange(asked: u64, answered: u64, returned: u64) -> Exchange {
        Exchange {
            asked,
            answered,
            returned,
        }
    }

    #[test]
    fn the_shortest_way_tells() {
        let all = [
            exchange(1_000, 51_400, 1_900),
            exchange(2_000, 52_050, 2_100),
            exchange(3_000, 53_900, 4_000),
        ];
        let offset = Offset::best(&all).expect("exchanges");
        assert_eq!((offset.ns, offset.uncertainty_ns), (-50_000, 50));
        assert_eq!(Offset::best(&[]), None);
    }

    #[test]
    fn clocks_that_lie_do_no_harm() {
        for lie in [0, u64::MAX] {
            let offset = Offset::best(&[exchange(lie, u64::MAX - lie, u64::MAX - lie)]);
            assert!(offset.is_some());
        }
    }
}
