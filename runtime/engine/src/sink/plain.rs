//! Values as programs read them: numbers in their base unit, everything that has a name by its name.

use std::borrow::Cow;

use iotq_lang::value::Value;
use iotq_probes::catalogue::{Named, Type};

use crate::Names;
use crate::names::NoNames;

/// A value, ready to be written.
pub(crate) enum Plain<'a> {
    /// No value.
    Null,
    /// True or false.
    Bool(bool),
    /// A number.
    Int(i128),
    /// A finite number.
    Float(f64),
    /// A name or a text; what was not UTF-8 is replaced.
    Text(Cow<'a, str>),
}

impl<'a> Plain<'a> {
    pub(crate) fn new(value: Value<'a>, ty: Type, names: &'a dyn Names) -> Self {
        let names = match ty {
            Type::OfHost(_) => names.of_host().unwrap_or(&NoNames),
            _ => names,
        };
        match value {
            Value::Null => Plain::Null,
            Value::Bool(value) => Plain::Bool(value),
            Value::Float(value) if value.is_finite() => Plain::Float(value),
            Value::Float(_) => Plain::Null,
            Value::Int(value) => named(value, ty, names).map_or(Plain::Int(value), Plain::Text),
            Value::Text(text) => Plain::Text(String::from_utf8_lossy(text)),
            Value::Owned(text) => Plain::Text(String::from_utf8_lossy(&text).into_owned().into()),
            Value::File { dev, inode } => Plain::Text(file(dev, inode, names)),
        }
    }
}

/// The name of a number of a type whose numbers have names.
fn named<'a>(value: i128, ty: Type, names: &'a dyn Names) -> Option<Cow<'a, str>> {
    match (ty, ty.named()) {
        (Type::Enum(list), _) => Some(list.variant(u64::try_from(value).ok()?)?.into()),
        (_, Some(Named::Dev)) => Some(device(u32::try_from(value).ok()?, names)),
        (_, Some(Named::Cgroup)) => {
            let id = u64::try_from(value).ok()?;
            Some(names.cgroup(id).unwrap_or_else(|| id.to_string().into()))
        }
        _ => None,
    }
}

/// `vda`, or `253:0`
fn device<'a>(number: u32, names: &'a dyn Names) -> Cow<'a, str> {
    let (major, minor) = (number >> 20, number & 0xf_ffff);
    let numbers = || format!("{major}:{minor}").into();
    names.dev(number).unwrap_or_else(numbers)
}

/// Its path, or its device and inode: `vda:42`.
fn file<'a>(dev: u32, inode: u64, names: &'a dyn Names) -> Cow<'a, str> {
    let numbers = || format!("{}:{inode}", device(dev, names)).into();
    names.file(dev, inode).unwrap_or_else(numbers)
}
