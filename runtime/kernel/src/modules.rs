//! The kernel's modules: which are loaded, and which could be.

use std::fs;
use std::path::{Path, PathBuf};

use crate::btf::KernelTypes;

/// How a module stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Module {
    /// Loaded, and it describes its types.
    Typed,
    /// Loaded, and it keeps its types to itself.
    Untyped,
    /// Not loaded; it is on the disk.
    Dormant,
    /// Built in, or this kernel does not have it.
    Absent,
}

/// How a module of the running kernel stands, whose types are read if it has some.
pub fn module(name: &str, types: &KernelTypes) -> Module {
    let typed = types.modules.iter().any(|known| known == name);
    Tree("/".into()).module(name, typed)
}

/// The folder in which `sys`, `proc` and `lib` are.
struct Tree(PathBuf);

impl Tree {
    fn module(&self, name: &str, typed: bool) -> Module {
        // What is built in may have a folder there, too, and no state.
        let own = self.0.join("sys/module").join(name).join("initstate");
        match own.exists() {
            true if typed => Module::Typed,
            true => Module::Untyped,
            false if self.on_disk(name).unwrap_or(false) => Module::Dormant,
            false => Module::Absent,
        }
    }

    /// Whether depmod has found it.
    fn on_disk(&self, name: &str) -> Option<bool> {
        let release = fs::read_to_string(self.0.join("proc/sys/kernel/osrelease")).ok()?;
        let folder = self.0.join("lib/modules").join(release.trim_end());
        let list = fs::read_to_string(folder.join("modules.dep")).ok()?;
        let mut files = list.lines().filter_map(|line| line.split(':').next());
        Some(files.any(|file| called(file).as_deref() == Some(name)))
    }
}

/// The name of a module by its file, which may be compressed: `nvme_core` of `kernel/drivers/nvme/host/nvme-core.ko.xz`.
fn called(file: &str) -> Option<String> {
    let name = Path::new(file).file_name()?.to_str()?;
    Some(name.split(".ko").next()?.replace('-', "_"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(root: &Path, path: &str, text: &str) {
        let path = root.join(path);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(path, text).expect("a file");
    }

    #[test]
    fn modules_are_loaded_or_on_the_disk_or_neither() {
        let root = tempfile::tempdir().expect("a folder");
        let tree = Tree(root.path().into());
        assert_eq!(tree.module("nvme_core", false), Module::Absent);
        write(root.path(), "proc/sys/kernel/osrelease", "6.1.0-test\n");
        write(
            root.path(),
            "lib/modules/6.1.0-test/modules.dep",
            "kernel/nvme/nvme-core.ko.xz: kernel/lib/t10.ko.xz\nkernel/nvme/nvme.ko: a\n\n:\n",
        );
        write(root.path(), "sys/module/scsi_mod/initstate", "live\n");
        write(root.path(), "sys/module/sd_mod/parameters/x", "1\n");
        assert_eq!(tree.module("nvme_core", false), Module::Dormant);
        assert_eq!(tree.module("nvme", false), Module::Dormant);
        assert_eq!(tree.module("t10", false), Module::Absent);
        assert_eq!(tree.module("sd_mod", false), Module::Absent);
        assert_eq!(tree.module("scsi_mod", false), Module::Untyped);
        assert_eq!(tree.module("scsi_mod", true), Module::Typed);
    }

    #[test]
    fn files_are_called_as_their_modules() {
        let name = |file| called(file);
        assert_eq!(name("a/b-c.ko").as_deref(), Some("b_c"));
        assert_eq!(name("b.ko.zst").as_deref(), Some("b"));
        assert_eq!(name(""), None);
    }
}
