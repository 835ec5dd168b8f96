//! A judge of the doctor: what the kernel itself shows of its tracepoints and modules.

use std::collections::{BTreeMap, BTreeSet};

use iotq_tests::lab::result::Brought;
use serde_json::Value;

/// Each hook stands as the kernel's own lists have it. The case leaves `doctor.json`; `events`, the names of all
/// tracepoints; `functions`, those of the names of hooks that can be traced, with their modules; `types`, what describes
/// its types; `modules`, those that are loaded.
pub fn hooks(brought: &Brought) {
    let text = brought.text("doctor.json");
    let lines = text.lines().map(|line| serde_json::from_str(line).unwrap());
    let findings: Vec<Value> = lines.collect();
    let lists = Lists {
        events: names(brought, "events"),
        functions: functions(&brought.text("functions")),
        types: names(brought, "types"),
        modules: names(brought, "modules"),
    };
    assert!(lists.events.contains("sys_enter") && lists.types.contains("vmlinux"));
    let mut count = 0;
    for finding in findings
        .iter()
        .filter(|finding| finding["hooks"].is_array())
    {
        for module in array(&finding["modules"]) {
            lists.module(module);
        }
        for hook in array(&finding["hooks"]) {
            lists.hook(hook, array(&finding["modules"]));
            count += 1;
        }
        layer(finding);
    }
    assert!(count > 20, "{count} hooks");
}

fn names(brought: &Brought, file: &str) -> BTreeSet<String> {
    let text = brought.text(file);
    text.split_whitespace().map(str::to_owned).collect()
}

/// `virtqueue_notify [virtio_ring]`, or without a module.
fn functions(text: &str) -> BTreeMap<String, bool> {
    let lines = text.lines().map(|line| {
        line.split_once(' ')
            .map_or((line, false), |(name, _)| (name, true))
    });
    lines
        .map(|(name, in_module)| (name.to_owned(), in_module))
        .collect()
}

fn array(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn text<'v>(value: &'v Value, name: &str) -> &'v str {
    value[name]
        .as_str()
        .unwrap_or_else(|| panic!("no {name} in {value}"))
}

struct Lists {
    events: BTreeSet<String>,
    /// Whether a module has it.
    functions: BTreeMap<String, bool>,
    types: BTreeSet<String>,
    modules: BTreeSet<String>,
}

impl Lists {
    fn hook(&self, hook: &Value, modules: &[Value]) {
        let untyped = modules.iter().any(|module| module["state"] == "untyped");
        let target = text(hook, "target");
        // What does instead of it is among the hooks, too.
        if text(hook, "state") == "replaced" && !self.has(target) {
            return;
        }
        let is_there = if ["tp_btf", "raw_tp"].contains(&text(hook, "attach")) {
            self.events.contains(target)
        } else {
            // What belongs to a module cannot be hooked with types, and not at all if that keeps its types to itself.
            let in_module = self.functions.get(target);
            if text(hook, "state") == "used" || text(hook, "state") == "replaced" {
                assert_eq!(
                    in_module,
                    Some(&(text(hook, "state") == "replaced")),
                    "{hook}"
                );
            }
            in_module.is_some() && !(untyped && in_module == Some(&true))
        };
        let works = match text(hook, "state") {
            "used" | "replaced" => true,
            // Whether it is there was not asked.
            "unneeded" => return,
            "missing" => false,
            // It is there, in a form that the program does not understand.
            "shape" => {
                assert!(is_there && !array(&hook["lost"]).is_empty(), "{hook}");
                return;
            }
            "untyped" => {
                assert!(is_there && untyped, "{hook}");
                return;
            }
            _ => panic!("{hook}"),
        };
        assert_eq!(works, is_there, "{hook}");
        assert_eq!(works, array(&hook["lost"]).is_empty(), "{hook}");
        assert_eq!(works, hook["way_out"].is_null(), "{hook}");
    }

    /// Whether there is a tracepoint or a function of this name.
    fn has(&self, target: &str) -> bool {
        self.events.contains(target) || self.functions.contains_key(target)
    }

    fn module(&self, module: &Value) {
        let name = text(module, "name");
        let is_loaded = self.modules.contains(name);
        let state = match (is_loaded, self.types.contains(name)) {
            (true, true) => "typed",
            (true, false) => "untyped",
            (false, _) if module["state"] == "dormant" => "dormant",
            (false, _) => "absent",
        };
        assert_eq!(module["state"], state, "{module}");
    }
}

/// A layer that has points has programs that the kernel takes.
fn layer(finding: &Value) {
    let Some(points) = finding["points"].as_array() else {
        return;
    };
    let state = text(finding, "state");
    // Its hooks are there, but what it does with them is not allowed.
    if finding["refused"]
        .as_str()
        .is_some_and(|why| why.contains("no locks for tracing programs"))
    {
        return assert_eq!(state, "no", "{finding}");
    }
    assert_eq!(points.is_empty(), state == "no", "{finding}");
    let verified = &finding["verified"];
    assert_eq!(
        verified.as_bool(),
        (state != "no").then_some(true),
        "{finding}"
    );
}
