//! A reader of BTF's bytes: the kinds, names and references of types, and no more.
//!
//! aya reads types too, but neither lends them nor tells signatures; and what it reads of a whole kernel takes long.

use std::ops::Range;

const MAGIC: u16 = 0xeb9f;

/// Kinds of types, as BTF numbers them.
pub mod kind {
    pub const PTR: u32 = 2;
    pub const ARRAY: u32 = 3;
    pub const STRUCT: u32 = 4;
    pub const UNION: u32 = 5;
    pub const ENUM: u32 = 6;
    pub const FWD: u32 = 7;
    pub const TYPEDEF: u32 = 8;
    pub const VOLATILE: u32 = 9;
    pub const CONST: u32 = 10;
    pub const RESTRICT: u32 = 11;
    pub const FUNC_PROTO: u32 = 13;
    pub const TYPE_TAG: u32 = 18;
    pub const ENUM64: u32 = 19;
}

/// One type.
#[derive(Clone, Copy, Debug)]
pub struct Type<'a> {
    name: u32,
    /// One of [`kind`].
    pub kind: u32,
    /// Of members, values or parameters.
    pub count: u32,
    /// The type it refers to, or its size.
    pub target: u32,
    /// All of its bytes.
    pub bytes: &'a [u8],
}

/// The types of a BTF section. Type number 1 is the first.
pub struct Raw<'a> {
    /// The section's header, types and strings, as bytes.
    pub header: &'a [u8],
    pub strings: &'a [u8],
    pub types: Vec<Type<'a>>,
}

impl<'a> Raw<'a> {
    /// None if the bytes are not BTF, or not well-formed.
    pub fn parse(bytes: &'a [u8]) -> Option<Self> {
        if u16::from_le_bytes(bytes.get(..2)?.try_into().ok()?) != MAGIC {
            return None;
        }
        let length = word(bytes, 4)? as usize;
        let section = |offset, size| -> Option<Range<usize>> {
            let start = length.checked_add(word(bytes, offset)? as usize)?;
            Some(start..start.checked_add(word(bytes, size)? as usize)?)
        };
        let mut rest = bytes.get(section(8, 12)?)?;
        let mut types = Vec::with_capacity(rest.len() / 24);
        while !rest.is_empty() {
            let (info, target) = (word(rest, 4)?, word(rest, 8)?);
            let (kind, count) = (info >> 24 & 0x1f, info & 0xffff);
            let (own, next) = rest.split_at_checked(12 + tail(kind, count)?)?;
            let name = word(own, 0)?;
            types.push(Type {
                name,
                kind,
                count,
                target,
                bytes: own,
            });
            rest = next;
        }
        Some(Self {
            header: bytes.get(..length)?,
            strings: bytes.get(section(16, 20)?)?,
            types,
        })
    }

    /// By number; none for `void` and for numbers that do not exist.
    pub fn get(&self, id: u32) -> Option<&Type<'a>> {
        self.types.get((id as usize).checked_sub(1)?)
    }

    /// The name of a type, empty if it has none.
    pub fn name(&self, ty: &Type<'_>) -> &'a [u8] {
        let name = self.strings.get(ty.name as usize..).unwrap_or_default();
        let end = name.iter().position(|byte| *byte == 0);
        &name[..end.unwrap_or(0)]
    }
}

impl Type<'_> {
    /// The types of the members of a structure or union.
    pub fn members(&self) -> impl Iterator<Item = u32> {
        self.bytes[12..]
            .chunks_exact(12)
            .filter_map(|member| word(member, 4))
    }

    /// The type of an array's elements.
    pub fn element(&self) -> Option<u32> {
        word(self.bytes, 12)
    }
}

/// How many bytes follow the three common words of a type.
fn tail(kind: u32, count: u32) -> Option<usize> {
    let count = count as usize;
    Some(match kind {
        1 | 14 | 17 => 4,              // int, var, declaration tag
        3 => 12,                       // array
        4 | 5 | 15 | 19 => 12 * count, // struct, union, section, 64-bit enum
        6 | 13 => 8 * count,           // enum, prototype
        2 | 7..=12 | 16 | 18 => 0,
        _ => return None,
    })
}

fn word(bytes: &[u8], offset: usize) -> Option<u32> {
    let bytes = bytes.get(offset..offset + 4)?;
    bytes.try_into().ok().map(u32::from_le_bytes)
}
