//! The layers: which hooks this kernel has for them, and what is lost without the others.

use iotq_kernel::btf::KernelTypes;
use iotq_kernel::{Amiss, Module, Standing, Survey, Surveyed};
use iotq_probes::catalogue::{LAYERS, Layer};
use serde_json::{Value, json};

use super::{Finding, State, trial};

/// All layers, the families of processes, and requests over several layers. `ask`: so the kernel is asked to verify the programs.
pub fn examine(types: &KernelTypes, ask: bool) -> Vec<Finding> {
    let mut subjects: Vec<Subject> = LAYERS.iter().map(|layer| subject(layer, types)).collect();
    let survey = Survey::of_families(types);
    subjects.push(Subject {
        finding: of_hooks("families", &survey),
        programs: Programs::Shared,
        survey,
    });
    let survey = Survey::of_requests(types);
    subjects.push(Subject {
        finding: of_hooks("requests", &survey),
        programs: Programs::OfRequests,
        survey,
    });
    if ask {
        trial::ask(&mut subjects, types);
    }
    subjects
        .into_iter()
        .map(|subject| subject.finding)
        .collect()
}

/// Something whose programs the kernel may be asked about.
pub(super) struct Subject {
    pub finding: Finding,
    pub survey: Survey,
    pub programs: Programs,
}

/// Which programs that are.
#[derive(Clone, Copy)]
pub(super) enum Programs {
    /// None that are not asked about elsewhere.
    Shared,
    Of(&'static Layer),
    OfRequests,
}

fn subject(layer: &'static Layer, types: &KernelTypes) -> Subject {
    let survey = Survey::of(layer, types);
    let modules: Vec<_> = layer
        .modules
        .iter()
        .map(|name| (*name, iotq_kernel::module(name, types)))
        .collect();
    Subject {
        finding: of_layer(layer, &survey, &modules),
        survey,
        programs: Programs::Of(layer),
    }
}

/// What a survey of a layer says, and how the modules stand that may hold its hooks.
pub fn of_layer(layer: &Layer, survey: &Survey, modules: &[(&str, Module)]) -> Finding {
    let state = if survey.points.is_empty() {
        State::Bad
    } else if survey.hooks.iter().any(|hook| !hook.lost.is_empty()) {
        State::Reduced
    } else {
        State::Good
    };
    let mut text = counts(survey);
    if !survey.points.contains(&layer.end) {
        let none = |hook: &Surveyed| hook.standing == Standing::Amiss(Amiss::NoQemu);
        let code = if survey.hooks.iter().any(none) {
            "E0712"
        } else {
            "E0703"
        };
        text = format!("{text}: `trace {}` is refused ({code})", layer.name);
    }
    let mut finding = Finding::new(layer.name, state, text);
    list(&mut finding, survey);
    let told = modules.iter().filter_map(|(name, module)| {
        let words = match module {
            Module::Typed => "is loaded",
            Module::Untyped => "is loaded, and does not describe its types",
            Module::Dormant => "is not loaded",
            Module::Absent => return None,
        };
        Some(format!("{name} {words}"))
    });
    let told: Vec<String> = told.collect();
    if !told.is_empty() {
        finding.details.push(("modules", told.join(", ")));
    }
    let programs = survey.programs.iter().cloned();
    finding
        .details
        .extend(programs.map(|line| ("program", line)));
    finding
        .details
        .extend(survey.layout.clone().map(|why| ("types", why)));
    let modules = modules
        .iter()
        .map(|(name, module)| json!({"name": name, "state": module_word(*module)}));
    finding.more = json!({
        "hooks": hooks_json(Some(layer), survey),
        "points": survey.points,
        "modules": modules.collect::<Vec<_>>(),
        "types": survey.layout,
        "programs": survey.programs,
        "verified": null,
    });
    finding
}

/// What there is beside the layers: all of its hooks, or nothing.
fn of_hooks(subject: &'static str, survey: &Survey) -> Finding {
    let whole = survey.hooks.iter().all(|hook| hook.lost.is_empty());
    let state = if whole { State::Good } else { State::Bad };
    let mut finding = Finding::new(subject, state, counts(survey));
    list(&mut finding, survey);
    finding.more = json!({"hooks": hooks_json(None, survey)});
    finding
}

/// `11 of 12 hooks`: those that nobody needs do not count.
fn counts(survey: &Survey) -> String {
    let needed = survey
        .hooks
        .iter()
        .filter(|hook| hook.standing != Standing::Unneeded);
    let works = |hook: &&Surveyed| !matches!(hook.standing, Standing::Amiss(_));
    let (all, works) = (needed.clone().count(), needed.filter(works).count());
    format!("{works} of {all} hooks")
}

/// The hooks by what becomes of them.
fn list(finding: &mut Finding, survey: &Survey) {
    let names = |standing: Standing| {
        let hooks = survey.hooks.iter().filter(|hook| hook.standing == standing);
        targets(hooks)
    };
    if let Some(names) = names(Standing::Used) {
        finding.details.push(("used", names));
    }
    if let Some(names) = names(Standing::Unneeded) {
        let words = format!("{names}: nothing here has use for it");
        finding.details.push(("unneeded", words));
    }
    let replaced = survey.hooks.iter().filter(|hook| !by(hook).is_empty());
    let replaced: Vec<String> = replaced
        .map(|hook| format!("{} by {}", hook.hook.target, by(hook).join(" and ")))
        .collect();
    if !replaced.is_empty() {
        finding.details.push(("replaced", replaced.join(", ")));
    }
    list_amiss(finding, survey);
}

/// What the hooks sit on; several may sit on the same.
fn targets<'s>(hooks: impl Iterator<Item = &'s Surveyed>) -> Option<String> {
    let mut names: Vec<&str> = hooks.map(|hook| hook.hook.target).collect();
    names.dedup();
    (!names.is_empty()).then(|| names.join(", "))
}

/// Hooks without which the same is lost share a line. Those that share a way out stand together, with it behind them.
fn list_amiss(finding: &mut Finding, survey: &Survey) {
    let mut amiss: Vec<&Surveyed> = survey.hooks.iter().collect();
    amiss.retain(|hook| matches!(hook.standing, Standing::Amiss(_)));
    let first = |same: &dyn Fn(&Surveyed) -> bool| survey.hooks.iter().position(same);
    amiss.sort_by_key(|hook| {
        let remedy = first(&|one| one.remedy == hook.remedy);
        (remedy, first(&|one| alike(one, hook)))
    });
    let lines: Vec<_> = amiss.chunk_by(|one, next| alike(one, next)).collect();
    for (index, line) in lines.iter().enumerate() {
        let Some(hook) = line.first() else { continue };
        let names = targets(line.iter().copied()).unwrap_or_default();
        let words = format!("{names}: {}", hook.lost.join("; "));
        finding.details.push((state_of(hook), words));
        let next = lines.get(index + 1).and_then(|next| next.first());
        if let Some(remedy) = &hook.remedy
            && next.map(|next| &next.remedy) != Some(&hook.remedy)
        {
            finding.details.push(("way out", remedy.clone()));
        }
    }
}

/// Whether the same is to be said of two hooks.
fn alike(one: &Surveyed, other: &Surveyed) -> bool {
    (state_of(one), &one.lost, &one.remedy) == (state_of(other), &other.lost, &other.remedy)
}

fn state_of(hook: &Surveyed) -> &'static str {
    match hook.standing {
        Standing::Used => "used",
        Standing::Unneeded => "unneeded",
        Standing::Replaced(_) | Standing::Substituted => "replaced",
        Standing::Amiss(Amiss::Absent(_) | Amiss::NoFunction(_) | Amiss::NoQemu) => "missing",
        Standing::Amiss(
            Amiss::InModule(_) | Amiss::NoProbes(_) | Amiss::Forbidden | Amiss::NoUserProbes,
        ) => "forbidden",
        Standing::Amiss(Amiss::Untyped(_)) => "untyped",
        Standing::Amiss(Amiss::Shape(..) | Amiss::NoSite(_)) => "shape",
    }
}

/// What does instead of a hook: another program, or other tracepoints.
fn by(hook: &Surveyed) -> Vec<&'static str> {
    match hook.standing {
        Standing::Replaced(other) => vec![other.program],
        Standing::Substituted => {
            let mut targets: Vec<_> = hook.hook.substitutes().map(|other| other.target).collect();
            targets.dedup();
            targets
        }
        _ => Vec::new(),
    }
}

fn hooks_json(layer: Option<&Layer>, survey: &Survey) -> Vec<Value> {
    let hooks = survey.hooks.iter();
    hooks.map(|hook| hook_json(layer, hook)).collect()
}

fn hook_json(layer: Option<&Layer>, hook: &Surveyed) -> Value {
    json!({
        "layer": layer.map(|layer| layer.name),
        "points": hook.points,
        "target": hook.hook.target,
        "attach": hook.hook.attach.name(),
        "program": hook.hook.program,
        "state": state_of(hook),
        "by": by(hook),
        "lost": hook.lost,
        "way_out": hook.remedy,
    })
}

fn module_word(module: Module) -> &'static str {
    match module {
        Module::Typed => "typed",
        Module::Untyped => "untyped",
        Module::Dormant => "dormant",
        Module::Absent => "absent",
    }
}
