//! The hooks that a plan takes on this kernel.

use std::fs;
use std::path::Path;

use iotq_lang::diag::{Diagnostic, Errors, codes::machine as code};
use iotq_lang::plan::Plan;
use iotq_probes::abi::iotq_config;
use iotq_probes::catalogue::{Attach, FAMILY, FOLLOW, Hook, Layer, Point, ROOTS, SUBMITTERS};

use super::remedy::{Amiss, remedy};
use super::shared::{BIOS, Shared};
use crate::btf::KernelTypes;
use crate::names::device;
use crate::qemu::{self, Qemu};

pub(super) const BIO_COMPLETE: &str = "block_bio_complete";
pub(super) const PAGE_ADDED: &str = "mm_filemap_add_to_page_cache";
const START: &str = "block_io_start";
const ISSUE: &str = "block_rq_issue";
const WRITEBACK: &str = "writeback_single_inode";
const COMMIT_END: &str = "jbd2_end_commit";
pub(super) const VIRTIO_ADD: &str = "virtqueue_add_sgs";
pub(super) const VIRTIO_NOTIFY: &str = "virtqueue_notify";
pub(super) const PUSH: &str = "virtqueue_push";

/// The hooks that a plan takes on this kernel.
pub(super) struct Hooks {
    pub points: Vec<&'static Hook>,
    pub family: Vec<&'static Hook>,
    /// The executables of QEMU that are hooked.
    pub qemus: Vec<Qemu>,
    /// What they do for others that are not taken.
    shared: Shared,
    /// What this kernel lacks, and what is lost by it.
    pub missing: Vec<String>,
}

impl Hooks {
    pub fn choose(plan: &Plan, types: &KernelTypes, families: bool) -> Result<Self, Errors> {
        let mut hooks = Self {
            points: Vec::new(),
            family: Vec::new(),
            qemus: Vec::new(),
            shared: Shared::default(),
            missing: Vec::new(),
        };
        let mut errors = Vec::new();
        for template in &plan.templates {
            let events = plan.events(template.layer);
            let points = template.points.iter().flat_map(|point| point.hooks);
            let fields = template.fields.iter().flat_map(|field| field.hooks);
            for hook in points.chain(template.layer.upkeep).chain(fields) {
                if unneeded(types, hook) || !asked(hook, events.as_deref()) {
                    continue;
                }
                let wanted = Wanted {
                    layer: template.layer,
                    events: events.as_deref(),
                };
                hooks.take(types, hook, &wanted, &mut errors);
            }
            if let Some(blind) = template.points.iter().find(|point| !hooks.feeds(point))
                && let Some(hook) = blind.hooks.first()
                && let Err(why) = fitting(types, hook)
                && errors.is_empty()
            {
                errors.push(no_hook(&why, hook, template.layer, types));
            }
        }
        let has_roots = plan.templates.iter().any(|it| it.layer.id == ROOTS.id);
        if plan.follows() && has_roots {
            let wanted = Wanted {
                layer: ROOTS,
                events: None,
            };
            for hook in SUBMITTERS.iter().filter(|hook| !unneeded(types, hook)) {
                hooks.take(types, hook, &wanted, &mut errors);
            }
        }
        if hooks.all().any(|hook| hook.attach == Attach::Qemu) {
            hooks.qemus = types.qemus().to_vec();
            hooks.note_qemus();
        }
        let mut take = |all: &'static [Hook], into: &mut Vec<_>, what: &str| {
            for hook in all {
                match fitting(types, hook) {
                    Ok(hook) if into.contains(&hook) => {}
                    Ok(hook) => into.push(hook),
                    Err(why) => errors.push(
                        Diagnostic::new(&code::NO_HOOK, format!("{why}, which {what} needs"))
                            .help(remedy(types, hook, None, &why)),
                    ),
                }
            }
        };
        if families {
            take(&FAMILY, &mut hooks.family, "`pid under`");
        }
        if plan.follows() {
            take(&FOLLOW, &mut hooks.points, "the time off the CPU");
        }
        if !hooks.needs_issue(plan) {
            hooks.points.retain(|hook| hook.target != ISSUE);
        }
        hooks.shared = Shared::among(&mut hooks.points);
        if errors.is_empty() {
            Ok(hooks)
        } else {
            Err(Errors(errors))
        }
    }

    /// Whether requests are looked at when they are issued: if that is asked for, or if they begin there without
    /// `block_io_start`, or if drivers go on from there.
    fn needs_issue(&self, plan: &Plan) -> bool {
        let points = plan.templates.iter().flat_map(|template| &template.points);
        let mut hooks = points.flat_map(|point| point.hooks);
        hooks.any(|hook| hook.target == ISSUE) || !self.sees(START) || self.follows_drivers()
    }

    /// Takes a hook, or what does instead of it where it is missing.
    fn take(
        &mut self,
        types: &KernelTypes,
        hook: &'static Hook,
        wanted: &Wanted<'_>,
        errors: &mut Vec<Diagnostic>,
    ) {
        let why = match fitting(types, hook) {
            Ok(fitting) => {
                if !self.has(fitting) {
                    self.points.push(fitting);
                }
                if fitting.attach.is_probe() {
                    self.note(format!(
                        "the layer `{}` is seen through kprobes: events that interrupt one another on a CPU go by unseen",
                        wanted.layer.name
                    ));
                }
                return;
            }
            Err(why) => why,
        };
        if let Some(lost) = hook.without.filter(|_| !wanted.is_all(hook)) {
            self.note(format!("{why}: {lost}"));
        } else if hook.substitutes().next().is_none() {
            let error = no_hook(&why, hook, wanted.layer, types);
            // Several points, and the books, may want the same hook.
            if !errors.iter().any(|known| known.message == error.message) {
                errors.push(error);
            }
        }
        for other in hook.substitutes() {
            self.take(types, other, wanted, errors);
        }
    }

    /// What goes by unseen in executables of QEMU that differ from the others.
    fn note_qemus(&mut self) {
        for qemu in self.qemus.clone() {
            for lack in &qemu.lacks {
                self.note(format!("{}: {lack}", qemu.path));
            }
        }
        for path in qemu::left_out(&self.qemus) {
            self.note(format!("{path}: too many executables of QEMU run here"));
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

    fn has(&self, wanted: &Hook) -> bool {
        let mut all = self.all().chain(self.shared.served.iter().copied());
        all.any(|hook| hook.program == wanted.program && hook.target == wanted.target)
    }

    /// Whether a point is fed by anything.
    fn feeds(&self, point: &Point) -> bool {
        let mut hooks = point.hooks.iter();
        hooks.any(|hook| self.has(hook) || hook.instead.iter().any(|other| self.has(other)))
    }

    /// Whether a program sits on a tracepoint or function.
    pub fn sees(&self, target: &str) -> bool {
        self.all().any(|hook| hook.target == target)
    }

    /// Whether bios are remembered; the page cache looks at them, too.
    pub fn sees_bios(&self) -> bool {
        self.all().any(|hook| BIOS.contains(&hook.program))
    }

    /// Tells the templates what is hooked.
    pub fn tell(&self, config: &mut iotq_config) {
        for (told, target) in [
            (&mut config.has_start, START),
            (&mut config.has_end, "block_rq_complete"),
            (&mut config.bio_spans, BIO_COMPLETE),
            (&mut config.has_notify, VIRTIO_NOTIFY),
        ] {
            *told = self.sees(target).into();
        }
        config.has_lookups = self.sees(PAGE_ADDED).into();
        self.shared.tell(config);
        config.has_writeback = self.sees(WRITEBACK).into();
        config.has_commits = self.sees(COMMIT_END).into();
        config.has_async = self.follows_submitters().into();
        config.has_queue = self.sees_bios().into();
        config.has_driver = self.follows_drivers().into();
        config.want_issue = u8::from(self.sees(ISSUE)) | config.has_driver;
    }

    /// The layers whose operations are followed to their ends.
    pub fn ending(&self, plan: &Plan) -> Vec<&'static Layer> {
        let layers = plan.templates.iter().map(|template| template.layer);
        let ends = |layer: &&Layer| {
            let mut hooks = layer.end_point().hooks.iter();
            hooks.any(|hook| self.has(hook))
        };
        layers.filter(ends).collect()
    }

    /// Whether slots of requests are used.
    pub fn follows_requests(&self) -> bool {
        self.sees("block_rq_complete") || self.sees(ISSUE) || self.follows_drivers()
    }

    /// Whether operations are seen that no thread waits for.
    pub fn follows_submitters(&self) -> bool {
        [
            "io_uring_complete",
            "aio_complete_rw",
            "iomap_dio_complete",
            WRITEBACK,
            COMMIT_END,
        ]
        .iter()
        .any(|hook| self.sees(hook))
    }

    /// Whether drivers add to slots.
    pub fn follows_drivers(&self) -> bool {
        ["nvme_setup_cmd", "scsi_dispatch_cmd_start", VIRTIO_ADD]
            .iter()
            .any(|hook| self.sees(hook))
    }
}

/// What a plan wants of a layer.
struct Wanted<'a> {
    layer: &'static Layer,
    /// If not all of them.
    events: Option<&'a [u64]>,
}

impl Wanted<'_> {
    /// Whether all that is wanted is what a hook tells of.
    fn is_all(&self, hook: &Hook) -> bool {
        let told = |events: &[u64]| events.iter().all(|event| hook.events.contains(event));
        self.events.is_some_and(told)
    }
}

/// Whether a hook tells of any of the events that a plan wants.
fn asked(hook: &Hook, events: Option<&[u64]>) -> bool {
    let all = hook.events.is_empty();
    all || events.is_none_or(|events| events.iter().any(|event| hook.events.contains(event)))
}

/// Whether this machine has no use for a hook.
pub(super) fn unneeded(types: &KernelTypes, hook: &Hook) -> bool {
    if hook
        .filesystem
        .is_some_and(|name| !types.has_filesystem(name))
    {
        return true;
    }
    match hook.program {
        "iotq_bio_complete" => !bio_devices(),
        "iotq_virtio_scsi_done" => types.place("virtio_scsi_cmd", "sc").is_none(),
        "iotq_qemu_nvme_end" => !types.qemus().iter().any(Qemu::sees_ends),
        _ => false,
    }
}

/// Whether there are devices that take bios as they are. To follow these costs something on every bio, and most machines
/// have no use for it.
fn bio_devices() -> bool {
    device::all()
        .iter()
        .any(|device| device.bio_based && device.bytes > 0)
}

/// Whether this kernel has a tracepoint in the shape that a program expects, or a function.
///
/// # Errors
/// If it has not.
fn offers(types: &KernelTypes, hook: &Hook) -> Result<(), Amiss> {
    let name = hook.target;
    if hook.attach == Attach::Qemu {
        return in_qemu(types, name);
    }
    if hook.attach.is_function() {
        return match types.functions.get(name) {
            None => Err(Amiss::NoFunction(name)),
            Some(_) if hook.attach.is_probe() => {
                has_probes().then_some(()).ok_or(Amiss::NoProbes(name))
            }
            Some(true) if types.typed_functions.get() => Ok(()),
            Some(true) => Err(Amiss::Forbidden),
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

/// Whether a function can be hooked in any QEMU that runs.
fn in_qemu(types: &KernelTypes, function: &'static str) -> Result<(), Amiss> {
    let qemus = types.qemus();
    if qemus.is_empty() {
        return Err(Amiss::NoQemu);
    }
    if !Path::new("/sys/bus/event_source/devices/uprobe").exists() {
        return Err(Amiss::NoUserProbes);
    }
    let mut sites = qemus.iter().filter_map(|qemu| qemu.site(function));
    sites.next().map(drop).ok_or(Amiss::NoSite(function))
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

/// Whether the list of all tracepoints can be read. Without it those that lack types only seem to be absent.
pub fn lists_tracepoints() -> bool {
    EVENTS.iter().any(|folder| fs::read_dir(folder).is_ok())
}

/// The hook, or the one that is made for the shape that its target has here.
///
/// # Errors
/// If neither can be used.
pub(super) fn fitting(types: &KernelTypes, hook: &'static Hook) -> Result<&'static Hook, Amiss> {
    let mut all = std::iter::once(hook).chain(hook.shapes());
    let usable = all.find(|one| offers(types, one).is_ok());
    usable.map_or_else(|| offers(types, hook).map(|()| hook), Ok)
}

fn no_hook(why: &Amiss, hook: &Hook, layer: &Layer, types: &KernelTypes) -> Diagnostic {
    let message = format!("{why}, which the layer `{}` needs", layer.name);
    let code = match why {
        Amiss::NoQemu => &code::NO_QEMU,
        _ => &code::NO_HOOK,
    };
    Diagnostic::new(code, message)
        .help(remedy(types, hook, Some(layer), why))
        .help("`iotq doctor` tells what this kernel offers, and what it would take")
}
