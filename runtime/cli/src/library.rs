//! The standard library, which the program carries with it, and the files that a script uses.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use iotq_lang::check::{Imported, NotFound, Wanted};
use iotq_lang::source::Source;
use iotq_lang::syntax;

/// Name and text of every module: `use stdlib.storage`.
pub const MODULES: &[(&str, &str)] = &[(
    "stdlib.storage",
    include_str!("../../../stdlib/storage.iotq"),
)];

/// Names and texts of files of `stdlib/`.
macro_rules! tools {
    ($($name:literal)*) => {
        &[$(($name, include_str!(concat!("../../../stdlib/", $name, ".iotq")))),*]
    };
}

/// Name and text of every tool: `iotq snoop`.
pub const TOOLS: &[(&str, &str)] = tools! {
    "cache" "errors" "fsyncs" "heat" "latency" "merges" "origins" "pattern" "queues" "sizes" "slow" "snoop" "stages"
    "top" "top-cgroups" "top-devices" "top-files" "waterfall"
};

/// A tool's source.
pub fn tool(name: &str) -> Option<Source> {
    let found = TOOLS.iter().find(|(tool, _)| *tool == name);
    found.map(|(name, text)| Source {
        name: (*name).to_owned(),
        text: (*text).to_owned(),
    })
}

/// Finds what `use` names.
///
/// # Errors
/// If there is no such module, or the file cannot be read.
pub fn find(wanted: Wanted<'_>) -> Result<Imported, NotFound> {
    match wanted {
        Wanted::Module(name) => module(name).ok_or(NotFound(None)),
        Wanted::File { path, from } => {
            let path = beside(path, from);
            file(&path).map_err(|error| NotFound(Some(error.to_string())))
        }
    }
}

/// Where a path leads that the source `from` names.
pub fn beside(path: &str, from: &str) -> PathBuf {
    let folder = Path::new(from).parent().unwrap_or(Path::new(""));
    folder.join(path)
}

/// What a file is known by, whatever path leads to it.
pub fn key(path: &Path) -> Option<String> {
    Some(path.canonicalize().ok()?.display().to_string())
}

fn module(name: &str) -> Option<Imported> {
    let (name, text) = MODULES.iter().find(|(module, _)| *module == name)?;
    Some(Imported {
        key: (*name).to_owned(),
        source: Source {
            name: (*name).to_owned(),
            text: (*text).to_owned(),
        },
    })
}

fn file(path: &Path) -> io::Result<Imported> {
    let name = path.display().to_string();
    let wrong = |text: String| io::Error::new(io::ErrorKind::InvalidData, text);
    // What is no file may have no end, or never answer.
    if !path.metadata()?.is_file() {
        return Err(wrong("it is no file".into()));
    }
    let source = syntax::decode(&name, read(File::open(path)?)?);
    let source = source.map_err(|_| wrong("it is not text".into()))?;
    let key = key(path).unwrap_or(name);
    Ok(Imported { key, source })
}

/// At most a byte more than is compiled: the compiler then says that it is too large.
///
/// # Errors
/// Those of the reader.
pub fn read(from: impl Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    from.take(syntax::MAX_SOURCE as u64 + 1)
        .read_to_end(&mut bytes)?;
    Ok(bytes)
}
