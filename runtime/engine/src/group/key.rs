//! The keys of a group, as bytes: so a known group is found without a copy of its texts.

use std::cmp::Ordering;

use iotq_lang::eval;
use iotq_lang::ir::Column;
use iotq_lang::plan::GroupPlan;
use iotq_lang::value::{Record, Value};

use crate::Names;
use crate::sink::Plain;

/// Values, one behind the other: a kind, then as many bytes as it has.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Key(Vec<u8>);

const NULL: u8 = 0;
const BOOL: u8 = 1;
const INT: u8 = 2;
const FLOAT: u8 = 3;
const TEXT: u8 = 4;
const FILE: u8 = 5;

impl Key {
    /// Becomes the key of a row.
    pub fn set<R: Record + ?Sized>(&mut self, by: &[Column], row: &R) {
        self.0.clear();
        for key in by {
            self.push(&eval::eval(&key.expr, row));
        }
    }

    fn push(&mut self, value: &Value) {
        let mut put = |kind: u8, parts: [&[u8]; 2]| {
            self.0.push(kind);
            parts
                .into_iter()
                .for_each(|part| self.0.extend_from_slice(part));
        };
        match value {
            Value::Null => put(NULL, [&[], &[]]),
            Value::Bool(value) => put(BOOL, [&[u8::from(*value)], &[]]),
            Value::Int(value) => put(INT, [&value.to_ne_bytes(), &[]]),
            // One zero, though there are two.
            Value::Float(value) => put(FLOAT, [&(value + 0.0).to_ne_bytes(), &[]]),
            Value::Text(text) => put(TEXT, [&text.len().to_ne_bytes(), text]),
            Value::Owned(text) => put(TEXT, [&text.len().to_ne_bytes(), text]),
            Value::File { dev, inode } => {
                put(FILE, [&dev.to_ne_bytes(), &inode.to_ne_bytes()]);
            }
        }
    }

    /// The same with names instead of the numbers that one machine has for them, and with its name.
    pub fn named(&self, plan: &GroupPlan, names: &dyn Names) -> Self {
        let mut named = Self::default();
        for (index, (value, key)) in self.values().zip(&plan.by).enumerate() {
            let has_name = key.expr.ty.named().is_some();
            match value {
                _ if plan.guest == Some(index) => {
                    let guest = names.guest().map(str::as_bytes);
                    named.push(&guest.map_or(Value::Null, Value::Text));
                }
                value if has_name => match Plain::new(value.clone(), key.expr.ty, names) {
                    Plain::Text(name) => named.push(&Value::Text(name.as_bytes())),
                    _ => named.push(&value),
                },
                value => named.push(&value),
            }
        }
        named
    }

    /// Its values.
    pub fn values(&self) -> impl Iterator<Item = Value<'_>> {
        let mut rest = &self.0[..];
        std::iter::from_fn(move || next(&mut rest))
    }

    /// The order in which groups are reported: by the values, null behind all others.
    pub fn order(&self, other: &Self) -> Ordering {
        let one = |(a, b): (Value, Value)| {
            let (null, other) = (a == Value::Null, b == Value::Null);
            eval::order(&a, &b).unwrap_or_else(|| null.cmp(&other))
        };
        let mut orders = self.values().zip(other.values()).map(one);
        orders
            .find(|order| order.is_ne())
            .unwrap_or(Ordering::Equal)
    }
}

/// Takes a value from the front.
fn next<'a>(rest: &mut &'a [u8]) -> Option<Value<'a>> {
    let [kind] = take(rest)?;
    Some(match kind {
        BOOL => Value::Bool(take(rest)? != [0]),
        INT => Value::Int(i128::from_ne_bytes(take(rest)?)),
        FLOAT => Value::Float(f64::from_ne_bytes(take(rest)?)),
        TEXT => {
            let len = usize::from_ne_bytes(take(rest)?);
            let (text, behind) = rest.split_at_checked(len)?;
            *rest = behind;
            Value::Text(text)
        }
        FILE => Value::File {
            dev: u32::from_ne_bytes(take(rest)?),
            inode: u64::from_ne_bytes(take(rest)?),
        },
        _ => Value::Null,
    })
}

fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (first, behind) = rest.split_first_chunk()?;
    *rest = behind;
    Some(*first)
}
