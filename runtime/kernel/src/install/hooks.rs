//! The hooks that a plan takes on this kernel.

use std::fs;

use iotq_lang::diag::{Diagnostic, Errors, codes::machine as code};
use iotq_lang::plan::Plan;
use iotq_probes::abi::iotq_config;
use iotq_probes::catalogue::{FAMILY, Hook, Layer};

use crate::btf::KernelTypes;
use crate::names::device;

pub(super) const BIO_COMPLETE: &str = "block_bio_complete";

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
                if hook.tracepoint == BIO_COMPLETE && !bio_devices() {
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
            return;
        };
        if let Some(lost) = hook.without
            && !replaced(types, hook)
        {
            let missing = format!("{why}: {lost}");
            if !self.missing.contains(&missing) {
                self.missing.push(missing);
            }
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
            (&mut config.has_issue, "block_rq_issue"),
            (&mut config.has_end, "block_rq_complete"),
            (&mut config.bio_spans, BIO_COMPLETE),
        ] {
            *told = self.sees(tracepoint).into();
        }
        config.has_driver = self.follows_drivers().into();
    }

    /// The layers whose operations are followed to their ends.
    pub fn ending(&self, plan: &Plan) -> Vec<&'static Layer> {
        let layers = plan.templates.iter().map(|template| template.layer);
        let ends = |layer: &&Layer| {
            let mut hooks = layer.end_point().hooks.iter();
            hooks.any(|hook| self.has(hook.program))
        };
        layers.filter(ends).collect()
    }

    /// Whether slots of requests are used.
    pub fn follows_requests(&self) -> bool {
        self.sees("block_rq_complete") || self.sees("block_rq_issue") || self.follows_drivers()
    }

    /// Whether drivers add to slots.
    pub fn follows_drivers(&self) -> bool {
        self.sees("nvme_setup_cmd") || self.sees("scsi_dispatch_cmd_start")
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
}

/// Whether this kernel has a tracepoint in the shape that a program expects.
///
/// # Errors
/// If it has not.
pub fn offers(types: &KernelTypes, hook: &Hook) -> Result<(), Amiss> {
    let name = hook.tracepoint;
    match types.tracepoints.get(name) {
        Some(args) if hook.args.contains(args) => Ok(()),
        Some(args) => Err(Amiss::Shape(name, *args)),
        None if in_tracefs(name) => Err(Amiss::Untyped(name)),
        None => Err(Amiss::Absent(name)),
    }
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
        (Amiss::Absent(_), Some(module)) => error.help(format!(
            "no device here uses the driver, or its module `{module}` is not loaded"
        )),
        _ => error,
    };
    error.help("`iotq doctor` tells what this kernel offers, and what it would take")
}
