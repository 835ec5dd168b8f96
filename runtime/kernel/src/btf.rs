//! The signatures of the kernel's tracepoints, from its type information.
//!
//! A program that expects another signature would read the wrong arguments, so the number of arguments decides which
//! program fits; aya resolves fields, but does not tell signatures.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::{fs, io};

use aya::{Btf, Endianness};

/// Where the running kernel describes itself.
pub const VMLINUX: &str = "/sys/kernel/btf/vmlinux";

/// The kernel's types, for relocations, and the signatures of its tracepoints.
pub struct KernelTypes {
    /// All types.
    pub btf: Btf,
    /// The number of arguments of each tracepoint.
    pub tracepoints: HashMap<String, usize>,
}

/// Why the kernel's types cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum BtfError {
    /// The file.
    #[error("read {path}")]
    Read {
        /// Its path.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Its content.
    #[error("{path} does not hold BTF")]
    Malformed {
        /// Its path.
        path: PathBuf,
    },
}

impl KernelTypes {
    /// Reads the types of a file, by default those of the running kernel.
    ///
    /// # Errors
    /// If the file cannot be read, or holds something else.
    pub fn read(path: Option<&Path>) -> Result<Self, BtfError> {
        let path = path.unwrap_or(Path::new(VMLINUX));
        let bytes = fs::read(path).map_err(|source| BtfError::Read {
            path: path.into(),
            source,
        })?;
        let malformed = || BtfError::Malformed { path: path.into() };
        let tracepoints = signatures(&bytes).ok_or_else(malformed)?;
        let btf = Btf::parse(&bytes, Endianness::default()).map_err(|_| malformed())?;
        Ok(Self { btf, tracepoints })
    }
}

const MAGIC: u16 = 0xeb9f;
const PREFIX: &[u8] = b"btf_trace_";

const KIND_PTR: u32 = 2;
const KIND_TYPEDEF: u32 = 8;
const KIND_FUNC_PROTO: u32 = 13;

/// What is kept of a type: its kind, the number of its members or parameters, the type it refers to.
#[derive(Clone, Copy)]
struct Type {
    kind: u32,
    count: u32,
    target: u32,
}

/// `btf_trace_NAME` is a typedef of a pointer to a function, whose first parameter is not the tracepoint's.
fn signatures(bytes: &[u8]) -> Option<HashMap<String, usize>> {
    if u16::from_le_bytes(bytes.get(..2)?.try_into().ok()?) != MAGIC {
        return None;
    }
    let header = word(bytes, 4)? as usize;
    let section = |offset, length| {
        let start = header.checked_add(word(bytes, offset)? as usize)?;
        bytes.get(start..start.checked_add(word(bytes, length)? as usize)?)
    };
    let (mut types, strings) = (section(8, 12)?, section(16, 20)?);
    let mut all = vec![Type {
        kind: 0,
        count: 0,
        target: 0,
    }];
    let mut named = Vec::new();
    while !types.is_empty() {
        let (name, info, target) = (word(types, 0)?, word(types, 4)?, word(types, 8)?);
        let (kind, count) = (info >> 24 & 0x1f, info & 0xffff);
        if kind == KIND_TYPEDEF
            && let Some(name) = tracepoint(strings, name)
        {
            named.push((name, target));
        }
        all.push(Type {
            kind,
            count,
            target,
        });
        types = types.get(12 + tail(kind, count)?..)?;
    }
    let of_kind = |id: u32, kind| all.get(id as usize).filter(|ty| ty.kind == kind);
    let arguments = |(name, target)| {
        let function = of_kind(of_kind(target, KIND_PTR)?.target, KIND_FUNC_PROTO)?;
        Some((name, function.count.checked_sub(1)? as usize))
    };
    Some(named.into_iter().filter_map(arguments).collect())
}

/// How many bytes follow the three common words of a type.
fn tail(kind: u32, count: u32) -> Option<usize> {
    let count = count as usize;
    Some(match kind {
        1 | 14 | 17 => 4,              // int, var, declaration tag
        3 => 12,                       // array
        4 | 5 | 15 | 19 => 12 * count, // struct, union, section, 64-bit enum
        6 | KIND_FUNC_PROTO => 8 * count,
        2 | 7..=12 | 16 | 18 => 0,
        _ => return None,
    })
}

fn tracepoint(strings: &[u8], offset: u32) -> Option<String> {
    let name = strings.get(offset as usize..)?.strip_prefix(PREFIX)?;
    let end = name.iter().position(|byte| *byte == 0)?;
    String::from_utf8(name[..end].to_vec()).ok()
}

fn word(bytes: &[u8], offset: usize) -> Option<u32> {
    bytes
        .get(offset..offset + 4)?
        .try_into()
        .ok()
        .map(u32::from_le_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_template_object_has_no_tracepoints() {
        let mut blob = vec![0u8; 24];
        blob[..2].copy_from_slice(&MAGIC.to_le_bytes());
        blob[4] = 24;
        assert_eq!(signatures(&blob), Some(HashMap::new()));
    }

    #[test]
    fn garbage_is_refused() {
        assert_eq!(signatures(b""), None);
        assert_eq!(signatures(b"\x9f\xeb\x01\x00"), None);
        let mut blob = vec![0xffu8; 64];
        blob[..2].copy_from_slice(&MAGIC.to_le_bytes());
        assert_eq!(signatures(&blob), None);
    }
}
