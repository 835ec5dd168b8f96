//! Installs a bound plan: adapts the template object to this kernel, loads what the plan needs, attaches it.

use std::num::NonZero;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::thread;

use aya::maps::{HashMap as BpfHash, Map, MapData, MapError};
use aya::programs::{BtfTracePoint, ProgramError};
use aya::{Ebpf, EbpfError, EbpfLoader, VerifierLogLevel};
use iotq_lang::diag::{Diagnostic, Errors, codes::machine as code};
use iotq_lang::plan::Plan;
use iotq_probes::abi::{iotq_config, iotq_set_key};
use iotq_probes::catalogue::{FAMILY, Hook, Layer};
use zerocopy::IntoBytes;

use crate::btf::{BtfError, KernelTypes};
use crate::encode::{Constants, Overflow, encode};
use crate::names::{Membership, Resolved, device, process};
use crate::running::Running;

/// How to install.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The kernel's types, if not where the running kernel shows them.
    pub btf: Option<PathBuf>,
    /// Bytes of the ring through which records come, rounded up to a power of two; by default, the more the more CPUs.
    pub ring: Option<u32>,
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
    /// The object lacks a program or a map: it is not the one that this code belongs to.
    #[error("the template object has no `{0}`")]
    Missing(&'static str),
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
    raise_memlock();
    // The loader reads the kernel's types by itself; they are large, so they are dropped before ours are read.
    let mut loader = EbpfLoader::new();
    loader.btf(None);
    let types = KernelTypes::read(options.btf.as_deref())?;
    let hooks = Hooks::choose(plan, &types, !families(resolved).is_empty())?;
    let mut constants = encode(plan, &resolved.memberships, std::process::id())?;
    let ring = ring_bytes(options.ring);
    constants.config.wakeup_bytes = ring / 4;

    let loaded = load(
        &mut loader,
        &types,
        &constants,
        &hooks,
        ring,
        VerifierLogLevel::DISABLE,
    );
    // The verifier's log is expensive, and worth it only when there is something to read in it.
    let mut ebpf = match loaded {
        Err(InstallError::Program {
            source: ProgramError::LoadError { .. },
            ..
        }) => load(
            &mut loader,
            &types,
            &constants,
            &hooks,
            ring,
            VerifierLogLevel::DEBUG,
        )?,
        other => other?,
    };
    drop(loader);
    drop(types);
    fill_sets(&mut ebpf, &constants.sets)?;
    attach(&mut ebpf, &hooks, &families(resolved))?;

    let ring = take(&mut ebpf, "iotq_ring")?;
    let counts = take(&mut ebpf, "iotq_counts")?;
    let requests = take(&mut ebpf, "iotq_requests")?;
    // Without completions no request ends, so none is missing its end.
    let requests = hooks.has("iotq_rq_complete").then_some(requests);
    Ok(Running::new(ebpf, ring, counts, requests, hooks.missing))
}

fn take<M: TryFrom<Map, Error = MapError>>(
    ebpf: &mut Ebpf,
    name: &'static str,
) -> Result<M, InstallError> {
    let map = ebpf.take_map(name).ok_or(InstallError::Missing(name))?;
    map.try_into()
        .map_err(|source| InstallError::Map { name, source })
}

/// Old kernels count maps as locked memory. Where the limit cannot be raised it does not matter.
fn raise_memlock() {
    let all = rustix::process::Rlimit {
        current: None,
        maximum: None,
    };
    let _ = rustix::process::setrlimit(rustix::process::Resource::Memlock, all);
}

const RING_PER_CPU: u32 = 512 << 10;
const RINGS: RangeInclusive<u32> = 1 << 20..=16 << 20;

/// A power of two of at least one page.
fn ring_bytes(wanted: Option<u32>) -> u32 {
    let page = u32::try_from(rustix::param::page_size()).unwrap_or(4096);
    let cpus = thread::available_parallelism().map_or(1, NonZero::get);
    let usual = u32::try_from(cpus)
        .unwrap_or(u32::MAX)
        .saturating_mul(RING_PER_CPU);
    let bytes = wanted.unwrap_or(usual.clamp(*RINGS.start(), *RINGS.end()));
    bytes.clamp(page, 1 << 30).next_power_of_two()
}

fn families(resolved: &Resolved) -> Vec<(usize, u32)> {
    let memberships = resolved.memberships.iter().enumerate();
    let root = |(bit, membership): (usize, &Membership)| match membership {
        Membership::Family(pid) => Some((bit, *pid)),
        Membership::Subtree(_) => None,
    };
    memberships.filter_map(root).collect()
}

const BIO_COMPLETE: &str = "iotq_bio_complete";
const REQUEST_START: &str = "iotq_rq_start";
/// Where the kernel does not tell of a request's start, these points do, and the submitter is known from the bio alone.
const INSTEAD_OF_START: [&str; 3] = ["queue", "insert", "issue"];

/// The hooks that a plan takes on this kernel.
struct Hooks {
    points: Vec<&'static Hook>,
    family: Vec<&'static Hook>,
    /// What this kernel lacks, and what is lost by it.
    missing: Vec<String>,
}

impl Hooks {
    fn choose(plan: &Plan, types: &KernelTypes, families: bool) -> Result<Self, Errors> {
        // It costs something on every bio, and most machines have no use for it.
        let bio_devices = device::all()
            .iter()
            .any(|device| device.bio_based && device.bytes > 0);
        let mut hooks = Self {
            points: Vec::new(),
            family: Vec::new(),
            missing: Vec::new(),
        };
        let mut errors = Vec::new();
        for template in &plan.templates {
            let points = template.points.iter().flat_map(|point| point.hooks);
            let upkeep = template.layer.upkeep;
            let startless = upkeep
                .iter()
                .any(|hook| hook.program == REQUEST_START && offers(types, hook).is_err());
            let instead = template
                .layer
                .points
                .iter()
                .filter(|point| startless && INSTEAD_OF_START.contains(&point.name));
            let instead = instead.flat_map(|point| point.hooks);
            for hook in points.chain(instead).chain(upkeep) {
                if hook.program == BIO_COMPLETE && !bio_devices {
                    continue;
                }
                match (offers(types, hook), hook.without) {
                    (Ok(()), _) if hooks.has(hook.program) => {}
                    (Ok(()), _) => hooks.points.push(hook),
                    (Err(why), Some(lost)) => hooks.missing.push(format!("{why}: {lost}")),
                    (Err(why), None) => errors.push(no_hook(&why, template.layer)),
                }
            }
        }
        if families {
            for hook in &FAMILY {
                match offers(types, hook) {
                    Ok(()) => hooks.family.push(hook),
                    Err(why) => errors.push(Diagnostic::new(
                        &code::NO_HOOK,
                        format!("{why}, which `pid under` needs"),
                    )),
                }
            }
        }
        if errors.is_empty() {
            Ok(hooks)
        } else {
            Err(Errors(errors))
        }
    }

    fn all(&self) -> impl Iterator<Item = &'static Hook> {
        self.family.iter().chain(&self.points).copied()
    }

    fn has(&self, program: &str) -> bool {
        self.all().any(|hook| hook.program == program)
    }
}

/// Whether this kernel has a tracepoint in the shape that a program expects.
///
/// # Errors
/// The words for what is amiss.
pub fn offers(types: &KernelTypes, hook: &Hook) -> Result<(), String> {
    match types.tracepoints.get(hook.tracepoint) {
        Some(args) if hook.args.contains(args) => Ok(()),
        Some(args) => Err(format!(
            "the tracepoint {} has another shape here ({args} arguments)",
            hook.tracepoint
        )),
        None => Err(format!("this kernel has no tracepoint {}", hook.tracepoint)),
    }
}

fn no_hook(why: &str, layer: &Layer) -> Diagnostic {
    Diagnostic::new(
        &code::NO_HOOK,
        format!("{why}, which the layer `{}` needs", layer.name),
    )
    .help("`iotq doctor` tells what this kernel offers, and what it would take")
}

/// Loads the object with its constants, and verifies the programs of the hooks.
fn load<'a>(
    loader: &mut EbpfLoader<'a>,
    types: &'a KernelTypes,
    constants: &'a Constants,
    hooks: &Hooks,
    ring: u32,
    log: VerifierLogLevel,
) -> Result<Ebpf, InstallError> {
    loader.btf(Some(&types.btf)).verifier_log_level(log);
    set_constants(loader, constants, hooks);
    set_sizes(loader, constants, hooks, ring);
    let mut ebpf = loader.load(iotq_probes::object::bytes())?;
    for hook in hooks.all() {
        let failed = |source| InstallError::Program {
            what: "load",
            program: hook.program,
            source,
        };
        program(&mut ebpf, hook)?
            .load(hook.tracepoint, &types.btf)
            .map_err(failed)?;
    }
    Ok(ebpf)
}

fn program<'e>(ebpf: &'e mut Ebpf, hook: &Hook) -> Result<&'e mut BtfTracePoint, InstallError> {
    let program = ebpf
        .program_mut(hook.program)
        .ok_or(InstallError::Missing(hook.program))?;
    program.try_into().map_err(|source| InstallError::Program {
        what: "use",
        program: hook.program,
        source,
    })
}

/// Places of the bio table, powers of two. With `block_io_start`, a bio waits only until it has a request, which is soon;
/// else until its request is inserted or issued. A small table stays in the CPU's cache.
const BIOS: [u32; 2] = [8192, 1024];
const BIOS_MASKS: [u32; 2] = [BIOS[0] - 1, BIOS[1] - 1];
const THREADS: u32 = 16_384;
const PROCESSES: u32 = 65_536;

fn set_constants<'a>(loader: &mut EbpfLoader<'a>, constants: &'a Constants, hooks: &Hooks) {
    let set = |loader: &mut EbpfLoader<'a>, name, bytes: &'a [u8]| {
        loader.override_global(name, bytes, true);
    };
    set(loader, "iotq_config", constants.config.as_bytes());
    set(loader, "iotq_texts", constants.texts.as_bytes());
    set(loader, "iotq_calls", constants.calls.as_bytes());
    let has_start = usize::from(hooks.has("iotq_rq_start"));
    loader.override_global("iotq_bios_mask", &BIOS_MASKS[has_start], true);
    let flag = |program| -> &'static u8 { if hooks.has(program) { &1 } else { &0 } };
    loader.override_global("iotq_block_has_start", flag("iotq_rq_start"), true);
    loader.override_global("iotq_block_has_queue", flag("iotq_bio_queue"), true);
    loader.override_global("iotq_block_has_end", flag("iotq_rq_complete"), true);
    loader.override_global("iotq_block_bio_spans", flag(BIO_COMPLETE), true);
    for tables in &constants.tables {
        let (start, at) = match tables.layer.name {
            "block" => ("iotq_block_start", "iotq_block_at"),
            _ => ("iotq_syscall_start", "iotq_syscall_at"),
        };
        set(loader, start, tables.start.as_bytes());
        set(loader, at, tables.at.as_bytes());
    }
}

/// Maps that the plan does not use stay at one entry.
fn set_sizes(loader: &mut EbpfLoader<'_>, constants: &Constants, hooks: &Hooks, ring: u32) {
    let iotq_config { families, .. } = constants.config;
    let mut size = |name, used: bool, entries: u32| {
        loader.map_max_entries(name, if used { entries.max(1) } else { 1 });
    };
    let requests = u32::try_from(device::request_count() * 2)
        .unwrap_or(u32::MAX)
        .clamp(4096, 1 << 18);
    size("iotq_ring", true, ring);
    size(
        "iotq_requests",
        hooks.has("iotq_rq_complete") || hooks.has("iotq_rq_issue"),
        requests,
    );
    let has_start = usize::from(hooks.has("iotq_rq_start"));
    size("iotq_bios", hooks.has("iotq_bio_queue"), BIOS[has_start]);
    size("iotq_threads", hooks.has("iotq_sys_enter"), THREADS);
    size("iotq_families", families > 0, PROCESSES);
    size(
        "iotq_sets",
        true,
        u32::try_from(constants.sets.len()).unwrap_or(u32::MAX),
    );
}

fn fill_sets(ebpf: &mut Ebpf, sets: &[iotq_set_key]) -> Result<(), InstallError> {
    let failed = |source| InstallError::Map {
        name: "iotq_sets",
        source,
    };
    let map = ebpf
        .map_mut("iotq_sets")
        .ok_or(InstallError::Missing("iotq_sets"))?;
    let mut map: BpfHash<&mut MapData, [u64; 2], u64> = BpfHash::try_from(map).map_err(failed)?;
    for key in sets {
        let key: [u64; 2] = zerocopy::transmute!(*key);
        map.insert(key, 1, 0).map_err(failed)?;
    }
    Ok(())
}

/// Families first: a process born while the rest is attached belongs to one already.
fn attach(ebpf: &mut Ebpf, hooks: &Hooks, families: &[(usize, u32)]) -> Result<(), InstallError> {
    for hook in &hooks.family {
        attach_one(ebpf, hook)?;
    }
    fill_families(ebpf, families)?;
    for hook in &hooks.points {
        attach_one(ebpf, hook)?;
    }
    Ok(())
}

fn attach_one(ebpf: &mut Ebpf, hook: &'static Hook) -> Result<(), InstallError> {
    let failed = |source| InstallError::Program {
        what: "attach",
        program: hook.program,
        source,
    };
    program(ebpf, hook)?.attach().map_err(failed)?;
    Ok(())
}

/// Children that are born during a look at /proc join by themselves if their parent is a member already; else the next
/// look finds them. Each look is later than the births that it could miss.
fn fill_families(ebpf: &mut Ebpf, families: &[(usize, u32)]) -> Result<(), InstallError> {
    let failed = |source| InstallError::Map {
        name: "iotq_families",
        source,
    };
    let map = ebpf
        .map_mut("iotq_families")
        .ok_or(InstallError::Missing("iotq_families"))?;
    let mut map: BpfHash<&mut MapData, u32, u64> = BpfHash::try_from(map).map_err(failed)?;
    for &(bit, root) in families {
        let mut known = 0;
        loop {
            let members = process::family(root);
            for pid in &members {
                let bits = map.get(pid, 0).unwrap_or(0);
                map.insert(pid, bits | 1 << bit, 0).map_err(failed)?;
            }
            if members.len() <= known {
                break;
            }
            known = members.len();
        }
    }
    Ok(())
}
