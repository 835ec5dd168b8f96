//! Histograms: log-linear ones, with 16 buckets for each power of two, and those of equal steps.
//!
//! A log-linear bucket is at most a sixteenth as wide as its values are large, and its middle stands for all of them: so
//! a quantile is off by at most 1/32 of the true one. Values below 32 are exact. Negative values mirror the positive.

/// log2 of the buckets of a power of two.
const BITS: u32 = 4;
const EACH: u128 = 1 << BITS;

/// Which values share a bucket. Buckets are numbered in the order of their values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scale {
    /// Log-linear.
    Log,
    /// Equal steps.
    Linear(Linear),
}

/// Equal steps from a value to another, and a bucket each for what is below and above.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Linear {
    /// The first value of the first step.
    pub low: i128,
    /// The first value that is above.
    pub high: i128,
    /// The width; the last one may be narrower.
    pub step: i128,
}

/// Counted values between two bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bucket {
    /// The smallest value that belongs to it; none if there is no smallest.
    pub low: Option<i128>,
    /// The smallest value above it.
    pub high: Option<i128>,
    /// How many there are.
    pub count: u64,
}

/// Counts by bucket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Histogram {
    scale: Scale,
    /// The bucket of the first count.
    first: i32,
    /// From the first bucket with values to the last.
    counts: Vec<u64>,
    total: u64,
}

impl Linear {
    /// The steps from `low` to `high`; none if there are none, or more than can be numbered.
    pub fn new(low: i128, high: i128, step: i128) -> Option<Self> {
        let steps = high.checked_sub(low)?.checked_div(step)?;
        let counted = low < high && step > 0 && steps < i128::from(i32::MAX);
        counted.then_some(Self { low, high, step })
    }

    /// How many steps there are.
    pub fn steps(self) -> i32 {
        let whole = (self.high - self.low - 1) / self.step + 1;
        i32::try_from(whole).unwrap_or(i32::MAX)
    }

    fn index(self, value: i128) -> i32 {
        if value < self.low {
            -1
        } else if value >= self.high {
            self.steps()
        } else {
            i32::try_from((value - self.low) / self.step).unwrap_or(i32::MAX)
        }
    }

    fn bounds(self, index: i32) -> (Option<i128>, Option<i128>) {
        if index < 0 {
            (None, Some(self.low))
        } else if index >= self.steps() {
            (Some(self.high), None)
        } else {
            let low = self.low + i128::from(index) * self.step;
            let high = low.saturating_add(self.step).min(self.high);
            (Some(low), Some(high))
        }
    }
}

impl Scale {
    /// The bucket of a value.
    pub fn index(self, value: i128) -> i32 {
        match self {
            Scale::Linear(linear) => linear.index(value),
            Scale::Log if value < 0 => -magnitude(value.unsigned_abs()),
            Scale::Log => magnitude(value.unsigned_abs()),
        }
    }

    /// The smallest value of a bucket, and the smallest above it.
    pub fn bounds(self, index: i32) -> (Option<i128>, Option<i128>) {
        match self {
            Scale::Linear(linear) => linear.bounds(index),
            Scale::Log if index < 0 => {
                let (low, high) = span(index.unsigned_abs());
                (Some(1 - high), Some(1 - low))
            }
            Scale::Log => {
                let (low, high) = span(index.unsigned_abs());
                (Some(low), Some(high))
            }
        }
    }
}

/// The number of the log-linear bucket of a value without its sign.
fn magnitude(value: u128) -> i32 {
    let exponent = u128::BITS - value.leading_zeros();
    let shift = exponent.saturating_sub(BITS + 1);
    let index = u128::from(shift) * EACH + (value >> shift);
    // At most 2015.
    i32::try_from(index).unwrap_or(i32::MAX)
}

fn span(index: u32) -> (i128, i128) {
    let index = u128::from(index);
    let shift = (index / EACH).saturating_sub(1);
    let low = index - shift * EACH;
    let scaled = |value: u128| {
        let whole = value.checked_shl(u32::try_from(shift).unwrap_or(u32::MAX));
        let fits = whole.filter(|whole| whole >> shift == value);
        fits.and_then(|whole| i128::try_from(whole).ok())
            .unwrap_or(i128::MAX)
    };
    (scaled(low), scaled(low + 1))
}

impl Histogram {
    /// Without values.
    pub fn new(scale: Scale) -> Self {
        Self {
            scale,
            first: 0,
            counts: Vec::new(),
            total: 0,
        }
    }

    /// Its scale.
    pub fn scale(&self) -> Scale {
        self.scale
    }

    /// Counts a value.
    pub fn add(&mut self, value: i128) {
        self.add_to(self.scale.index(value), 1);
    }

    /// Counts so many values of a bucket.
    pub fn add_to(&mut self, index: i32, count: u64) {
        if count == 0 {
            return;
        }
        if self.counts.is_empty() {
            self.first = index;
        } else if index < self.first {
            let more = usize::try_from(self.first - index).unwrap_or(0);
            self.counts.splice(0..0, std::iter::repeat_n(0, more));
            self.first = index;
        }
        let at = usize::try_from(index - self.first).unwrap_or(0);
        if at >= self.counts.len() {
            self.counts.resize(at + 1, 0);
        }
        self.counts[at] = self.counts[at].saturating_add(count);
        self.total = self.total.saturating_add(count);
    }

    /// Adds what another one of the same scale has counted.
    pub fn merge(&mut self, other: &Self) {
        for (index, count) in other.numbered() {
            self.add_to(index, count);
        }
    }

    /// How many values there are.
    pub fn total(&self) -> u64 {
        self.total
    }

    /// The buckets with values, by number.
    pub fn numbered(&self) -> impl DoubleEndedIterator<Item = (i32, u64)> {
        let counts = self.counts.iter().enumerate();
        counts
            .filter(|(_, count)| **count > 0)
            .filter_map(|(at, &count)| Some((self.first + i32::try_from(at).ok()?, count)))
    }

    /// The buckets with values.
    pub fn buckets(&self) -> impl Iterator<Item = Bucket> {
        self.numbered().map(|(index, count)| {
            let (low, high) = self.scale.bounds(index);
            Bucket { low, high, count }
        })
    }

    /// The bucket in which the value lies that so large a share of all, at least one, does not exceed.
    pub fn quantile_bucket(&self, share: f64) -> Option<i32> {
        // Shares such as 0.07 are a little more than they are meant to be.
        let wanted = (share * self.total as f64 - 1e-9).ceil() as u64;
        let wanted = wanted.clamp(1, self.total.max(1));
        let mut below = 0;
        self.numbered().find_map(|(index, count)| {
            below += count;
            (below >= wanted).then_some(index)
        })
    }

    /// The value itself: the middle of the bucket.
    pub fn quantile(&self, share: f64) -> Option<i128> {
        let (low, high) = self.scale.bounds(self.quantile_bucket(share)?);
        let (low, high) = (low.or(high)?, high.or(low)?);
        Some(low + (high - 1 - low).max(0) / 2)
    }
}
