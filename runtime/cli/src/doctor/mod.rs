//! `iotq doctor`: what this kernel and this user can and cannot trace, layer by layer, and why.

use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use iotq_kernel::btf::KernelTypes;
use iotq_kernel::names::{cgroup, process};
use iotq_probes::catalogue::{FAMILY, Hook, LAYERS};
use serde_json::{Value, json};

use crate::args::ListFormat;
use crate::report::{Failure, chain};

/// Examines the machine. Exits with 3 if nothing can be traced.
///
/// # Errors
/// If the report cannot be written.
pub fn doctor(format: ListFormat, btf: Option<&Path>) -> Result<ExitCode, Failure> {
    let modules: Vec<&str> = LAYERS
        .iter()
        .flat_map(|layer| layer.modules)
        .copied()
        .collect();
    let types = KernelTypes::read(btf, &modules).map_err(|error| chain(&error));
    let mut findings = general(&types);
    if let Ok(types) = &types {
        findings.extend(layers(types));
    }
    let mut out = io::stdout().lock();
    for finding in &findings {
        match format {
            ListFormat::Text => writeln!(out, "{finding}")?,
            ListFormat::Json => writeln!(out, "{}", finding.json())?,
        }
    }
    let able = iotq_kernel::privileged() && types.is_ok();
    Ok(ExitCode::from(if able { 0 } else { 3 }))
}

/// How something stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Good,
    /// Works in part.
    Reduced,
    Bad,
    /// This build has no probes for it.
    Absent,
}

/// One thing that was looked at.
struct Finding {
    subject: String,
    state: State,
    /// What was found, what follows from it, and the way out.
    text: String,
    hooks: Vec<(&'static str, bool)>,
}

impl Finding {
    fn new(subject: &str, state: State, text: impl Into<String>) -> Self {
        Self {
            subject: subject.into(),
            state,
            text: text.into(),
            hooks: Vec::new(),
        }
    }

    fn json(&self) -> Value {
        let hooks: Vec<Value> = self
            .hooks
            .iter()
            .map(|(name, usable)| json!({"hook": name, "usable": usable}))
            .collect();
        json!({"subject": self.subject, "state": self.state.word(), "text": self.text, "hooks": hooks})
    }
}

impl State {
    fn word(self) -> &'static str {
        match self {
            State::Good => "ok",
            State::Reduced => "reduced",
            State::Bad => "no",
            State::Absent => "absent",
        }
    }
}

impl std::fmt::Display for Finding {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            out,
            "{:7}  {:12}  {}",
            self.state.word(),
            self.subject,
            self.text
        )
    }
}

fn general(types: &Result<KernelTypes, String>) -> Vec<Finding> {
    let release = rustix::system::uname();
    let mut findings = vec![Finding::new(
        "kernel",
        State::Good,
        format!("Linux {}", release.release().to_string_lossy()),
    )];
    findings.push(if iotq_kernel::privileged() {
        Finding::new("privileges", State::Good, "may load tracing programs")
    } else {
        Finding::new(
            "privileges",
            State::Bad,
            "tracing needs root, or CAP_BPF and CAP_PERFMON (E0701)",
        )
    });
    findings.push(match types {
        Ok(types) => Finding::new(
            "btf",
            State::Good,
            format!(
                "types of this kernel, {} tracepoints",
                types.tracepoints.len()
            ),
        ),
        Err(why) => Finding::new(
            "btf",
            State::Bad,
            format!("{why}; kernels with CONFIG_DEBUG_INFO_BTF=y have it (E0702)"),
        ),
    });
    findings.push(if process::in_initial_namespace() {
        Finding::new(
            "pids",
            State::Good,
            "process ids are those that the kernel reports",
        )
    } else {
        Finding::new(
            "pids",
            State::Reduced,
            "process ids here are not the kernel's: filters by pid are refused (E0710)",
        )
    });
    findings.push(match cgroup::mount() {
        Some(root) => Finding::new(
            "cgroups",
            State::Good,
            format!("cgroup v2 at {}", root.display()),
        ),
        None => Finding::new(
            "cgroups",
            State::Reduced,
            "cgroup v2 is not mounted: control groups have numbers only",
        ),
    });
    findings
}

fn layers(types: &KernelTypes) -> Vec<Finding> {
    let own = LAYERS.iter().map(|layer| {
        if layer.record.is_none() {
            return Finding::new(
                layer.name,
                State::Absent,
                "this build has no probes for it (E0601)",
            );
        }
        let points = layer
            .points
            .iter()
            .flat_map(|point| point.hooks.iter().map(|hook| (Some(point.name), hook)));
        let upkeep = layer.upkeep.iter().map(|hook| (None, hook));
        examine(layer.name, types, &points.chain(upkeep).collect::<Vec<_>>())
    });
    let family = FAMILY
        .iter()
        .map(|hook| (Some("pid under"), hook))
        .collect::<Vec<_>>();
    own.chain([examine("families", types, &family)]).collect()
}

/// What of some hooks this kernel has, and what is lost without the others.
fn examine(subject: &str, types: &KernelTypes, hooks: &[(Option<&str>, &'static Hook)]) -> Finding {
    let mut finding = Finding::new(subject, State::Good, "");
    let mut lost = Vec::new();
    for (index, (point, hook)) in hooks.iter().enumerate() {
        if hooks[..index]
            .iter()
            .any(|(_, before)| before.program == hook.program)
        {
            continue;
        }
        let offered = match iotq_kernel::offers(types, hook) {
            Err(_) if iotq_kernel::replaced(types, hook) => Ok(()),
            offered => offered,
        };
        finding.hooks.push((hook.tracepoint, offered.is_ok()));
        let Err(why) = offered else { continue };
        finding.state = State::Reduced;
        lost.push(match (hook.without, point) {
            (Some(without), _) => format!("{why}: {without}"),
            (None, Some(point)) => format!("{why}: no `{point}`"),
            (None, None) => why.to_string(),
        });
    }
    lost.dedup();
    let usable = finding.hooks.iter().filter(|(_, usable)| *usable).count();
    if usable == 0 {
        finding.state = State::Bad;
        lost.push("kernels with CONFIG_BLOCK=y and CONFIG_FTRACE_SYSCALLS=y have these".to_owned());
    }
    finding.text = format!("{usable} of {} hooks", finding.hooks.len());
    if !lost.is_empty() {
        finding.text = format!("{}; {}", finding.text, lost.join("; "));
    }
    finding
}
