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
    pub const FUNC: u32 = 12;
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
    has_bitfields: bool,
    /// The type it refers to, or its size.
    pub target: u32,
    /// All of its bytes.
    pub bytes: &'a [u8],
}

/// The types of a BTF section.
pub struct Raw<'a> {
    /// The section's header, types and strings, as bytes.
    pub header: &'a [u8],
    pub strings: &'a [u8],
    pub types: Vec<Type<'a>>,
    /// What a module's types go on from: their numbers and strings begin where those of the kernel end.
    base: Option<&'a Raw<'a>>,
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
                has_bitfields: info >> 31 == 1,
                target,
                bytes: own,
            });
            rest = next;
        }
        Some(Self {
            header: bytes.get(..length)?,
            strings: bytes.get(section(16, 20)?)?,
            types,
            base: None,
        })
    }

    /// Those of a module, which refer to the kernel's.
    pub fn parse_module(bytes: &'a [u8], kernel: &'a Raw<'a>) -> Option<Self> {
        let own = Self::parse(bytes)?;
        Some(Self {
            base: Some(kernel),
            ..own
        })
    }

    /// By number; none for `void` and for numbers that do not exist.
    pub fn get(&self, id: u32) -> Option<&Type<'a>> {
        let index = (id as usize).checked_sub(1)?;
        match self.base {
            None => self.types.get(index),
            Some(base) if index < base.types.len() => base.types.get(index),
            Some(base) => self.types.get(index - base.types.len()),
        }
    }

    /// The name of a type, empty if it has none.
    pub fn name(&self, ty: &Type<'_>) -> &'a [u8] {
        self.string(ty.name)
    }

    fn string(&self, at: u32) -> &'a [u8] {
        let at = at as usize;
        let (strings, at) = match self.base {
            Some(base) if at < base.strings.len() => (base.strings, at),
            Some(base) => (self.strings, at - base.strings.len()),
            None => (self.strings, at),
        };
        let name = strings.get(at..).unwrap_or_default();
        let end = name.iter().position(|byte| *byte == 0);
        &name[..end.unwrap_or(0)]
    }

    /// The members of a structure: name, place in bytes, type. Members of anonymous members are its own, those of named
    /// ones are called `outer.inner`.
    pub fn members(&self, of: &Type<'a>) -> Vec<(String, u32, &Type<'a>)> {
        let mut found = Vec::new();
        self.collect(of, "", 0, &mut found);
        found
    }

    /// `start` is in bits. How deep types are nested is a file's to say, so the depth is bounded here.
    fn collect<'s>(
        &'s self,
        of: &Type<'_>,
        outer: &str,
        start: u32,
        found: &mut Vec<(String, u32, &'s Type<'a>)>,
    ) {
        for (name, ty, offset) in of.fields() {
            let (name, at) = (self.string(name), start.saturating_add(offset));
            let Some(ty) = self.get(ty) else { continue };
            let name = format!("{outer}{}", String::from_utf8_lossy(name));
            let anonymous = name.is_empty() || name.ends_with('.');
            if matches!(ty.kind, kind::STRUCT | kind::UNION) && name.len() < 64 {
                let outer = if anonymous {
                    name.clone()
                } else {
                    format!("{name}.")
                };
                if outer.matches('.').count() < 3 {
                    self.collect(ty, &outer, at, found);
                }
            }
            if !anonymous {
                found.push((name, at / 8, ty));
            }
        }
    }

    /// The places of functions among the types, and their names.
    pub fn functions(&self) -> impl Iterator<Item = (usize, &'a [u8])> {
        let types = self.types.iter().enumerate();
        let functions = types.filter(|(_, ty)| ty.kind == kind::FUNC);
        functions.map(|(place, ty)| (place, self.name(ty)))
    }
}

impl Type<'_> {
    /// The members of a structure or union: name, type, and place in bits.
    pub fn fields(&self) -> impl Iterator<Item = (u32, u32, u32)> {
        // With bit fields, the upper byte is the width.
        let mask = if self.has_bitfields {
            0xff_ffff
        } else {
            u32::MAX
        };
        let fields = self.bytes[12..].chunks_exact(12);
        fields.filter_map(move |field| {
            Some((word(field, 0)?, word(field, 4)?, word(field, 8)? & mask))
        })
    }

    /// What it refers to, if it can be embedded in a structure: where in its bytes, and the type's number.
    pub fn references(&self) -> impl Iterator<Item = (usize, u32)> {
        let places = match self.kind {
            kind::STRUCT | kind::UNION => (16..self.bytes.len()).step_by(12),
            kind::ARRAY => (12..20).step_by(4),
            kind::PTR
            | kind::TYPEDEF
            | kind::VOLATILE
            | kind::CONST
            | kind::RESTRICT
            | kind::TYPE_TAG => (8..12).step_by(4),
            _ => (0..0).step_by(4),
        };
        places.filter_map(|at| Some((at, word(self.bytes, at)?)))
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
