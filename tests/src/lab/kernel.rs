//! Debian's kernels: fetched with apt and unpacked, without touching the system's packages or apt's configuration.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use rustix::fs::{FlockOperation, flock};

use super::cache;
use crate::command::run;

/// The series that are known, with the suite that has them. The first one is always tested.
pub const SERIES: [(&str, &str); 4] = [
    ("6.1", "bookworm"),
    ("5.10", "bullseye"),
    ("6.12", "trixie"),
    ("7.2", "sid"),
];
const MIRROR: &str = "http://deb.debian.org/debian";
const KEYS: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";
/// Depends on the newest kernel of its suite. "Cloud" has fewer drivers, thus is smaller, and has all that matter here.
const PACKAGE: &str = "linux-image-cloud-amd64";

/// An unpacked kernel.
#[derive(Clone, Debug)]
pub struct Kernel {
    /// `6.1`
    pub series: String,
    /// `6.1.0-50-cloud-amd64`
    pub release: String,
    /// The bootable image.
    pub image: PathBuf,
    /// The folder of its modules.
    pub modules: PathBuf,
    config: String,
}

impl Kernel {
    /// The newest of a series, from the cache or fetched.
    ///
    /// # Errors
    /// If the series is not known or cannot be had.
    pub fn get(series: &str) -> Result<Self> {
        let known = SERIES.iter().find(|(name, _)| *name == series);
        let (_, suite) = known.with_context(|| format!("no kernel series {series}"))?;
        let folder = cache().join("kernels");
        fs::create_dir_all(&folder)?;
        let lock = File::create(folder.join("lock"))?;
        flock(&lock, FlockOperation::LockExclusive)?;
        let root = folder.join(series);
        if !root.exists() {
            let work = tempfile::tempdir_in(&folder)?;
            let unpacked = work.path().join("root");
            fetch(suite, work.path(), &unpacked)
                .with_context(|| format!("fetch Debian's kernel {series} from {suite}"))?;
            fs::rename(unpacked, &root)?;
        }
        Self::at(series, &root)
    }

    /// Suites differ in where things lie, and some have /lib for /usr/lib.
    fn at(series: &str, root: &Path) -> Result<Self> {
        let places = [root.join("usr/lib/modules"), root.join("lib/modules")];
        let all = places.iter().find(|place| place.exists());
        let all = all.context("no modules")?;
        let entry = fs::read_dir(all)?.next().context("no modules")??;
        let (modules, release) = (entry.path(), entry.file_name().into_string().unwrap());
        let file = |name: &str| -> Result<PathBuf> {
            let places = [
                modules.join(name),
                root.join(format!("boot/{name}-{release}")),
            ];
            let found = places.into_iter().find(|place| place.exists());
            found.with_context(|| format!("no {name} in {}", root.display()))
        };
        Ok(Self {
            series: series.into(),
            image: file("vmlinuz")?,
            config: fs::read_to_string(file("config")?)?,
            modules,
            release,
        })
    }

    /// Whether it was configured with this option, built in or as a module.
    pub fn has(&self, option: &str) -> bool {
        let yes = [format!("{option}=y"), format!("{option}=m")];
        self.config
            .lines()
            .any(|line| yes.iter().any(|yes| yes == line))
    }
}

/// Fetches the packages that make up the kernel, and unpacks them.
fn fetch(suite: &str, work: &Path, into: &Path) -> Result<()> {
    let apt = Apt::new(suite, work)?;
    apt.run("apt-get", &["update", "--error-on=any"])?;
    let packages = apt.parts(PACKAGE)?;
    ensure!(!packages.is_empty(), "{PACKAGE} depends on no kernel");
    let mut words = vec!["download"];
    words.extend(packages.iter().map(String::as_str));
    apt.run("apt-get", &words)?;
    for entry in fs::read_dir(work)? {
        let path = entry?.path();
        if path.extension().is_some_and(|end| end == "deb") {
            let mut unpack = Command::new("dpkg-deb");
            unpack.arg("-x").arg(&path).arg(into);
            checked(unpack)?;
        }
    }
    Ok(())
}

/// apt with a configuration and a state of its own.
struct Apt<'a>(&'a Path);

impl<'a> Apt<'a> {
    fn new(suite: &str, work: &'a Path) -> Result<Self> {
        let etc = work.join("etc");
        for folder in [
            "etc/apt.conf.d",
            "etc/preferences.d",
            "state/lists/partial",
            "cache/archives/partial",
        ] {
            fs::create_dir_all(work.join(folder))?;
        }
        // A mirror may lag behind: signatures are checked, their dates are not.
        let conf = format!(
            "Dir::State \"{work}/state\";\nDir::State::status \"/dev/null\";\nDir::Cache \"{work}/cache\";\n\
             Dir::Etc \"{work}/etc\";\nDir::Etc::sourceparts \"/dev/null\";\nAcquire::Languages \"none\";\n\
             Acquire::Check-Valid-Until \"false\";\nAcquire::Retries \"3\";\nAPT::Sandbox::User \"root\";\n",
            work = work.display()
        );
        fs::write(etc.join("apt.conf"), conf)?;
        let source = format!("deb [arch=amd64 signed-by={KEYS}] {MIRROR} {suite} main\n");
        fs::write(etc.join("sources.list"), source)?;
        Ok(Self(work))
    }

    fn run(&self, program: &str, args: &[&str]) -> Result<String> {
        let mut command = Command::new(program);
        command.args(args).current_dir(self.0);
        command.env("APT_CONFIG", self.0.join("etc/apt.conf"));
        checked(command)
    }

    /// The packages with files of the kernel itself, below this one.
    fn parts(&self, package: &str) -> Result<Vec<String>> {
        let mut found: Vec<String> = Vec::new();
        let mut left = vec![package.to_owned()];
        while let Some(package) = left.pop() {
            let text = self.run("apt-cache", &["depends", "--important", &package])?;
            for name in text
                .lines()
                .filter_map(|line| line.trim().strip_prefix("Depends: "))
            {
                if is_part(name) && !found.iter().any(|each| each == name) {
                    found.push(name.into());
                    left.push(name.into());
                }
            }
        }
        Ok(found)
    }
}

/// `linux-image-6.1.0-50-cloud-amd64`; newer suites have `linux-binary-…`, `linux-base-…` and `linux-modules-…` too.
fn is_part(name: &str) -> bool {
    let kinds = [
        "linux-image-",
        "linux-binary-",
        "linux-base-",
        "linux-modules-",
    ];
    let version = kinds.iter().find_map(|kind| name.strip_prefix(kind));
    version.is_some_and(|version| version.starts_with(|first: char| first.is_ascii_digit()))
}

fn checked(command: Command) -> Result<String> {
    let what = format!("{:?}", command.get_program());
    let ended = run(command);
    if !ended.status.success() {
        let lines: Vec<_> = ended.stderr.trim().lines().collect();
        bail!("{what}: {}", lines.last().unwrap_or(&"failed"));
    }
    Ok(ended.text())
}
