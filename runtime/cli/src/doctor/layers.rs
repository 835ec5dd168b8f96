//! The layers: which hooks this kernel has for them, what is lost without the others, and whether it takes the programs.

use iotq_kernel::btf::KernelTypes;
use iotq_kernel::names::Resolved;
use iotq_kernel::{Amiss, InstallError, Module, Options, Standing, Survey, Surveyed};
use iotq_lang::diag::Errors;
use iotq_lang::plan::Plan;
use iotq_probes::catalogue::{Attach, Field, Hook, LAYERS, Layer};
use serde_json::{Value, json};

use super::machine::CONFIDENTIAL;
use super::{Finding, State};
use crate::report::Failure;
use crate::script::Script;

/// All layers, the families of processes, and requests over several layers. `options`: so the kernel is asked to verify the programs.
pub fn examine(types: &KernelTypes, options: Option<&Options>) -> Vec<Finding> {
    let layers = LAYERS.iter().map(|layer| {
        if layer.record.is_none() {
            let text = "this build has no probes for it (E0601)";
            return Finding::new(layer.name, State::Absent, text);
        }
        let survey = Survey::of(layer, types);
        let modules: Vec<_> = layer
            .modules
            .iter()
            .map(|name| (*name, iotq_kernel::module(name, types)))
            .collect();
        let mut finding = of_layer(layer, &survey, &modules);
        if let Some(options) = options.filter(|_| finding.state != State::Bad) {
            attempt_layer(&mut finding, layer, &survey, options);
        }
        finding
    });
    let families = of_hooks("families", &Survey::of_families(types));
    let survey = Survey::of_requests(types);
    let mut requests = of_hooks("requests", &survey);
    if let Some(options) = options.filter(|_| requests.state != State::Bad) {
        attempt(&mut requests, requests_plan(), &survey, options);
    }
    layers.chain([families, requests]).collect()
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
        text = format!("{text}: `trace {}` is refused (E0703)", layer.name);
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
        Standing::Amiss(Amiss::Absent(_) | Amiss::NoFunction(_)) => "missing",
        Standing::Amiss(Amiss::InModule(_) | Amiss::NoProbes(_) | Amiss::Forbidden) => "forbidden",
        Standing::Amiss(Amiss::Untyped(_)) => "untyped",
        Standing::Amiss(Amiss::Shape(..)) => "shape",
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

/// A function of the kernel's own that the layer sits on.
fn typed_function(survey: &Survey) -> Option<&'static str> {
    let used = survey
        .hooks
        .iter()
        .filter(|hook| hook.standing == Standing::Used);
    let mut hooks = used.map(|hook| hook.hook);
    let hook = hooks.find(|hook| matches!(hook.attach, Attach::Entry | Attach::Exit))?;
    Some(hook.target)
}

fn module_word(module: Module) -> &'static str {
    match module {
        Module::Typed => "typed",
        Module::Untyped => "untyped",
        Module::Dormant => "dormant",
        Module::Absent => "absent",
    }
}

/// Why the kernel does not take programs, with the way out if it is known.
type Refusal = (String, Option<&'static str>);

/// Has the kernel verify the programs of a layer; if it refuses them, those without which only some fields are lost.
fn attempt_layer(finding: &mut Finding, layer: &Layer, survey: &Survey, options: &Options) {
    let Err(refusal) = verify(plan(layer, survey, |_| true), options) else {
        finding.more["verified"] = json!(true);
        return;
    };
    let special = layer.fields.iter().filter(|field| !field.hooks.is_empty());
    let special: Vec<String> = special.map(|field| format!("`{}`", field.name)).collect();
    let usual = |field: &Field| field.hooks.is_empty();
    if special.is_empty() || verify(plan(layer, survey, usual), options).is_err() {
        refuse(finding, refusal, survey);
        return;
    }
    let (why, way_out) = refusal;
    finding.state = State::Reduced;
    finding.more["verified"] = json!(true);
    let lost = format!("{why}: no fields {}", special.join(" "));
    finding.details.push(("refused", lost));
    finding
        .details
        .push(("way out", way_out_of(way_out, survey)));
}

/// Has the kernel verify the programs of a plan.
fn attempt(finding: &mut Finding, plan: Result<Plan, Failure>, survey: &Survey, options: &Options) {
    match verify(plan, options) {
        Ok(()) => finding.more["verified"] = json!(true),
        Err(refusal) => refuse(finding, refusal, survey),
    }
}

fn refuse(finding: &mut Finding, (why, way_out): Refusal, survey: &Survey) {
    finding.state = State::Bad;
    finding.text = format!(
        "{}, and the kernel refuses the programs (E0709)",
        finding.text
    );
    let way_out = way_out_of(way_out, survey);
    finding.more["verified"] = json!(false);
    finding.more["refused"] = json!(why);
    finding.more["way_out"] = json!(way_out);
    finding.details.push(("refused", why));
    finding.details.push(("way out", way_out));
}

fn way_out_of(known: Option<&'static str>, survey: &Survey) -> String {
    if let Some(known) = known {
        known.to_owned()
    } else if iotq_kernel::lockdown().as_deref() == Some("confidentiality") {
        CONFIDENTIAL.to_owned()
    } else if let Some(function) = typed_function(survey) {
        format!(
            "some kernels forbid programs at functions such as {function} (fentry); another kernel"
        )
    } else if let Some(limit) = iotq_kernel::raise_memlock() {
        format!(
            "perhaps its maps exceed the limit of locked memory, {limit} bytes, which this user cannot raise: ulimit -l \
             unlimited, or CAP_SYS_RESOURCE"
        )
    } else {
        "please report it, with the kernel's version".to_owned()
    }
}

/// # Errors
/// Why the kernel does not take them.
fn verify(plan: Result<Plan, Failure>, options: &Options) -> Result<(), Refusal> {
    let plan = plan.map_err(|failure| (failure.message(), None))?;
    iotq_kernel::verify(&plan, &Resolved::default(), options).map_err(|error| match error {
        InstallError::Refused(Errors(errors)) => {
            let messages: Vec<String> = errors.into_iter().map(|error| error.message).collect();
            (messages.join("; "), None)
        }
        InstallError::NoLocks => (error.to_string(), Some("newer kernels have it")),
        other => (other.brief(), None),
    })
}

/// A query that follows requests.
fn requests_plan() -> Result<Plan, Failure> {
    let lines = ["join syscall, block emit stages".to_owned()];
    Script::from_expr(&lines, &[])?.plan(false, |_| Vec::new())
}

/// Whether a hook cannot be used here, nor what does instead of it.
fn lacks(survey: &Survey, hook: &Hook) -> bool {
    let of = |hook: &Hook| {
        let mut all = survey.hooks.iter();
        all.find(|it| it.hook.program == hook.program)
            .map(|it| &it.standing)
    };
    match of(hook) {
        Some(Standing::Substituted) => hook.substitutes().all(|other| lacks(survey, other)),
        standing => matches!(standing, Some(Standing::Amiss(_))),
    }
}

/// A query that asks for all that can be asked of a layer here, by itself; of the fields, these.
fn plan(layer: &Layer, survey: &Survey, wanted: fn(&Field) -> bool) -> Result<Plan, Failure> {
    let at = |point: &&str| format!("{}.{point}", layer.name);
    let points: Vec<String> = survey.points.iter().map(at).collect();
    let mut lines = vec![format!("on {} emit time", points.join(", "))];
    if survey.points.contains(&layer.end) {
        let fed = |point: &&str| survey.points.contains(point);
        let fields = layer
            .fields
            .iter()
            .filter(|field| wanted(field) && !field.followed && field.needs.iter().all(fed))
            .filter(|field| !field.hooks.iter().any(|hook| lacks(survey, hook)));
        let fields: Vec<&str> = fields.map(|field| field.name).collect();
        lines.push(format!(
            "on {}.{} emit {}",
            layer.name,
            layer.end,
            fields.join(", ")
        ));
    }
    Script::from_expr(&lines, &[])?.plan(false, |_| Vec::new())
}
