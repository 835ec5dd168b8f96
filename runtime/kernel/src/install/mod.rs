//! Installs a bound plan: adapts the template object to this kernel, loads what the plan needs, attaches it.

mod attach;
mod constants;
mod hooks;
mod layouts;
mod optional;
mod program;
mod remedy;
mod shared;
mod sizes;
mod stacks;
mod survey;
#[cfg(test)]
mod tests;

use std::error::Error;
use std::path::PathBuf;

use aya::maps::{Map, MapError};
use aya::programs::ProgramError;
use aya::{Ebpf, EbpfError, EbpfLoader, VerifierLogLevel};
use iotq_lang::diag::Errors;
use iotq_lang::plan::Plan;
use iotq_probes::abi::iotq_set_key;

use crate::btf::{BtfError, KernelTypes};
use crate::encode::{Constants, Overflow, encode};
use crate::groups::{Groupings, Groups, Maps};
use crate::kept::{self, Kept};
use crate::loader::loader;
use crate::names::{Membership, Resolved};
use crate::privilege::raise_memlock;
use crate::qemu;
use crate::running::{Attached, Running};
use crate::unended::Requests;
use attach::{attach, fill_sets};
use hooks::Hooks;
pub use hooks::lists_tracepoints;
use layouts::Layouts;
pub(crate) use program::Hold;
pub use remedy::Amiss;
use sizes::Sizes;
pub use survey::{Standing, Survey, Surveyed};

/// How to install.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The kernel's types, if not where the running kernel shows them.
    pub btf: Option<PathBuf>,
    /// Bytes of the ring through which records come, rounded up to a power of two; by default, the more the more CPUs.
    pub ring: Option<u32>,
    /// Requests of guests are kept, to be looked up, instead of shipped.
    pub keep: bool,
}

/// Why a plan cannot be installed.
#[derive(Debug, thiserror::Error)]
pub enum InstallError {
    /// Something that the query or the user can do something about.
    #[error(transparent)]
    Refused(#[from] Errors),
    /// The kernel's types.
    #[error(transparent)]
    Btf(#[from] BtfError),
    /// The plan breaks a limit of the ABI.
    #[error(transparent)]
    Overflow(#[from] Overflow),
    /// Loading the object.
    #[error("load the templates")]
    Load(#[from] EbpfError),
    /// Loading or attaching one program.
    #[error("{what} {program}")]
    Program {
        /// `load` or `attach`.
        what: &'static str,
        /// The program's name.
        program: &'static str,
        /// Why.
        source: ProgramError,
    },
    /// Filling or reading a map.
    #[error("use the map {name}")]
    Map {
        /// Its name.
        name: &'static str,
        /// Why.
        source: MapError,
    },
    /// This kernel's tracing programs have no locks (before 5.11 or so), which requests need to be followed.
    #[error(
        "this kernel has no locks for tracing programs, without which requests cannot be followed over several layers"
    )]
    NoLocks,
    /// The object lacks a program or a map: it is not the one that this code belongs to.
    #[error("the template object has no `{0}`")]
    Missing(&'static str),
}

/// The modules whose types are needed: those of the plan's layers, of filesystems that hold its directories, and of stacked
/// devices that it is followed through.
fn modules(plan: &Plan, resolved: &Resolved) -> Vec<&'static str> {
    let layers = plan.templates.iter().map(|template| template.layer);
    let modules = layers.flat_map(|layer| layer.modules).copied();
    let btrfs = has_volumes(resolved).then_some("btrfs");
    let stacked = plan.follows().then(stacks::modules);
    modules
        .chain(btrfs)
        .chain(stacked.into_iter().flatten())
        .collect()
}

/// Whether a directory is on a filesystem whose subvolumes number their inodes each for itself.
fn has_volumes(resolved: &Resolved) -> bool {
    let has = |one: &Membership| matches!(one, Membership::Directory(it) if it.volume.is_some());
    resolved.memberships.iter().any(has)
}

impl InstallError {
    /// What the kernel's words mean, where that is known. No list of the kernel tells which helpers a program may call.
    fn told(self) -> Self {
        if let Self::Program {
            source: ProgramError::LoadError { verifier_log, .. },
            ..
        } = &self
            && verifier_log.to_string().contains("func bpf_spin_lock")
        {
            return Self::NoLocks;
        }
        self
    }

    /// The error in one line. Of the verifier's words, which may be thousands, the last.
    pub fn brief(&self) -> String {
        let Self::Program {
            source:
                ProgramError::LoadError {
                    io_error,
                    verifier_log,
                },
            ..
        } = self
        else {
            let cause = self.source().map(|cause| format!(": {cause}"));
            return format!("{self}{}", cause.unwrap_or_default());
        };
        let log = verifier_log.to_string();
        let said = log
            .lines()
            .rfind(|line| !line.trim().is_empty() && !line.starts_with("processed "))
            .map_or_else(|| io_error.to_string(), str::to_owned);
        format!("{self}: {said}")
    }
}

/// Installs a bound plan. When this returns, every program is attached.
///
/// # Errors
/// If the kernel lacks a hook that the plan needs, or refuses a program, or this user may not.
pub fn install(
    plan: &Plan,
    resolved: &Resolved,
    options: &Options,
) -> Result<Running, InstallError> {
    let mut loaded = Loaded::new(plan, resolved, options)?;
    fill_sets(&mut loaded.ebpf, &loaded.sets)?;
    let holds = attach(&mut loaded.ebpf, &loaded.hooks, &families(resolved))?;
    let Loaded {
        mut ebpf,
        hooks,
        issues,
        groupings,
        ..
    } = loaded;
    let maps = Maps {
        generations: take(&mut ebpf, "iotq_generations")?,
        heads: take(&mut ebpf, "iotq_group_heads")?,
        groups: take(&mut ebpf, "iotq_groups")?,
        histograms: take(&mut ebpf, "iotq_hists")?,
    };
    let groups = Groups::new(maps, plan, &groupings);
    let ring = take(&mut ebpf, "iotq_ring")?;
    let counts = take(&mut ebpf, "iotq_counts")?;
    let slots = take(&mut ebpf, "iotq_requests")?;
    let kept = match options.keep {
        true => Some(Kept::new(
            kept::Maps {
                kept: take(&mut ebpf, "iotq_kept")?,
                parts: take(&mut ebpf, "iotq_kept_parts")?,
                given: take(&mut ebpf, "iotq_kept_given")?,
                keeping: take(&mut ebpf, "iotq_keeping")?,
                queues: take(&mut ebpf, "iotq_qemu_queues")?,
            },
            qemu::hooked(&hooks.qemus)
                .filter_map(|(qemu, _)| qemu.identity())
                .collect(),
        )),
        false => None,
    };
    let requests = hooks.follows_requests().then(|| Requests {
        slots,
        layers: hooks.ending(plan),
        issues,
    });
    let programs = ebpf.programs().filter_map(|(_, program)| program.fd().ok());
    let programs = programs.filter_map(|fd| fd.try_clone().ok()).collect();
    Ok(Running::new(
        Attached { programs, holds },
        ring,
        counts,
        requests,
        groups,
        kept,
        hooks.missing,
    ))
}

/// Has the kernel verify the programs of bound plans that name nothing of this machine, and attaches none of them. Each plan has
/// its answer.
pub fn verify(plans: &[&Plan], types: &KernelTypes) -> Vec<Result<(), InstallError>> {
    raise_memlock();
    let (resolved, options) = (Resolved::default(), Options::default());
    let prepared = plans
        .iter()
        .map(|plan| Prepared::of(plan, &resolved, &options, types));
    let mut prepared: Vec<_> = prepared.collect();
    let mut loader = loader();
    let answers: Vec<_> = prepared
        .iter()
        .map(|one| one.as_ref().ok().map(|one| one.load(&mut loader, types)))
        .collect();
    drop(loader);
    prepared
        .drain(..)
        .zip(answers)
        .map(|(prepared, answer)| match answer {
            Some(answer) => answer.map(|_| ()),
            None => prepared.map(|_| ()),
        })
        .collect()
}

/// A plan whose programs the kernel has verified.
struct Loaded {
    ebpf: Ebpf,
    hooks: Hooks,
    sets: Vec<iotq_set_key>,
    groupings: Groupings,
    /// Whether the issue of requests is looked at.
    issues: bool,
}

impl Loaded {
    fn new(plan: &Plan, resolved: &Resolved, options: &Options) -> Result<Self, InstallError> {
        raise_memlock();
        // Before our types are read: where it reads all of the kernel's, it drops them first.
        let mut loader = loader();
        let types = KernelTypes::read(options.btf.as_deref(), &modules(plan, resolved))?;
        types.try_functions_of(&mut loader, plan.templates.iter().map(|it| it.layer));
        let prepared = Prepared::of(plan, resolved, options, &types)?;
        let ebpf = prepared.load(&mut loader, &types)?;
        drop(loader);
        Ok(Self {
            ebpf,
            hooks: prepared.hooks,
            issues: prepared.constants.config.want_issue != 0,
            sets: prepared.constants.sets,
            groupings: prepared.constants.groupings,
        })
    }
}

/// What a plan needs of the object, for this kernel.
struct Prepared {
    hooks: Hooks,
    constants: Constants,
    sizes: Sizes,
    layouts: Layouts,
}

impl Prepared {
    fn of(
        plan: &Plan,
        resolved: &Resolved,
        options: &Options,
        types: &KernelTypes,
    ) -> Result<Self, InstallError> {
        let (plan, left_out) = optional::present(plan, types);
        let plan = &plan;
        let mut hooks = Hooks::choose(plan, types, !families(resolved).is_empty())?;
        hooks.missing.splice(0..0, left_out);
        let mut constants = encode(plan, &resolved.memberships, std::process::id())?;
        constants.config.keep = u8::from(options.keep);
        let mut layouts = Layouts::of(plan, types)?;
        if has_volumes(resolved) {
            layouts.add_volumes(types)?;
        }
        hooks.tell(&mut constants.config);
        if plan.follows() && constants.config.bio_spans != 0 {
            match stacks::known(types) {
                Ok(stacks) => layouts.stacks = stacks,
                Err(hidden) => hooks.missing.push(hidden.to_owned()),
            }
            let known = layouts.stacks.iter().any(|stack| stack.ends != 0);
            constants.config.stacked = known.into();
        }
        let sizes = Sizes::choose(&constants, &hooks, options.ring);
        sizes.tell(&mut constants.config);
        Ok(Self {
            hooks,
            constants,
            sizes,
            layouts,
        })
    }

    /// Loads the object with its constants, and has the programs of the hooks verified.
    fn load<'a>(
        &'a self,
        loader: &mut EbpfLoader<'a>,
        types: &'a KernelTypes,
    ) -> Result<Ebpf, InstallError> {
        loader.btf(Some(&types.fields));
        constants::set(loader, &self.constants, &self.layouts);
        self.sizes.apply(loader);
        // The verifier's log is expensive, and worth it only when there is something to read in it.
        match self.attempt(loader, types, VerifierLogLevel::DISABLE) {
            Err(InstallError::Program {
                source: ProgramError::LoadError { .. },
                ..
            }) => self
                .attempt(loader, types, VerifierLogLevel::DEBUG)
                .map_err(InstallError::told),
            other => other,
        }
    }

    fn attempt(
        &self,
        loader: &mut EbpfLoader<'_>,
        types: &KernelTypes,
        log: VerifierLogLevel,
    ) -> Result<Ebpf, InstallError> {
        let loader = loader.verifier_log_level(log);
        let mut ebpf = loader.load(iotq_probes::object::bytes())?;
        for hook in self.hooks.all() {
            program::load(&mut ebpf, hook, &types.hooks)?;
        }
        Ok(ebpf)
    }
}

fn take<M: TryFrom<Map, Error = MapError>>(
    ebpf: &mut Ebpf,
    name: &'static str,
) -> Result<M, InstallError> {
    let map = ebpf.take_map(name).ok_or(InstallError::Missing(name))?;
    map.try_into()
        .map_err(|source| InstallError::Map { name, source })
}

fn families(resolved: &Resolved) -> Vec<(usize, u32)> {
    let memberships = resolved.memberships.iter().enumerate();
    let root = |(bit, membership): (usize, &Membership)| match membership {
        Membership::Family(pid) => Some((bit, *pid)),
        Membership::Subtree(_) | Membership::Directory(_) => None,
    };
    memberships.filter_map(root).collect()
}
