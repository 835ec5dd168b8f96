//! Constants as they are written: with their units, and by name.

use std::fmt::{Display, Formatter, Result};

use iotq_probes::catalogue::Type;

use crate::value::Const;

/// A constant of a type.
pub struct Constant<'a>(pub &'a Const, pub Type);

const TIMES: [(i128, &str); 4] = [
    (1_000_000_000, "s"),
    (1_000_000, "ms"),
    (1_000, "us"),
    (1, "ns"),
];

const SIZES: [(i128, &str); 5] = [
    (1 << 40, "TiB"),
    (1 << 30, "GiB"),
    (1 << 20, "MiB"),
    (1 << 10, "KiB"),
    (1, "B"),
];

impl Display for Constant<'_> {
    fn fmt(&self, out: &mut Formatter<'_>) -> Result {
        match (self.0, self.1) {
            (Const::Bool(value), _) => write!(out, "{value}"),
            (Const::Int(value), Type::Duration) => exact(out, *value, &TIMES),
            (Const::Int(value), Type::Bytes) => exact(out, *value, &SIZES),
            (Const::Int(value), Type::Time) => write!(out, "{value}ns"),
            (Const::Int(value), Type::Dev) => write!(out, "{}:{}", value >> 20, value & 0xf_ffff),
            (Const::Int(value), Type::Enum(list)) => {
                let number = u64::try_from(*value).ok();
                match number.and_then(|number| list.variant(number)) {
                    Some(name) => out.write_str(name),
                    None => write!(out, "{value}"),
                }
            }
            (Const::Int(value), _) => write!(out, "{value}"),
            (Const::Float(value), _) => write!(out, "{value:?}"),
            (Const::Text(text), _) => write!(out, "{text:?}"),
        }
    }
}

/// In the largest unit of which it is a whole number.
fn exact(out: &mut Formatter<'_>, value: i128, units: &[(i128, &str)]) -> Result {
    let whole = |(size, _): &&(i128, &str)| value % size == 0 && value != 0;
    let (size, unit) = units
        .iter()
        .find(whole)
        .or(units.last())
        .copied()
        .unwrap_or((1, ""));
    write!(out, "{}{unit}", value / size)
}
