//! What an integer can be, so that it takes 64 bits where that is enough and no check where nothing can overflow.

/// All integers from `low` to `high`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Range {
    pub low: i128,
    pub high: i128,
}

/// How an integer lies in registers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// 64 bits with a sign.
    Signed,
    /// 64 bits without one.
    Unsigned,
    /// 128 bits with a sign.
    Wide,
}

impl Range {
    pub const ALL: Range = Range::new(i128::MIN, i128::MAX);

    pub const fn new(low: i128, high: i128) -> Self {
        Self { low, high }
    }

    pub const fn only(value: i128) -> Self {
        Self::new(value, value)
    }

    /// Its only number, if it has no other.
    pub fn single(self) -> Option<i128> {
        (self.low == self.high).then_some(self.low)
    }

    /// The narrowest form that holds all of it.
    pub fn form(self) -> Form {
        if self.within(i64::MIN.into(), i64::MAX.into()) {
            Form::Signed
        } else if self.within(0, u64::MAX.into()) {
            Form::Unsigned
        } else {
            Form::Wide
        }
    }

    /// Whether its numbers are also those of 64 bits without a sign.
    pub fn is_unsigned(self) -> bool {
        self.within(0, u64::MAX.into())
    }

    fn within(self, low: i128, high: i128) -> bool {
        low <= self.low && self.high <= high
    }

    /// The smallest range around both.
    pub fn union(self, other: Self) -> Self {
        Self::new(self.low.min(other.low), self.high.max(other.high))
    }

    /// Of the sums; none if one does not fit in 128 bits.
    pub fn add(self, other: Self) -> Option<Self> {
        let low = self.low.checked_add(other.low)?;
        Some(Self::new(low, self.high.checked_add(other.high)?))
    }

    /// Of the differences; none if one does not fit in 128 bits.
    pub fn sub(self, other: Self) -> Option<Self> {
        let low = self.low.checked_sub(other.high)?;
        Some(Self::new(low, self.high.checked_sub(other.low)?))
    }

    /// Of the products; none if one does not fit in 128 bits.
    pub fn mul(self, other: Self) -> Option<Self> {
        let first = Self::only(self.low.checked_mul(other.low)?);
        [
            (self.low, other.high),
            (self.high, other.low),
            (self.high, other.high),
        ]
        .into_iter()
        .try_fold(first, |all, (left, right)| {
            Some(all.union(Self::only(left.checked_mul(right)?)))
        })
    }

    /// Of the quotients by any divisor but zero, rounded up to a simple shape; none if one does not fit in 128 bits.
    pub fn div(self, other: Self) -> Option<Self> {
        if self.low >= 0 && other.low >= 0 {
            return Some(Self::new(0, self.high / other.low.max(1)));
        }
        Some(self.mirrored()?.union(self))
    }

    /// Of the remainders by any divisor but zero; none if one does not fit in 128 bits.
    pub fn rem(self, other: Self) -> Option<Self> {
        let below = other.mirrored()?.high.saturating_sub(1).max(0);
        let most = self.mirrored()?.high.min(below);
        Some(Self::new(if self.low >= 0 { 0 } else { -most }, most))
    }

    /// Of `x` rounded down to a multiple of a width above zero.
    pub fn bucket(self, width: Self) -> Option<Self> {
        let low = if self.low >= 0 {
            0
        } else {
            self.low.checked_sub(width.high.max(1) - 1)?
        };
        Some(Self::new(low, self.high))
    }

    /// Of the negatives and the numbers themselves; none if one does not fit in 128 bits.
    fn mirrored(self) -> Option<Self> {
        let most = self.low.checked_neg()?.max(self.high);
        Some(Self::new(-most, most))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms() {
        let form = |low, high| Range::new(low, high).form();
        assert_eq!(form(-1, i64::MAX.into()), Form::Signed);
        assert_eq!(form(0, u64::MAX.into()), Form::Unsigned);
        assert_eq!(form(-1, u64::MAX.into()), Form::Wide);
        assert_eq!(form(0, 1 << 64), Form::Wide);
    }

    /// Every result of the small ranges lies in the range of the results.
    #[test]
    fn ranges_hold_their_results() {
        let all: Vec<Range> = (-4..=4)
            .flat_map(|low| (low..=4).map(move |high| Range::new(low, high)))
            .collect();
        for (one, two) in all
            .iter()
            .flat_map(|one| all.iter().map(move |two| (*one, *two)))
        {
            for (left, right) in (one.low..=one.high)
                .flat_map(|left| (two.low..=two.high).map(move |right| (left, right)))
            {
                let check = |range: Option<Range>, value: i128| {
                    let range = range.expect("small numbers");
                    assert!(
                        Range::only(value).within(range.low, range.high),
                        "{one:?} {two:?}: {range:?} {value}"
                    );
                };
                check(one.add(two), left + right);
                check(one.sub(two), left - right);
                check(one.mul(two), left * right);
                if right != 0 {
                    check(one.div(two), left / right);
                    check(one.rem(two), left % right);
                }
                if right > 0 {
                    check(one.bucket(two), left - left.rem_euclid(right));
                }
            }
        }
    }

    #[test]
    fn what_may_overflow_has_no_range() {
        let one = Range::only(1);
        assert_eq!(Range::ALL.add(one), None);
        assert_eq!(Range::ALL.div(one), None);
        assert_eq!(Range::ALL.rem(one), None);
        assert_eq!(Range::new(0, i128::MAX).mul(Range::only(2)), None);
        assert!(Range::new(0, i128::MAX).div(one).is_some());
    }
}
