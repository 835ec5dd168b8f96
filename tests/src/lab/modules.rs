//! The modules of a kernel: where they are, and what they need.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::kernel::Kernel;
use super::plan::Module;
use crate::command::run;

/// All modules of a kernel.
pub struct Modules {
    files: BTreeMap<String, PathBuf>,
    built_in: Vec<String>,
}

impl Modules {
    /// Reads the lists that come with the kernel.
    ///
    /// # Errors
    /// If they cannot be read.
    pub fn of(kernel: &Kernel) -> Result<Self> {
        let list = |name: &str| {
            let path = kernel.modules.join(name);
            fs::read_to_string(&path).with_context(|| format!("read {}", path.display()))
        };
        let mut files = BTreeMap::new();
        for line in list("modules.order")?.lines() {
            // The list has the names before compression.
            let plain = kernel.modules.join(line);
            let packed = PathBuf::from(format!("{}.xz", plain.display()));
            let path = if plain.exists() { plain } else { packed };
            files.insert(name_of(line), path);
        }
        let built_in = list("modules.builtin")?.lines().map(name_of).collect();
        Ok(Self { files, built_in })
    }

    /// Whether it is there, in a file or built in.
    pub fn has(&self, name: &str) -> bool {
        self.files.contains_key(name) || self.built_in.iter().any(|each| each == name)
    }

    /// The content of a module.
    ///
    /// # Errors
    /// If it is not there or cannot be unpacked.
    pub fn content(&self, name: &str) -> Result<Vec<u8>> {
        let path = self
            .files
            .get(name)
            .with_context(|| format!("no module {name}"))?;
        if path.extension().is_some_and(|end| end == "ko") {
            return fs::read(path).with_context(|| format!("read {}", path.display()));
        }
        let mut unpack = Command::new("xz");
        unpack.arg("-dc").arg(path);
        let ended = run(unpack);
        if !ended.status.success() {
            bail!("unpack {}: {}", path.display(), ended.stderr.trim());
        }
        Ok(ended.stdout)
    }

    /// Adds a module behind what it needs, without those that are there already or built in.
    ///
    /// # Errors
    /// If one is not there.
    pub fn add(&self, wanted: &Module, before: &[Module], into: &mut Vec<Module>) -> Result<()> {
        let there = |list: &[Module]| list.iter().any(|each| each.name == wanted.name);
        let built_in = !self.files.contains_key(&wanted.name) && self.has(&wanted.name);
        if built_in || there(before) || there(into) {
            return Ok(());
        }
        for name in needs(&self.content(&wanted.name)?) {
            let params = String::new();
            self.add(&Module { name, params }, before, into)?;
        }
        into.push(wanted.clone());
        Ok(())
    }
}

/// Names in files have dashes or underscores, in the kernel underscores.
fn name_of(path: &str) -> String {
    let stem = Path::new(path).file_stem().unwrap_or_default();
    stem.to_string_lossy().replace('-', "_")
}

/// The modules that it depends on: a string in its section `.modinfo`.
fn needs(content: &[u8]) -> Vec<String> {
    let key = b"\0depends=";
    let Some(at) = content.windows(key.len()).position(|window| window == key) else {
        return Vec::new();
    };
    let list = content[at + key.len()..].split(|byte| *byte == 0).next();
    let list = String::from_utf8_lossy(list.unwrap_or_default());
    let names = list.split(',').filter(|name| !name.is_empty());
    names.map(|name| name.replace('-', "_")).collect()
}
