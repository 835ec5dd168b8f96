//! The machine's names: what a plan's names mean here, and what numbers in records are called.

pub mod cgroup;
pub mod device;
pub mod directory;
pub mod process;

use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::{fs, io};

use iotq_lang::check::{did_you_mean, near};
use iotq_lang::diag::{Diagnostic, Errors, codes::machine as code};
use iotq_lang::ir::{Name, NameKind};
use iotq_lang::plan::Meaning;
use iotq_probes::abi;

use cgroup::Cgroup;
use device::NotFound;
use directory::{Directory, near_paths};

/// What the names of a plan mean on this machine.
#[derive(Clone, Debug, Default)]
pub struct Resolved {
    /// In the order of the plan's names.
    pub meanings: Vec<Meaning>,
    /// What the memberships stand for; the index is the bit.
    pub memberships: Vec<Membership>,
}

/// What a bit of the memberships stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Membership {
    /// Descends from this process.
    Family(u32),
    /// Lies in this control group or below it.
    Subtree(Cgroup),
    /// Is this directory or lies in it, however deep.
    Directory(Directory),
}

/// Resolves the names of a plan; `child` is the process that `$child` stands for.
///
/// # Errors
/// One diagnostic for every name that this machine does not have.
pub fn resolve(names: &[Name], child: Option<u32>) -> Result<Resolved, Errors> {
    let mut resolved = Resolved::default();
    let mut errors = Vec::new();
    for name in names {
        match meaning(name, child, &mut resolved.memberships) {
            Ok(meaning) => resolved.meanings.push(meaning),
            Err(error) => errors.push(*error),
        }
    }
    let count = |wanted: fn(&Membership) -> bool| {
        let all = resolved.memberships.iter();
        all.filter(|one| wanted(one)).count()
    };
    let groups = count(|one| matches!(one, Membership::Subtree(_)));
    let directories = count(|one| matches!(one, Membership::Directory(_)));
    if resolved.memberships.len() > abi::IOTQ_MAX_MEMBERSHIPS as usize
        || groups > abi::IOTQ_MAX_CGROUPS as usize
        || directories > abi::IOTQ_MAX_DIRECTORIES as usize
    {
        errors.push(Diagnostic::new(
            &code::TOO_MANY_MEMBERSHIPS,
            "too many `under` conditions in one run",
        ));
    }
    if errors.is_empty() {
        Ok(resolved)
    } else {
        Err(Errors(errors))
    }
}

type Failure = Box<Diagnostic>;

fn meaning(
    name: &Name,
    child: Option<u32>,
    memberships: &mut Vec<Membership>,
) -> Result<Meaning, Failure> {
    match name.kind {
        NameKind::Dev => device(name),
        NameKind::File => file(name),
        NameKind::Dir => Ok(member(memberships, Membership::Directory(folder(name)?))),
        NameKind::Cgroup => Ok(Meaning::Cgroup(group(name)?.id)),
        NameKind::CgroupTree => Ok(member(memberships, Membership::Subtree(group(name)?))),
        NameKind::Child => Ok(Meaning::Pid(process(name, child)?)),
        NameKind::Family => Ok(member(
            memberships,
            Membership::Family(process(name, child)?),
        )),
    }
}

/// The bit of a membership, the same for the same one.
fn member(memberships: &mut Vec<Membership>, wanted: Membership) -> Meaning {
    let known = memberships.iter().position(|one| *one == wanted);
    let bit = known.unwrap_or_else(|| {
        memberships.push(wanted);
        memberships.len() - 1
    });
    // More than IOTQ_MAX_MEMBERSHIPS of them are refused by the caller.
    Meaning::Member(u8::try_from(bit).unwrap_or(u8::MAX))
}

fn device(name: &Name) -> Result<Meaning, Failure> {
    match device::find(&name.text) {
        Ok(found) => Ok(device::meaning(&found)),
        Err(why) => Err(Box::new(no_device(name, why))),
    }
}

fn no_device(name: &Name, why: NotFound) -> Diagnostic {
    let text = &name.text;
    let error = match why {
        NotFound::Unknown => {
            let mut error = missing(&code::NO_DEVICE, name, "this machine has no device");
            let known = device::names();
            let known = near(text, known.iter().map(String::as_str));
            error.help.extend(did_you_mean(&known));
            error
        }
        NotFound::Empty => Diagnostic::new(
            &code::NO_DEVICE,
            format!("the controller `{text}` has no disks"),
        )
        .label(name.span, "this controller"),
        NotFound::Hidden(head) => {
            let message =
                format!("this kernel does not tell the number of the hidden disk `{text}`");
            let error =
                Diagnostic::new(&code::NO_DEVICE, message).label(name.span, "cannot be recognised");
            match head {
                Some(head) => error.help(format!("it is a path of `{head}`")),
                None => error,
            }
        }
        NotFound::Ambiguous(links) => return several(name, &links),
    };
    error.help("`iotq list devices` shows the devices of this machine")
}

fn several(name: &Name, links: &[(String, String)]) -> Diagnostic {
    let each = links
        .iter()
        .map(|(link, device)| format!("`\"{link}\"`, which is {device}"));
    let each: Vec<String> = each.collect();
    let message = format!("`{}` is a name of several devices", name.text);
    Diagnostic::new(&code::SEVERAL_DEVICES, message)
        .label(name.span, "which of them?")
        .help(format!("write {}", each.join(", or ")))
}

fn file(name: &Name) -> Result<Meaning, Failure> {
    match fs::metadata(&name.text) {
        Ok(meta) => {
            // A block device is known by itself, not by the filesystem that its node lies on.
            let own = meta.file_type().is_block_device();
            let dev = device::kernel_number(if own { meta.rdev() } else { meta.dev() });
            Ok(Meaning::File {
                dev,
                inode: meta.ino(),
            })
        }
        Err(error) => Err(Box::new(no_path(name, "no file", &error))),
    }
}

fn folder(name: &Name) -> Result<Directory, Failure> {
    directory::find(&name.text).map_err(|error| {
        if error.kind() != io::ErrorKind::NotADirectory || !fs::exists(&name.text).unwrap_or(false)
        {
            return Box::new(no_path(name, "no directory", &error));
        }
        let message = format!("`{}` is no directory", name.text);
        let error =
            Diagnostic::new(&code::NO_FILE, message).label(name.span, "nothing is below it");
        Box::new(error.help("compare with `==` for the file itself"))
    })
}

fn no_path(name: &Name, what: &str, why: &io::Error) -> Diagnostic {
    let mut error = missing(&code::NO_FILE, name, what);
    error.help.extend(did_you_mean(&near_paths(&name.text)));
    error.help(format!("the system says: {why}"))
}

fn group(name: &Name) -> Result<Cgroup, Failure> {
    cgroup::find(&name.text).ok_or_else(|| {
        let error = missing(&code::NO_CGROUP, name, "no control group");
        Box::new(match cgroup::mount() {
            Some(root) => error.help(format!("the hierarchy is mounted at {}", root.display())),
            None => error.help(
                "the cgroup v2 hierarchy is not mounted: mount -t cgroup2 none /sys/fs/cgroup",
            ),
        })
    })
}

fn process(name: &Name, child: Option<u32>) -> Result<u32, Failure> {
    if !process::in_initial_namespace() {
        let error = Diagnostic::new(
            &code::PID_NAMESPACE,
            "process ids here are not those that the kernel reports",
        );
        return Err(Box::new(
            error.label(name.span, "this id means another process"),
        ));
    }
    let pid = if name.text == "$child" {
        child
    } else {
        name.text.parse().ok()
    };
    pid.filter(|pid| process::exists(*pid))
        .ok_or_else(|| Box::new(missing(&code::NO_PROCESS, name, "no process")))
}

fn missing(code: &'static iotq_lang::diag::Code, name: &Name, what: &str) -> Diagnostic {
    Diagnostic::new(code, format!("{what} `{}`", name.text))
        .label(name.span, "not found on this machine")
}
