//! Literals: numbers with their units, and text with its escapes.
//!
//! A `K`, `M`, `G`, `T` alone and with `iB` is a power of 1024, with `B` a power of 1000: `4K` and `4KiB` are 4096 bytes,
//! `4KB` are 4000. `m` and `min` are minutes. A fraction must come out as whole nanoseconds or bytes.

use super::ast::Quantity;

/// The units, what they measure and how many nanoseconds or bytes they are.
const UNITS: [(&str, Measure, u64); 30] = [
    ("ns", Measure::Time, 1),
    ("us", Measure::Time, 1_000),
    ("µs", Measure::Time, 1_000),
    ("μs", Measure::Time, 1_000),
    ("ms", Measure::Time, 1_000_000),
    ("s", Measure::Time, 1_000_000_000),
    ("m", Measure::Time, 60_000_000_000),
    ("min", Measure::Time, 60_000_000_000),
    ("h", Measure::Time, 3_600_000_000_000),
    ("B", Measure::Size, 1),
    ("k", Measure::Size, 1 << 10),
    ("K", Measure::Size, 1 << 10),
    ("KiB", Measure::Size, 1 << 10),
    ("kB", Measure::Size, 1_000),
    ("KB", Measure::Size, 1_000),
    ("M", Measure::Size, 1 << 20),
    ("MiB", Measure::Size, 1 << 20),
    ("MB", Measure::Size, 1_000_000),
    ("G", Measure::Size, 1 << 30),
    ("GiB", Measure::Size, 1 << 30),
    ("GB", Measure::Size, 1_000_000_000),
    ("T", Measure::Size, 1 << 40),
    ("TiB", Measure::Size, 1 << 40),
    ("TB", Measure::Size, 1_000_000_000_000),
    ("P", Measure::Size, 1 << 50),
    ("PiB", Measure::Size, 1 << 50),
    ("PB", Measure::Size, 1_000_000_000_000_000),
    ("kiB", Measure::Size, 1 << 10),
    ("sec", Measure::Time, 1_000_000_000),
    ("msec", Measure::Time, 1_000_000),
];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Measure {
    Time,
    Size,
}

/// Whether a word is the unit of a number.
pub fn is_unit(word: &str) -> bool {
    UNITS.iter().any(|(name, ..)| *name == word)
}

/// The value of a number as written, or what is wrong with it.
pub fn number(text: &str) -> Result<Quantity, String> {
    let digits: String = text.chars().filter(|&c| c != '_').collect();
    if let Some(hex) = digits.strip_prefix("0x").or(digits.strip_prefix("0X")) {
        return match u64::from_str_radix(hex, 16) {
            Ok(value) => Ok(Quantity::Int(value)),
            Err(_) if hex.is_empty() || !hex.bytes().all(|b| b.is_ascii_hexdigit()) => {
                Err("this is not a hexadecimal number".into())
            }
            Err(_) => Err(TOO_BIG.into()),
        };
    }
    let split = digits
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(digits.len());
    let (mantissa, unit) = digits.split_at(split);
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let all_digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    if whole.is_empty() || mantissa.ends_with('.') || !all_digits(whole) || !all_digits(fraction) {
        return Err("this is not a number".into());
    }
    if unit.is_empty() {
        return plain(mantissa, fraction);
    }
    let Some(&(_, measure, scale)) = UNITS.iter().find(|(name, ..)| *name == unit) else {
        return Err(format!("`{unit}` is not a unit"));
    };
    let value = scaled(whole, fraction, scale)?;
    Ok(match measure {
        Measure::Time => Quantity::Duration(value),
        Measure::Size => Quantity::Bytes(value),
    })
}

const TOO_BIG: &str = "this number does not fit in 64 bits";

fn plain(mantissa: &str, fraction: &str) -> Result<Quantity, String> {
    if fraction.is_empty() {
        let value = mantissa.parse().map_err(|_| TOO_BIG)?;
        return Ok(Quantity::Int(value));
    }
    match mantissa.parse::<f64>() {
        Ok(value) if value.is_finite() => Ok(Quantity::Float(value)),
        _ => Err(TOO_BIG.into()),
    }
}

/// `whole.fraction * scale`, exactly.
fn scaled(whole: &str, fraction: &str, scale: u64) -> Result<u64, String> {
    let fraction = fraction.trim_end_matches('0');
    if fraction.len() > 15 {
        return Err("this fraction has too many digits".into());
    }
    let whole: u64 = whole.parse().map_err(|_| TOO_BIG)?;
    let divisor = 10u128.pow(u32::try_from(fraction.len()).unwrap_or(0));
    let part: u128 = fraction.parse().unwrap_or(0);
    let part = part * u128::from(scale);
    if !part.is_multiple_of(divisor) {
        return Err("this is not a whole number of nanoseconds or bytes".into());
    }
    let value = u128::from(whole) * u128::from(scale) + part / divisor;
    u64::try_from(value).map_err(|_| TOO_BIG.into())
}

/// The text of a string as written, quotes and all, or what is wrong with it.
pub fn text(written: &str) -> Result<String, String> {
    let inner = written.strip_prefix('"').unwrap_or(written);
    let inner = inner.strip_suffix('"').unwrap_or(inner);
    let mut result = String::with_capacity(inner.len());
    let mut chars = inner.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            result.push(c);
            continue;
        }
        result.push(match chars.next() {
            Some('n') => '\n',
            Some('t') => '\t',
            Some('r') => '\r',
            Some('0') => '\0',
            Some(c @ ('"' | '\\')) => c,
            Some('u') => unicode(&mut chars)?,
            Some(other) => return Err(format!("`\\{other}` is not an escape")),
            None => return Err("this string ends inside an escape".into()),
        });
    }
    Ok(result)
}

/// The character of `{1f4be}`.
fn unicode(chars: &mut std::str::Chars<'_>) -> Result<char, String> {
    let wrong = || "an escape of a character is written `\\u{1f4be}`".to_owned();
    let rest = chars.as_str().strip_prefix('{').ok_or_else(wrong)?;
    let (digits, rest) = rest.split_once('}').ok_or_else(wrong)?;
    let value = u32::from_str_radix(digits, 16).map_err(|_| wrong())?;
    *chars = rest.chars();
    char::from_u32(value).ok_or_else(|| format!("there is no character {digits}"))
}

/// A text between quotes, as it would be written.
pub fn quote(text: &str) -> String {
    let mut result = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => result.extend(['\\', c]),
            '\n' => result.push_str("\\n"),
            '\t' => result.push_str("\\t"),
            '\r' => result.push_str("\\r"),
            '\0' => result.push_str("\\0"),
            c if c.is_control() => result.push_str(&format!("\\u{{{:x}}}", u32::from(c))),
            c => result.push(c),
        }
    }
    result.push('"');
    result
}
