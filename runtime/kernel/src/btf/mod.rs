//! The signatures of the kernel's tracepoints, from its type information.
//!
//! A program that expects another signature would read the wrong arguments, so the number of arguments decides which
//! program fits; aya resolves fields, but does not tell signatures.

mod excerpt;
mod raw;
mod trial;

use std::cell::{Cell, OnceCell};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::{fs, io};

use aya::{Btf, Endianness};
use iotq_probes::catalogue::{Hook, LAYERS, Layer, SUBMITTERS};
use object::{Object, ObjectSection};

use excerpt::names;
use raw::{Raw, Type, kind};

use crate::qemu::{self, Qemu};
use crate::symbols;

/// Where the running kernel describes itself.
pub const VMLINUX: &str = "/sys/kernel/btf/vmlinux";

/// The kernel's types, for relocations, and the signatures of its tracepoints.
pub struct KernelTypes {
    /// Those that templates read.
    pub fields: Btf,
    /// Those of what templates hook, under the kernel's numbers.
    pub hooks: Btf,
    /// The number of arguments of each tracepoint.
    pub tracepoints: HashMap<String, usize>,
    /// The functions that templates hook, if there are; whether they are the kernel's own, not a module's.
    pub functions: HashMap<&'static str, bool>,
    /// Whether programs may sit at the kernel's own functions, as far as is known.
    pub typed_functions: Cell<bool>,
    /// The filesystems that the kernel has.
    filesystems: Vec<String>,
    /// The modules whose types are among them.
    pub modules: Vec<String>,
    /// Of [`STRUCTURES`], by structure and member.
    places: HashMap<(&'static str, String), Place>,
    /// Looked for when asked about.
    qemus: OnceCell<Vec<Qemu>>,
}

/// Where a member lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// In bytes from the start of its structure.
    pub offset: u32,
    /// It points to what it is named after, and does not hold it.
    pub is_pointer: bool,
}

/// Structures that modules have, and that templates read.
const STRUCTURES: [&str; 18] = [
    "btrfs_inode",
    "btrfs_root",
    "dm_target_io",
    "dm_io",
    "dm_crypt_io",
    "md_io_clone",
    "r1bio",
    "r10bio",
    "nvme_request",
    "nvme_ctrl",
    "scsi_cmnd",
    "scsi_device",
    "Scsi_Host",
    "virtqueue",
    "virtio_device",
    "vring_virtqueue",
    "virtblk_req",
    "virtio_scsi_cmd",
];

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
    /// The template object has none.
    #[error("the templates do not tell which types they need")]
    Templates,
    /// Its content.
    #[error("{path} does not hold BTF")]
    Malformed {
        /// Its path.
        path: PathBuf,
    },
}

impl KernelTypes {
    /// Reads the types of a file, by default those of the running kernel, and of those of these modules that are loaded.
    ///
    /// # Errors
    /// If the file cannot be read, or holds something else.
    pub fn read(path: Option<&Path>, modules: &[&str]) -> Result<Self, BtfError> {
        let path = path.unwrap_or(Path::new(VMLINUX));
        let bytes = fs::read(path).map_err(|source| BtfError::Read {
            path: path.into(),
            source,
        })?;
        let malformed = || BtfError::Malformed { path: path.into() };
        let all = Raw::parse(&bytes).ok_or_else(malformed)?;
        let templates = templates()?;
        let hooked = functions(&all);
        let places: Vec<_> = hooked.iter().map(|(place, _)| *place).collect();
        let btf = |part: Vec<u8>| Btf::parse(&part, Endianness::default());
        let mut types = Self {
            fields: btf(excerpt::fields(&all, &names(&templates))).map_err(|_| malformed())?,
            hooks: btf(excerpt::hooks(&all, &places)).map_err(|_| malformed())?,
            tracepoints: signatures(&all),
            functions: hooked.into_iter().map(|(_, name)| (name, true)).collect(),
            typed_functions: Cell::new(true),
            filesystems: filesystems(),
            modules: Vec::new(),
            places: HashMap::new(),
            qemus: OnceCell::new(),
        };
        if !modules.is_empty() {
            types.add_structures(&all);
        }
        for (index, module) in modules.iter().enumerate() {
            if modules[..index].contains(module) {
                continue;
            }
            // One that is built in, or not loaded, has no file.
            let Ok(bytes) = fs::read(path.with_file_name(module)) else {
                continue;
            };
            if let Some(own) = Raw::parse_module(&bytes, &all) {
                types.modules.push((*module).to_owned());
                types.tracepoints.extend(signatures(&own));
                for (_, name) in functions(&own) {
                    types.functions.entry(name).or_insert(false);
                }
                types.add_structures(&own);
            }
        }
        types.add_untyped(modules);
        Ok(types)
    }

    /// Functions of filesystems can be probed although their modules keep their types to themselves.
    fn add_untyped(&mut self, modules: &[&str]) {
        let wanted: Vec<_> = hooks()
            .filter(|hook| {
                let of_module = |name: &str| modules.contains(&name) && self.has_filesystem(name);
                let unknown = !self.functions.contains_key(hook.target);
                unknown && hook.filesystem.is_some_and(of_module)
            })
            .map(|hook| hook.target)
            .collect();
        if wanted.is_empty() {
            return;
        }
        symbols::each(|symbol| {
            let function = wanted.iter().find(|wanted| **wanted == symbol.name);
            if let Some(function) = function.filter(|_| symbol.of_module) {
                self.functions.insert(function, false);
            }
        });
    }

    /// Whether files of this type can be there.
    pub fn has_filesystem(&self, name: &str) -> bool {
        self.filesystems.iter().any(|own| own == name)
    }

    fn add_structures(&mut self, types: &Raw<'_>) {
        let structures = types.types.iter().filter(|ty| ty.kind == kind::STRUCT);
        for ty in structures {
            let name = types.name(ty);
            let Some(structure) = STRUCTURES
                .into_iter()
                .find(|wanted| wanted.as_bytes() == name)
            else {
                continue;
            };
            let whole = Place {
                offset: ty.target,
                is_pointer: false,
            };
            self.places.insert((structure, String::new()), whole);
            for (member, offset, ty) in types.members(ty) {
                let is_pointer = ty.kind == kind::PTR;
                self.places
                    .insert((structure, member), Place { offset, is_pointer });
            }
        }
    }

    /// The executables of QEMU that run beside the kernel, as they did when this was asked first.
    pub fn qemus(&self) -> &[Qemu] {
        self.qemus.get_or_init(qemu::running)
    }

    /// Where a member of one of [`STRUCTURES`] lies, if that is known; the end of the structure has no name.
    pub fn place(&self, structure: &'static str, member: &str) -> Option<Place> {
        self.places.get(&(structure, member.to_owned())).copied()
    }
}

/// `nodev tmpfs`, or without a word in front.
fn filesystems() -> Vec<String> {
    let text = fs::read_to_string("/proc/filesystems").unwrap_or_default();
    let names = text
        .lines()
        .filter_map(|line| line.split_whitespace().last());
    names.map(str::to_owned).collect()
}

/// All hooks that may be at functions.
fn hooks() -> impl Iterator<Item = &'static Hook> {
    let layers = LAYERS.iter().copied();
    layers.flat_map(Layer::hooks).chain(&SUBMITTERS)
}

/// The names of functions that templates hook.
fn hooked_names() -> Vec<&'static str> {
    let hooks = hooks().flat_map(|hook| std::iter::once(hook).chain(hook.instead));
    let functions = hooks.filter(|hook| hook.attach.is_function());
    functions.map(|hook| hook.target).collect()
}

/// The places of those functions among the types that templates hook, in order, and their names.
fn functions(types: &Raw<'_>) -> Vec<(usize, &'static str)> {
    let hooked = hooked_names()
        .into_iter()
        .map(|name| (name.as_bytes(), name));
    let hooked: HashMap<_, _> = hooked.collect();
    let named = types.functions();
    named
        .filter_map(|(place, name)| Some((place, *hooked.get(name)?)))
        .collect()
}

#[cfg(test)]
impl KernelTypes {
    /// Those of a kernel that is made up: tracepoints with the number of their arguments, members of structures.
    pub fn made_up(tracepoints: &[(&str, usize)], members: &[(&'static str, &str)]) -> Self {
        let object = object::File::parse(iotq_probes::object::bytes()).unwrap();
        let types = object.section_by_name(".BTF").unwrap().data().unwrap();
        let owned = |(name, args): &(&str, usize)| ((*name).to_owned(), *args);
        let place = Place {
            offset: 8,
            is_pointer: false,
        };
        let placed = |(structure, member): &(&'static str, &str)| {
            let key = (*structure, (*member).to_owned());
            (key, place)
        };
        let btf = || Btf::parse(types, Endianness::default()).unwrap();
        Self {
            fields: btf(),
            hooks: btf(),
            tracepoints: tracepoints.iter().map(owned).collect(),
            modules: Vec::new(),
            functions: HashMap::new(),
            typed_functions: Cell::new(true),
            filesystems: ["ext4", "xfs", "btrfs"].map(str::to_owned).to_vec(),
            places: members.iter().map(placed).collect(),
            qemus: OnceCell::from(Vec::new()),
        }
    }
}

/// The types of the templates.
fn templates() -> Result<Raw<'static>, BtfError> {
    let object = object::File::parse(iotq_probes::object::bytes()).ok();
    let section = object.and_then(|object| object.section_by_name(".BTF")?.data().ok());
    section.and_then(Raw::parse).ok_or(BtfError::Templates)
}

const PREFIX: &[u8] = b"btf_trace_";

/// `btf_trace_NAME` is a typedef of a pointer to a function, whose first parameter is not the tracepoint's.
fn signatures(all: &Raw<'_>) -> HashMap<String, usize> {
    let of_kind = |id, kind| all.get(id).filter(|ty| ty.kind == kind);
    let arguments = |ty: &Type<'_>| {
        let name = all.name(ty).strip_prefix(PREFIX)?;
        let function = of_kind(of_kind(ty.target, kind::PTR)?.target, kind::FUNC_PROTO)?;
        let count = function.count.checked_sub(1)? as usize;
        Some((String::from_utf8(name.to_vec()).ok()?, count))
    };
    let typedefs = all.types.iter().filter(|ty| ty.kind == kind::TYPEDEF);
    typedefs.filter_map(arguments).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_templates_name_types_of_the_kernel() {
        let templates = templates().unwrap();
        let names = names(&templates);
        assert!(names.contains(b"request".as_slice()));
        assert!(!names.iter().any(|name| name.ends_with(b"___rq_disk")));
    }

    fn place(types: &Raw<'_>, kind: u32, name: &[u8]) -> Option<usize> {
        let is = |ty: &Type<'_>| ty.kind == kind && types.name(ty) == name;
        types.types.iter().position(is)
    }

    #[test]
    fn fields_hold_what_is_embedded() {
        let all = templates().unwrap();
        let bytes = excerpt::fields(&all, &[b"bio".as_slice()].into());
        let part = Raw::parse(&bytes).unwrap();
        let structure = |name| place(&part, kind::STRUCT, name);
        assert!(structure(b"bvec_iter").is_some());
        // Only pointed to.
        assert!(structure(b"block_device").is_none());
        let members = |types: &Raw<'_>| {
            let bio = place(types, kind::STRUCT, b"bio").unwrap();
            let members = types.members(&types.types[bio]);
            let told = members
                .into_iter()
                .map(|(name, at, ty)| (name, at, ty.kind));
            told.collect::<Vec<_>>()
        };
        assert_eq!(members(&part), members(&all));
    }

    #[test]
    fn hooks_keep_their_numbers() {
        let all = templates().unwrap();
        let (at, program) = all.functions().next().unwrap();
        let bytes = excerpt::hooks(&all, &[at]);
        let part = Raw::parse(&bytes).unwrap();
        let function = |types: &Raw<'_>| place(types, kind::FUNC, program);
        assert_eq!(function(&part), function(&all));
        assert!(function(&all).is_some());
    }

    #[test]
    fn garbage_is_refused() {
        assert!(Raw::parse(b"").is_none());
        assert!(Raw::parse(b"\x9f\xeb\x01\x00").is_none());
        let mut blob = vec![0xffu8; 64];
        blob[..2].copy_from_slice(&[0x9f, 0xeb]);
        assert!(Raw::parse(&blob).is_none());
    }
}
