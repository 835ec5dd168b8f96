//! The hooks that a plan takes on this kernel.

use iotq_lang::diag::{Diagnostic, Errors, codes::machine as code};
use iotq_lang::plan::Plan;
use iotq_probes::catalogue::{FAMILY, Hook, Layer};

use crate::btf::KernelTypes;
use crate::names::device;

pub(super) const BIO_COMPLETE: &str = "iotq_bio_complete";

/// The hooks that a plan takes on this kernel.
pub(super) struct Hooks {
    pub points: Vec<&'static Hook>,
    pub family: Vec<&'static Hook>,
    /// What this kernel lacks, and what is lost by it.
    pub missing: Vec<String>,
}

impl Hooks {
    pub fn choose(plan: &Plan, types: &KernelTypes, families: bool) -> Result<Self, Errors> {
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
            for hook in points.chain(template.layer.upkeep) {
                if hook.program == BIO_COMPLETE && !bio_devices {
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
        match (offers(types, hook), hook.without) {
            (Ok(()), _) if self.has(hook.program) => {}
            (Ok(()), _) => self.points.push(hook),
            (Err(why), None) => {
                let error = no_hook(&why, layer);
                // Several points, and the books, may want the same hook.
                if !errors.iter().any(|known| known.message == error.message) {
                    errors.push(error);
                }
            }
            (Err(why), Some(lost)) => {
                let missing = format!("{why}: {lost}");
                if !self.missing.contains(&missing) {
                    self.missing.push(missing);
                }
                for hook in hook.instead {
                    self.take(types, hook, layer, errors);
                }
            }
        }
    }

    pub fn all(&self) -> impl Iterator<Item = &'static Hook> {
        self.family.iter().chain(&self.points).copied()
    }

    pub fn has(&self, program: &str) -> bool {
        self.all().any(|hook| hook.program == program)
    }

    /// Whether slots of requests are used.
    pub fn follows_requests(&self) -> bool {
        self.has("iotq_rq_complete") || self.has("iotq_rq_issue") || self.follows_drivers()
    }

    /// Whether drivers add to slots.
    pub fn follows_drivers(&self) -> bool {
        self.has("iotq_nvme_setup") || self.has("iotq_scsi_dispatch")
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
    let message = format!("{why}, which the layer `{}` needs", layer.name);
    let mut error = Diagnostic::new(&code::NO_HOOK, message);
    if let Some(module) = layer.modules.first() {
        error = error.help(format!(
            "no device here uses the driver, or its module `{module}` is not loaded"
        ));
    }
    error.help("`iotq doctor` tells what this kernel offers, and what it would take")
}
