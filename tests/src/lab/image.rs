//! The initramfs: programs with their libraries, modules, cases and the plan. No compiler, no tools of a distribution.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use cpio::newc::{Builder, ModeFileType, trailer};

use super::case::Script;
use super::modules::Modules;
use super::plan::{self, Plan};
use super::programs;
use crate::command::run;
use crate::iotq::binary;

/// Programs of this workspace in the guest's path, beside iotq.
const OURS: [&str; 2] = ["labinit", "ioload"];
/// Programs of this system that must be there; busybox has no libraries.
pub const TOOLS: [&str; 2] = ["busybox", "dmsetup"];
/// Commands that busybox offers under their own names.
const APPLETS: &str = "[ awk basename blkdiscard blockdev cat chmod chroot cp cut date dd df diff dirname dmesg du \
     echo env expr false find grep head hexdump id kill killall ln losetup ls lsmod mkdir mke2fs mkfifo mknod mktemp \
     mount mv nproc od printf ps pwd readlink realpath rm rmdir sed seq sh sleep sort stat stty sync tail tar tee test \
     time timeout top touch tr true truncate umount uname uniq usleep vi wait wc which xargs xxd yes";

/// Writes an archive.
struct Archive<W: Write> {
    out: W,
    folders: BTreeSet<PathBuf>,
    inode: u32,
}

impl<W: Write> Archive<W> {
    fn entry(&mut self, path: &Path, kind: ModeFileType, bits: u32, content: &[u8]) -> Result<()> {
        if let Some(parent) = path.parent() {
            self.folder(parent)?;
        }
        self.raw(path, kind, bits, content)
    }

    fn raw(&mut self, path: &Path, kind: ModeFileType, bits: u32, content: &[u8]) -> Result<()> {
        self.inode += 1;
        let name = path.strip_prefix("/").unwrap_or(path).to_string_lossy();
        let builder = Builder::new(&name).ino(self.inode).nlink(1);
        let size = u32::try_from(content.len()).context("a large file")?;
        let mut entry = builder
            .mode(bits)
            .set_mode_file_type(kind)
            .write(&mut self.out, size);
        entry.write_all(content)?;
        entry.finish()?;
        Ok(())
    }

    fn folder(&mut self, path: &Path) -> Result<()> {
        if path.parent().is_none() || self.folders.contains(path) {
            return Ok(());
        }
        if let Some(parent) = path.parent() {
            self.folder(parent)?;
        }
        self.folders.insert(path.into());
        self.raw(path, ModeFileType::Directory, 0o755, b"")
    }

    fn file(&mut self, path: &str, content: &[u8]) -> Result<()> {
        self.entry(Path::new(path), ModeFileType::Regular, 0o755, content)
    }
}

/// Writes the initramfs of a boot. `scripts`: what the plan runs, and what that uses.
///
/// # Errors
/// If something is missing.
pub fn write(path: &Path, plan: &Plan, modules: &Modules, scripts: &[Script]) -> Result<()> {
    let mut archive = Archive {
        out: io::BufWriter::new(fs::File::create(path)?),
        folders: BTreeSet::new(),
        inode: 0,
    };
    for folder in ["/dev", "/proc", "/sys", "/tmp", "/out", "/mnt"] {
        archive.folder(Path::new(folder))?;
    }
    add_programs(&mut archive)?;
    archive.file(plan::PLAN, &serde_json::to_vec(plan)?)?;
    for script in scripts {
        archive.file(
            &format!("/lab/cases/{}", script.file),
            script.text.as_bytes(),
        )?;
    }
    let cases = plan.cases.iter().flat_map(|case| &case.modules);
    let names: BTreeSet<_> = plan
        .modules
        .iter()
        .chain(cases)
        .map(|each| &each.name)
        .collect();
    for name in names {
        archive.file(&plan::module_path(name), &modules.content(name)?)?;
    }
    let mut out = trailer(archive.out)?;
    out.flush()?;
    Ok(())
}

fn add_programs<W: Write>(archive: &mut Archive<W>) -> Result<()> {
    let mut libraries = BTreeSet::new();
    let ours = OURS.iter().map(|name| programs().join(name));
    for program in ours.chain([binary().clone()]) {
        libraries.extend(libraries_of(&program)?);
        let name = program
            .file_name()
            .context("a program")?
            .to_string_lossy()
            .into_owned();
        archive.file(&format!("/bin/{name}"), &stripped(&program)?)?;
    }
    for name in TOOLS {
        let program = tool(name).with_context(|| format!("{name} is not installed"))?;
        libraries.extend(libraries_of(&program)?);
        archive.file(&format!("/bin/{name}"), &fs::read(program)?)?;
    }
    for library in libraries {
        archive.file(&library.to_string_lossy(), &fs::read(&library)?)?;
    }
    for applet in APPLETS.split_whitespace() {
        let path = PathBuf::from(format!("/bin/{applet}"));
        archive.entry(&path, ModeFileType::Symlink, 0o777, b"busybox")?;
    }
    archive.entry(
        Path::new("/init"),
        ModeFileType::Symlink,
        0o777,
        b"bin/labinit",
    )
}

/// A program of this system, also where the path of the user lacks its folder.
pub fn tool(name: &str) -> Option<PathBuf> {
    let folders = ["/usr/bin", "/usr/sbin", "/bin", "/sbin"];
    let mut places = folders.iter().map(|folder| Path::new(folder).join(name));
    places.find(|place| place.exists())
}

/// The shared libraries of a program, and its loader.
fn libraries_of(program: &Path) -> Result<Vec<PathBuf>> {
    let mut ldd = Command::new("ldd");
    ldd.arg(program);
    let ended = run(ldd);
    // A static program has none, which ldd calls a failure.
    let text = ended.text();
    let paths = text.split_whitespace().filter(|word| word.starts_with('/'));
    Ok(paths.map(PathBuf::from).collect())
}

/// A program without what only debuggers use: most of its size.
fn stripped(program: &Path) -> Result<Vec<u8>> {
    let into = tempfile::NamedTempFile::new()?;
    let mut strip = Command::new("strip");
    strip.arg("-o").arg(into.path()).arg(program);
    let ended = run(strip);
    if !ended.status.success() {
        bail!("strip {}: {}", program.display(), ended.stderr.trim());
    }
    Ok(fs::read(into.path())?)
}
