//! What holds for all layers: the kernel, this user's privileges, the types, namespaces, devices.

use std::collections::BTreeMap;
use std::io::ErrorKind;

use iotq_kernel::btf::KernelTypes;
use iotq_kernel::names::{cgroup, device, process};
use serde_json::json;

use super::{Finding, State};

/// Everything but the layers.
pub fn examine(types: &Result<KernelTypes, String>) -> Vec<Finding> {
    let kernel = rustix::system::uname();
    let kernel = format!(
        "Linux {} on {}",
        kernel.release().to_string_lossy(),
        kernel.machine().to_string_lossy()
    );
    let mut findings = vec![Finding::new("kernel", State::Good, kernel), privileges()];
    findings.extend(lockdown());
    findings.extend([btf(types), pids(), cgroups(), devices()]);
    findings
}

fn privileges() -> Finding {
    let lacking = iotq_kernel::lacking();
    if !lacking.is_empty() {
        let text = format!("{} missing (E0701)", lacking.join(" and "));
        let mut finding = Finding::new("privileges", State::Bad, text)
            .way_out("run it as root, or with CAP_BPF and CAP_PERFMON");
        finding.more["lacking"] = json!(lacking);
        return finding;
    }
    match iotq_kernel::refusal() {
        None => Finding::new("privileges", State::Good, "may load tracing programs"),
        Some(why) => {
            let text = format!("the kernel refuses even a program that does nothing: {why}");
            let way_out = if why.kind() == ErrorKind::PermissionDenied {
                "in a container: capabilities of a user namespace do not count, and seccomp may forbid bpf()"
            } else {
                "kernels built with CONFIG_BPF_SYSCALL and CONFIG_BPF_EVENTS take it"
            };
            Finding::new("privileges", State::Bad, text).way_out(way_out)
        }
    }
}

/// Whether the kernel keeps its memory from root.
fn lockdown() -> Option<Finding> {
    let level = iotq_kernel::lockdown()?;
    let finding = match level.as_str() {
        "confidentiality" => Finding::new(
            "lockdown",
            State::Reduced,
            "confidentiality: programs that copy memory of the kernel are refused",
        )
        .way_out(CONFIDENTIAL),
        _ => Finding::new("lockdown", State::Good, level),
    };
    Some(finding)
}

/// The way out of that.
pub const CONFIDENTIAL: &str =
    "boot without lockdown=confidentiality; lockdown=integrity does no harm";

fn btf(types: &Result<KernelTypes, String>) -> Finding {
    match types {
        Ok(types) if types.tracepoints.is_empty() => {
            let text = "the types of this kernel have no tracepoints among them (E0703)";
            Finding::new("btf", State::Bad, text)
                .way_out("kernels built with CONFIG_BPF_EVENTS have them")
        }
        Ok(types) => {
            let count = types.tracepoints.len();
            let mut text = format!("types of this kernel, {count} tracepoints");
            if !types.modules.is_empty() {
                text = format!("{text}; types of {}", types.modules.join(", "));
            }
            Finding::new("btf", State::Good, text)
        }
        Err(why) => Finding::new("btf", State::Bad, format!("{why} (E0702)")).way_out(
            "kernels built with CONFIG_DEBUG_INFO_BTF have it; or name a file: --btf FILE",
        ),
    }
}

fn pids() -> Finding {
    if process::in_initial_namespace() {
        let text = "process ids are those that the kernel reports";
        return Finding::new("pids", State::Good, text);
    }
    let text = "process ids here are not the kernel's: filters by pid are refused (E0710)";
    Finding::new("pids", State::Reduced, text)
        .way_out("run it on the host, or give the container the host's processes (--pid=host)")
}

fn cgroups() -> Finding {
    match cgroup::mount() {
        Some(root) => {
            let text = format!("cgroup v2 at {}", root.display());
            Finding::new("cgroups", State::Good, text)
        }
        None => Finding::new(
            "cgroups",
            State::Reduced,
            "cgroup v2 is not mounted: control groups have numbers only, and no names (E0706)",
        )
        .way_out("mount -t cgroup2 none /sys/fs/cgroup"),
    }
}

/// How many disks each driver has.
fn devices() -> Finding {
    let mut drivers: BTreeMap<String, usize> = BTreeMap::new();
    for (device, about) in device::described() {
        if device.is_whole() {
            *drivers.entry(about.driver).or_default() += 1;
        }
    }
    let counts = drivers
        .iter()
        .map(|(name, count)| format!("{count} {name}"));
    let counts: Vec<String> = counts.collect();
    let text = match drivers.values().sum::<usize>() {
        0 => "no block devices".to_owned(),
        1 => format!("1 disk: {}", counts[0]),
        sum => format!("{sum} disks: {}", counts.join(", ")),
    };
    let mut finding = Finding::new("devices", State::Good, text);
    finding.more = json!({"drivers": drivers});
    finding
}

/// Without the list of all tracepoints, one whose module keeps its types to itself seems to be missing.
pub fn tracefs(layers: &[Finding]) -> Option<Finding> {
    let missing = |layer: &Finding| layer.details.iter().any(|(label, _)| *label == "missing");
    if iotq_kernel::lists_tracepoints() || !layers.iter().any(missing) {
        return None;
    }
    let text =
        "cannot be read: tracepoints whose module does not describe its types count as missing";
    Some(
        Finding::new("tracefs", State::Reduced, text)
            .way_out("as root: mount -t tracefs none /sys/kernel/tracing"),
    )
}
