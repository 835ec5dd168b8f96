//! Durations and sizes for people: three digits and a unit.

use std::fmt::{Display, Formatter, Result};

/// Nanoseconds: `812ns`, `81.2us`, `1.24ms`, `12.3s`.
#[derive(Clone, Copy, Debug)]
pub struct Nanoseconds(pub i128);

/// Bytes: `512B`, `4K`, `1.5M`; K is 1024.
#[derive(Clone, Copy, Debug)]
pub struct Bytes(pub i128);

impl Display for Nanoseconds {
    fn fmt(&self, out: &mut Formatter<'_>) -> Result {
        if self.0 < 0 {
            out.write_str("-")?;
        }
        let ns = self.0.unsigned_abs();
        if ns < 1_000 {
            return write!(out, "{ns}ns");
        }
        let (scaled, unit) = scaled(ns, 1_000, &["us", "ms", "s"]);
        write!(out, "{scaled:.*}{unit}", decimals(scaled))
    }
}

impl Display for Bytes {
    fn fmt(&self, out: &mut Formatter<'_>) -> Result {
        if self.0 < 0 {
            out.write_str("-")?;
        }
        let bytes = self.0.unsigned_abs();
        if bytes < 1_024 {
            return write!(out, "{bytes}B");
        }
        let (scaled, unit) = scaled(bytes, 1_024, &["K", "M", "G", "T", "P"]);
        // Sizes are mostly powers of two: zeros behind the point would say nothing.
        let text = format!("{scaled:.*}", decimals(scaled));
        let text = match text.split_once('.') {
            Some(_) => text.trim_end_matches('0').trim_end_matches('.'),
            None => &text,
        };
        write!(out, "{text}{unit}")
    }
}

/// In the first unit in which it is, rounded to three digits, less than `step`; else in the last.
fn scaled<'a>(value: u128, step: u32, units: &[&'a str]) -> (f64, &'a str) {
    let mut scaled = value as f64;
    let mut name = "";
    for unit in units {
        scaled /= f64::from(step);
        name = unit;
        if rounded(scaled) < f64::from(step) {
            break;
        }
    }
    (scaled, name)
}

fn rounded(value: f64) -> f64 {
    let shift = 10f64.powi(i32::try_from(decimals(value)).unwrap_or(0));
    (value * shift).round() / shift
}

/// Digits behind the point for three in all, of the value as it will be rounded.
fn decimals(value: f64) -> usize {
    match value {
        value if value < 9.995 => 2,
        value if value < 99.95 => 1,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        let cases = [
            (0, "0ns"),
            (999, "999ns"),
            (1_000, "1.00us"),
            (81_234, "81.2us"),
            (99_949, "99.9us"),
            (99_950, "100us"),
            (999_499, "999us"),
            (999_950, "1.00ms"),
            (1_240_000, "1.24ms"),
            (9_994_000, "9.99ms"),
            (9_996_000, "10.0ms"),
            (12_300_000_000, "12.3s"),
            (5_000_000_000_000, "5000s"),
            (-81_234, "-81.2us"),
        ];
        for (ns, expected) in cases {
            assert_eq!(Nanoseconds(ns).to_string(), expected);
        }
    }

    #[test]
    fn sizes() {
        let cases = [
            (0, "0B"),
            (512, "512B"),
            (1_023, "1023B"),
            (4_096, "4K"),
            (4_608, "4.5K"),
            (102_400, "100K"),
            (131_072, "128K"),
            (1_047_552, "1023K"),
            (1_048_500, "1M"),
            (1_572_864, "1.5M"),
            (1 << 60, "1024P"),
            (-4_096, "-4K"),
        ];
        for (bytes, expected) in cases {
            assert_eq!(Bytes(bytes).to_string(), expected);
        }
    }
}
