//! What needs no tracing: lists, the doctor, the pages of the codes, completions, the manual.

use iotq_tests::needs::{Need, test};
use iotq_tests::{Disk, Ended, iotq, run};
use libtest_mimic::Trial;
use serde_json::Value;

use crate::refuse::through;

pub fn tests() -> Vec<Trial> {
    vec![
        test("about/lists", &[], lists),
        test(
            "about/columns_of_devices",
            &[Need::Root, Need::Loop],
            devices,
        ),
        test(
            "about/no_devices",
            &[Need::Root, Need::Tool("unshare")],
            no_devices,
        ),
        test("about/doctor", &[Need::Root], doctor),
        test(
            "about/doctor_without_privileges",
            &[Need::Root, Need::Tool("setpriv")],
            without_privileges,
        ),
        test(
            "about/doctor_in_namespaces",
            &[Need::Root, Need::Tool("unshare")],
            in_namespaces,
        ),
        test("about/doctor_without_types", &[Need::Root], without_types),
        test("about/codes", &[], codes),
        test("about/completions", &[], completions),
        test("about/manual", &[], manual),
        test("about/help", &[], help),
    ]
}

fn printed(args: &[&str]) -> String {
    let mut command = iotq();
    command.args(args);
    let ended = run(command);
    assert_eq!(ended.code(), 0, "{args:?}: {}", ended.stderr);
    assert!(!ended.stdout.is_empty(), "{args:?}");
    ended.text()
}

fn lines(args: &[&str]) -> Vec<Value> {
    let text = printed(args);
    let lines = text.lines().map(serde_json::from_str);
    lines.map(Result::unwrap).collect()
}

fn lists() {
    for what in ["block", "syscall", "codes", "block.*lat*"] {
        printed(&["list", what]);
        assert!(!lines(&["list", what, "--format", "json"]).is_empty());
    }
    assert!(printed(&["list"]).contains("block"));
}

/// A loop device with its file, as people and as programs see it.
fn devices() {
    let disk = Disk::raw(16);
    let (name, image) = (disk.name(), disk.image.display().to_string());
    let text = printed(&["list", "devices"]);
    let mut lines_of_text = text.lines();
    let head: Vec<_> = lines_of_text.next().unwrap().split_whitespace().collect();
    let columns = [
        "name", "number", "kind", "size", "driver", "model", "details",
    ];
    assert_eq!(head, columns);
    let own = lines_of_text.find(|line| line.split_whitespace().next() == Some(&name));
    let cells: Vec<_> = own.unwrap().split_whitespace().skip(2).collect();
    assert_eq!(cells, ["disk", "16M", "loop", "-", &image]);
    let own = lines(&["list", "devices", "--format", "json"]);
    let own = own.iter().find(|device| device["name"] == *name).unwrap();
    assert_eq!(own["bytes"], 16 << 20);
    assert_eq!(own["driver"], "loop");
    assert_eq!(own["alias"], *image);
}

/// An empty list is no error.
fn no_devices() {
    for format in ["text", "json"] {
        let line = format!(
            "mount -t tmpfs none /sys/class/block && exec \"$0\" list devices --format {format}"
        );
        let ended = through(&["unshare", "--mount", "sh", "-c", &line], &[]);
        assert_eq!(ended.code(), 0, "{}", ended.stderr);
        assert_eq!(ended.text(), "");
        assert!(
            ended.stderr.contains("no block devices"),
            "{}",
            ended.stderr
        );
    }
}

/// What the doctor tells of a subject.
fn about<'l>(lines: &'l [Value], subject: &str) -> &'l Value {
    let found = lines.iter().find(|line| line["subject"] == subject);
    found.unwrap_or_else(|| panic!("nothing about {subject}"))
}

fn parsed(ended: &Ended) -> Vec<Value> {
    let text = ended.text();
    let lines = text.lines().map(serde_json::from_str);
    lines.map(Result::unwrap).collect()
}

fn doctor() {
    let lines = lines(&["doctor", "--format", "json"]);
    let block = about(&lines, "block");
    assert_eq!(block["verified"], true, "{block}");
    assert!(about(&lines, "devices")["drivers"].is_object());
    let hooks = lines.iter().filter_map(|line| line["hooks"].as_array());
    let hooks: Vec<_> = hooks.flatten().collect();
    assert!(hooks.len() > 20);
    for hook in hooks {
        let state = hook["state"].as_str().unwrap();
        let works = ["used", "unneeded", "replaced"].contains(&state);
        assert!(works || ["missing", "untyped", "shape", "forbidden"].contains(&state));
        assert_eq!(works, hook["way_out"].is_null(), "{hook}");
        assert_eq!(works, hook["lost"].as_array().unwrap().is_empty(), "{hook}");
        assert!(hook["points"].is_array() && hook["target"].is_string());
        assert!(
            [
                "tp_btf",
                "raw_tp",
                "fentry",
                "fexit",
                "kprobe",
                "kretprobe",
                "uprobe"
            ]
            .contains(&hook["attach"].as_str().unwrap())
        );
    }
    let text = printed(&["doctor"]);
    let long = text.lines().find(|line| line.chars().count() > 100);
    assert_eq!(long, None);
}

fn without_privileges() {
    let nobody = [
        "setpriv",
        "--reuid=65534",
        "--regid=65534",
        "--clear-groups",
    ];
    let ended = through(&nobody, &["doctor", "--format", "json"]);
    assert_eq!(ended.code(), 3, "{}", ended.stderr);
    let lines = parsed(&ended);
    let privileges = about(&lines, "privileges");
    let both = serde_json::json!(["CAP_BPF", "CAP_PERFMON"]);
    assert_eq!(privileges["lacking"], both);
    assert!(about(&lines, "block")["verified"].is_null());
    let bounded = ["setpriv", "--bounding-set", "-bpf,-sys_admin"];
    let ended = through(&bounded, &["doctor"]);
    assert_eq!(ended.code(), 3, "{}", ended.stderr);
    let text = ended.text();
    assert!(
        text.contains("no       privileges  CAP_BPF missing (E0701)"),
        "{text}"
    );
}

/// Where ids mean others than the kernel's, where tracepoints are not listed, and where capabilities do not count.
fn in_namespaces() {
    let ended = through(&["unshare", "--pid", "--fork", "--mount-proc"], &["doctor"]);
    assert_eq!(ended.code(), 0, "{}", ended.stderr);
    assert!(ended.text().contains("reduced  pids"), "{}", ended.text());

    let hide = "for each in tracing debug; do mount -t tmpfs none /sys/kernel/$each; done; exec \"$0\" doctor \
                --format json";
    let ended = through(&["unshare", "--mount", "sh", "-c", hide], &[]);
    assert_eq!(ended.code(), 0, "{}", ended.stderr);
    let lines = parsed(&ended);
    let hooks = lines.iter().filter_map(|line| line["hooks"].as_array());
    let missing = hooks.flatten().any(|hook| hook["state"] == "missing");
    let told = lines.iter().any(|line| line["subject"] == "tracefs");
    assert_eq!(told, missing);

    let ended = through(&["unshare", "--user", "--map-root-user"], &["doctor"]);
    if ended.stderr.contains("unshare failed") {
        return;
    }
    assert_eq!(ended.code(), 3, "{}", ended.stderr);
    let text = ended.text();
    assert!(
        text.contains("the kernel refuses even a program that does nothing"),
        "{text}"
    );
}

fn without_types() {
    for (file, why) in [
        ("/dev/null", "does not hold BTF"),
        ("/no/such", "read /no/such"),
    ] {
        let mut command = iotq();
        command.args(["doctor", "--btf", file]);
        let ended = run(command);
        assert_eq!(ended.code(), 3, "{}", ended.stderr);
        let text = ended.text();
        assert!(text.contains("(E0702)") && text.contains(why), "{text}");
        assert!(text.contains("CONFIG_DEBUG_INFO_BTF"), "{text}");
    }
}

fn codes() {
    for code in lines(&["list", "codes", "--format", "json"]) {
        let name = code["name"].as_str().unwrap();
        let page = printed(&["explain", name]);
        assert!(page.starts_with(name) && page.lines().count() > 2, "{page}");
    }
}

fn completions() {
    for shell in ["bash", "zsh", "fish"] {
        assert!(printed(&["completions", shell]).contains("iotq"));
    }
}

fn manual() {
    assert!(printed(&["man"]).starts_with(".ie"));
}

fn help() {
    assert!(printed(&["--help"]).contains("Exit codes"));
    assert!(printed(&["--version"]).starts_with("iotq "));
}
