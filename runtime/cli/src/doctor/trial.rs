//! Whether the kernel takes the programs of a layer, asked of its verifier.

use iotq_kernel::btf::KernelTypes;
use iotq_kernel::{InstallError, Standing, Survey};
use iotq_lang::diag::Errors;
use iotq_lang::plan::Plan;
use iotq_probes::catalogue::{Attach, Field, Hook, Layer};
use serde_json::json;

use super::layers::{Programs, Subject};
use super::machine::CONFIDENTIAL;
use super::{Finding, State};
use crate::report::Failure;
use crate::script::Script;

/// Why the kernel does not take programs, with the way out if it is known.
type Refusal = (String, Option<&'static str>);

/// Has the kernel verify the programs of everything that is not known to be amiss; if it refuses some of a layer, those without
/// which only special fields are lost.
pub(super) fn ask(subjects: &mut [Subject], types: &KernelTypes) {
    let (mut asked, mut plans) = (Vec::new(), Vec::new());
    for subject in subjects {
        let able = subject.finding.state != State::Bad;
        if let Some(plan) = plan(subject, |_| true).filter(|_| able) {
            asked.push(subject);
            plans.push(plan);
        }
    }
    for (subject, verdict) in asked.into_iter().zip(verdicts(&plans, types)) {
        match verdict {
            Ok(()) => subject.finding.more["verified"] = json!(true),
            Err(refusal) => ask_less(subject, refusal, types),
        }
    }
}

/// Asks without the fields that need programs of their own.
fn ask_less(subject: &mut Subject, refusal: Refusal, types: &KernelTypes) {
    let special = match subject.programs {
        Programs::Of(layer) => layer.fields,
        _ => &[],
    };
    let special = special.iter().filter(|field| !field.hooks.is_empty());
    let special: Vec<String> = special.map(|field| format!("`{}`", field.name)).collect();
    let usual = plan(subject, |field| field.hooks.is_empty()).filter(|_| !special.is_empty());
    let taken = usual.is_some_and(|plan| verdicts(&[plan], types).iter().all(Result::is_ok));
    let Subject {
        finding, survey, ..
    } = subject;
    if !taken {
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

/// What the kernel says to the programs of each plan.
fn verdicts(plans: &[Result<Plan, Failure>], types: &KernelTypes) -> Vec<Result<(), Refusal>> {
    let made: Vec<&Plan> = plans.iter().flatten().collect();
    let mut answers = iotq_kernel::verify(&made, types).into_iter();
    let verdicts = plans.iter().map(|plan| match plan {
        Ok(_) => answers.next().unwrap_or(Ok(())).map_err(refusal),
        Err(failure) => Err((failure.message(), None)),
    });
    verdicts.collect()
}

fn refusal(error: InstallError) -> Refusal {
    match error {
        InstallError::Refused(Errors(errors)) => {
            let messages: Vec<String> = errors.into_iter().map(|error| error.message).collect();
            (messages.join("; "), None)
        }
        InstallError::NoLocks => (error.to_string(), Some("newer kernels have it")),
        other => (other.brief(), None),
    }
}

/// A query with all the programs of a subject that these fields need; none if it has none of its own.
fn plan(subject: &Subject, wanted: fn(&Field) -> bool) -> Option<Result<Plan, Failure>> {
    let lines = match subject.programs {
        Programs::Shared => return None,
        Programs::OfRequests => vec!["join syscall, block emit stages".to_owned()],
        Programs::Of(layer) => lines(layer, &subject.survey, wanted),
    };
    let script = Script::from_expr(&lines, &[]);
    Some(script.and_then(|mut script| script.plan(false, |_| Vec::new())))
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
fn lines(layer: &Layer, survey: &Survey, wanted: fn(&Field) -> bool) -> Vec<String> {
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
    lines
}
