//! The hooks that a plan takes on this kernel.

use std::fs;
use std::path::Path;

use iotq_lang::diag::{Diagnostic, Errors, codes::machine as code};
use iotq_lang::plan::Plan;
use iotq_probes::abi::iotq_config;
use iotq_probes::catalogue::{FAMILY, Hook, Layer};

use crate::btf::KernelTypes;
use crate::names::device;

pub(super) const BIO_COMPLETE: &str = "block_bio_complete";
pub(super) const VIRTIO_ADD: &str = "virtqueue_add_sgs";
pub(super) const VIRTIO_NOTIFY: &str = "virtqueue_notify";

/// The hooks that a plan takes on this kernel.
pub(super) struct Hooks {
    pub points: Vec<&'static Hook>,
    pub family: Vec<&'static Hook>,
    /// What this kernel lacks, and what is lost by it.
    pub missing: Vec<String>,
}

impl Hooks {
    pub fn choose(plan: &Plan, types: &KernelTypes, families: bool) -> Result<Self, Errors> {
        let mut hooks = Self {
            points: Vec::new(),
            family: Vec::new(),
            missing: Vec::new(),
        };
        let mut errors = Vec::new();
        for template in &plan.templates {
            let points = template.points.iter().flat_map(|point| point.hooks);
            for hook in points.chain(template.layer.upkeep) {
                if !useful(types, hook) {
                    continue;
                }
                hooks.take(types, hook, template.layer, &mut errors);
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

    /// Takes a hook, or what does instead of it where it is missing.
    fn take(
        &mut self,
        types: &KernelTypes,
        hook: &'static Hook,
        layer: &Layer,
        errors: &mut Vec<Diagnostic>,
    ) {
        let Err(why) = offers(types, hook) else {
            if !self.has(hook.program) {
                self.points.push(hook);
            }
            if hook.attach.is_probe() {
                self.note(format!(
                    "the layer `{}` is seen through kprobes: events that interrupt one another on a CPU go by unseen",
                    layer.name
                ));
            }
            return;
        };
        if let Some(lost) = hook.without
            && !replaced(types, hook)
        {
            self.note(format!("{why}: {lost}"));
        } else if hook.instead.is_empty() {
            let error = no_hook(&why, layer);
            // Several points, and the books, may want the same hook.
            if !errors.iter().any(|known| known.message == error.message) {
                errors.push(error);
            }
        }
        for hook in hook.instead {
            self.take(types, hook, layer, errors);
        }
    }

    fn note(&mut self, missing: String) {
        if !self.missing.contains(&missing) {
            self.missing.push(missing);
        }
    }

    pub fn all(&self) -> impl Iterator<Item = &'static Hook> {
        self.family.iter().chain(&self.points).copied()
    }

    fn has(&self, program: &str) -> bool {
        self.all().any(|hook| hook.program == program)
    }

    /// Whether a program sits on a tracepoint.
    pub fn sees(&self, tracepoint: &str) -> bool {
        self.all().any(|hook| hook.tracepoint == tracepoint)
    }

    /// Tells the templates what is hooked.
    pub fn tell(&self, config: &mut iotq_config) {
        for (told, tracepoint) in [
            (&mut config.has_start, "block_io_start"),
            (&mut config.has_queue, "block_bio_queue"),
            (&mut config.has_end, "block_rq_complete"),
            (&mut config.bio_spans, BIO_COMPLETE),
            (&mut config.has_notify, VIRTIO_NOTIFY),
        ] {
            *told = self.sees(tracepoint).into();
        }
        config.has_driver = self.follows_drivers().into();
        // There requests begin, without block_io_start; and drivers go on from there.
        config.want_issue |= u8::from(config.has_start == 0) | config.has_driver;
    }

    /// Whether slots of requests are used.
    pub fn follows_requests(&self) -> bool {
        self.sees("block_rq_complete") || self.sees("block_rq_issue") || self.follows_drivers()
    }

    /// Whether drivers add to slots.
    pub fn follows_drivers(&self) -> bool {
        ["nvme_setup_cmd", "scsi_dispatch_cmd_start", VIRTIO_ADD]
            .iter()
            .any(|hook| self.sees(hook))
    }
}

/// Whether this machine has a use for a hook.
fn useful(types: &KernelTypes, hook: &Hook) -> bool {
    match hook.program {
        "iotq_bio_complete" => bio_devices(),
        "iotq_virtio_scsi_done" => types.place("virtio_scsi_cmd", "sc").is_some(),
        _ => true,
    }
}

/// Whether there are devices that take bios as they are. To follow these costs something on every bio, and most machines
/// have no use for it.
fn bio_devices() -> bool {
    device::all()
        .iter()
        .any(|device| device.bio_based && device.bytes > 0)
}

/// What is amiss with a tracepoint.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Amiss {
    /// The kernel does not have it, or the module that has it is not loaded.
    #[error("this kernel has no tracepoint {0}")]
    Absent(&'static str),
    /// Its arguments are others.
    #[error("the tracepoint {0} has another shape here ({1} arguments)")]
    Shape(&'static str, usize),
    /// A module has it, and does not say what its arguments are.
    #[error("the tracepoint {0} is there, but its module does not describe its types")]
    Untyped(&'static str),
    /// The kernel does not have the function, or the module that has it is not loaded or keeps its types to itself.
    #[error("this kernel tells of no function {0}")]
    NoFunction(&'static str),
    /// The function is a module's, and cannot be hooked with types.
    #[error("the function {0} belongs to a module")]
    InModule(&'static str),
    /// Functions cannot be probed.
    #[error("this kernel does not let functions be probed, such as {0}")]
    NoProbes(&'static str),
}

/// Whether this kernel has a tracepoint in the shape that a program expects, or a function.
///
/// # Errors
/// If it has not.
pub fn offers(types: &KernelTypes, hook: &Hook) -> Result<(), Amiss> {
    let name = hook.tracepoint;
    if hook.attach.is_function() {
        return match types.functions.get(name) {
            None => Err(Amiss::NoFunction(name)),
            Some(_) if hook.attach.is_probe() => {
                has_probes().then_some(()).ok_or(Amiss::NoProbes(name))
            }
            Some(true) => Ok(()),
            Some(false) => Err(Amiss::InModule(name)),
        };
    }
    match types.tracepoints.get(name) {
        Some(args) if hook.args.contains(args) => Ok(()),
        Some(args) => Err(Amiss::Shape(name, *args)),
        None if in_tracefs(name) => Err(Amiss::Untyped(name)),
        None => Err(Amiss::Absent(name)),
    }
}

/// Whether the kernel was built with kprobes, and with events of them.
fn has_probes() -> bool {
    let places = [
        "/sys/bus/event_source/devices/kprobe",
        "/sys/kernel/tracing/kprobe_events",
        "/sys/kernel/debug/tracing/kprobe_events",
    ];
    places.iter().any(|place| Path::new(place).exists())
}

const EVENTS: [&str; 2] = [
    "/sys/kernel/tracing/events",
    "/sys/kernel/debug/tracing/events",
];

fn in_tracefs(tracepoint: &str) -> bool {
    let mut groups = EVENTS.iter().flat_map(fs::read_dir).flatten().flatten();
    groups.any(|group| group.path().join(tracepoint).exists())
}

/// Whether another program sits on the same tracepoint, where it has another shape.
pub fn replaced(types: &KernelTypes, hook: &Hook) -> bool {
    let same = |other: &&Hook| other.tracepoint == hook.tracepoint;
    hook.instead
        .iter()
        .filter(same)
        .any(|other| offers(types, other).is_ok())
}

/// The way out where a module keeps its types to itself.
pub(super) const UNTYPED: &str =
    "modules describe their types where CONFIG_DEBUG_INFO_BTF_MODULES=y";

fn no_hook(why: &Amiss, layer: &Layer) -> Diagnostic {
    let message = format!("{why}, which the layer `{}` needs", layer.name);
    let error = Diagnostic::new(&code::NO_HOOK, message);
    let error = match (why, layer.modules.first()) {
        (Amiss::Untyped(_), _) => error.help(UNTYPED),
        (Amiss::NoProbes(_), _) => error.help("kernels with CONFIG_KPROBE_EVENTS=y do"),
        (Amiss::NoFunction(_), Some(module)) => error
            .help(format!(
                "no device here uses the driver, or its module `{module}` is not loaded"
            ))
            .help(UNTYPED),
        (Amiss::Absent(_), Some(module)) => error.help(format!(
            "no device here uses the driver, or its module `{module}` is not loaded"
        )),
        _ => error,
    };
    error.help("`iotq doctor` tells what this kernel offers, and what it would take")
}
