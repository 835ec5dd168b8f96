//! Values: constants of a program, and what expressions evaluate to.

use crate::ir::FieldRef;

/// A constant, in the unit of its type (nanoseconds, bytes, the number of an enum's variant).
#[derive(Clone, Debug, PartialEq)]
pub enum Const {
    /// True or false.
    Bool(bool),
    /// Every integer type.
    Int(i128),
    /// A number with a fraction.
    Float(f64),
    /// Text.
    Text(String),
}

/// What an expression evaluates to. Enums, devices, processes, durations, sizes and times are `Int`.
#[derive(Clone, Debug, PartialEq)]
pub enum Value<'a> {
    /// No value: shown as `-`. As in SQL, a comparison with it is null, and a null condition does not hold.
    Null,
    /// True or false.
    Bool(bool),
    /// Every integer type; wide enough for u64, i64 and their sums.
    Int(i128),
    /// A number with a fraction.
    Float(f64),
    /// Bytes of text, as the kernel has them.
    Text(&'a [u8]),
    /// Text that an expression made.
    Owned(Vec<u8>),
    /// A file.
    File {
        /// Device of the filesystem.
        dev: u32,
        /// Inode.
        inode: u64,
    },
}

/// What an expression reads: one record, or anything that stands for one.
pub trait Record {
    /// The value of a field of one of the statement's sources.
    fn value(&self, field: FieldRef) -> Value<'_>;
    /// The memberships, one bit each.
    fn members(&self) -> u64;
    /// The values of a field of all that a request has on a layer; none where there are no requests.
    fn children(&self, field: FieldRef) -> Vec<Value<'_>> {
        let _ = field;
        Vec::new()
    }
}
