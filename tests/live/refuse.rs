//! Bad input: a message with a code, the documented exit code, no panic, nothing attached.

use std::fs;
use std::process::Command;

use iotq_tests::iotq::binary;
use iotq_tests::needs::{Need, test};
use iotq_tests::{Ended, Tmpfs, iotq, run, start};
use libtest_mimic::Trial;

/// Name of the test, arguments, code, exit code.
type Case = (&'static str, &'static [&'static str], &'static str, i32);

const ROWS: &str = "trace syscall";

const CASES: &[Case] = &[
    (
        "field",
        &["-e", "trace block where latency > 1ms"],
        "E0201",
        2,
    ),
    ("layer", &["-e", "trace blok"], "E0202", 2),
    (
        "device",
        &["-e", "trace block where dev == nosuch0"],
        "E0704",
        2,
    ),
    (
        "nvme",
        &["-e", "trace nvme where dev==nosuch0n1"],
        "E0704",
        2,
    ),
    (
        "file",
        &["-e", "trace syscall where file == \"/no/such\""],
        "E0705",
        2,
    ),
    (
        "cgroup",
        &["-e", "trace block where cgroup under \"/no/such\""],
        "E0706",
        2,
    ),
    (
        "process",
        &["-e", "trace block where pid under 4194303"],
        "E0707",
        2,
    ),
    ("units", &["-e", "trace block where lat > 5"], "E0302", 2),
    (
        "join",
        &["-e", "join block, nvme emit nvme.lat"],
        "E0602",
        2,
    ),
    ("sides", &["-e", "trace guest.block"], "E0605", 2),
    (
        "directory",
        &["-e", "trace cache where file under \"/var\""],
        "E0606",
        2,
    ),
    (
        "no_directory",
        &["-e", "trace syscall where file under \"/pruc/self\""],
        "E0705",
        2,
    ),
    (
        "file_as_directory",
        &["-e", "trace syscall where file under \"/proc/self/stat\""],
        "E0705",
        2,
    ),
    ("every", &["-e", "trace block every 1s"], "E0404", 2),
    (
        "csv_of_two",
        &[
            "--format",
            "csv",
            "-e",
            "trace block",
            "-e",
            "trace syscall",
        ],
        "E0805",
        2,
    ),
    ("missing_script", &["/no/such.iotq"], "E0801", 2),
    ("query_as_script", &["trace block"], "E0801", 2),
    ("folder_as_script", &["/"], "E0801", 2),
    ("empty_command", &["-c", "", "-e", ROWS], "E0802", 2),
    (
        "missing_command",
        &["-c", "no-such-command-anywhere", "-e", ROWS],
        "E0802",
        2,
    ),
    ("unclosed_command", &["-c", "'open", "-e", ROWS], "E0802", 2),
    (
        "output_into_nowhere",
        &["-o", "/no/such/folder/x", "-e", ROWS],
        "E0803",
        2,
    ),
    (
        "full_device",
        &["-o", "/dev/full", "-c", "cat /proc/self/exe", "-e", ROWS],
        "E0804",
        1,
    ),
    ("no_btf", &["--btf", "/nonexistent", "-e", ROWS], "E0702", 3),
    (
        "btf_of_nothing",
        &["--btf", "/dev/null", "-e", ROWS],
        "E0702",
        3,
    ),
];

/// What the cases above and the tests below produce, besides `tests/cases`.
const ELSEWHERE: &[&str] = &[
    "E0101", "E0608", "E0701", "E0703", "E0708", "E0709", "E0710", "E0711", "E0712",
];

pub fn tests() -> Vec<Trial> {
    let root = [Need::Root];
    let cases = CASES.iter().map(|&(name, args, code, exit)| {
        test(&format!("refuse/{name}"), &root, move || {
            refused(&run_with(args), code, exit);
        })
    });
    let mut tests: Vec<_> = cases.collect();
    tests.extend([
        test("refuse/a_large_query", &root, large_query),
        test("refuse/nested_brackets", &root, nested_brackets),
        test("refuse/invalid_utf8", &root, invalid_utf8),
        test("refuse/many_streams", &root, many_streams),
        test(
            "refuse/many_groups",
            &[Need::Root, Need::Cgroups],
            many_groups,
        ),
        test(
            "refuse/not_root",
            &[Need::Root, Need::Tool("setpriv")],
            not_root,
        ),
        test("refuse/btf_by_environment", &root, btf_by_environment),
        test(
            "refuse/btf_of_something_else",
            &[Need::Root, Need::Tool("llvm-objcopy")],
            other_btf,
        ),
        test(
            "refuse/few_descriptors",
            &[Need::Root, Need::Tool("prlimit")],
            few_descriptors,
        ),
        test(
            "refuse/pid_namespace",
            &[Need::Root, Need::Tool("unshare")],
            pid_namespace,
        ),
        test("refuse/full_disk", &root, full_disk),
        test("refuse/every_code_has_a_case", &[], every_code),
    ]);
    tests
}

fn run_with(args: &[&str]) -> Ended {
    let mut command = iotq();
    command.args(args);
    run(command)
}

/// iotq through another command, which changes what it may do.
pub fn through(wrapper: &[&str], args: &[&str]) -> Ended {
    let mut command = Command::new(wrapper[0]);
    command.args(&wrapper[1..]).arg(binary()).args(args);
    command.env_remove("IOTQ_BTF");
    run(command)
}

pub fn refused(ended: &Ended, code: &str, exit: i32) {
    let told = ended.stderr.contains(&format!("[{code}]"));
    assert!(told, "no {code}: {:.2000}", ended.stderr);
    assert_eq!(ended.code(), exit, "{:.2000}", ended.stderr);
    assert!(!ended.stderr.contains("panicked"), "{}", ended.stderr);
    assert!(ended.stderr.len() < 20_000, "{} bytes", ended.stderr.len());
}

fn piped(input: &[u8]) -> Ended {
    start(iotq(), input).wait()
}

fn large_query() {
    refused(
        &piped(&b"trace block where lat > 1ms\n".repeat(400_000)),
        "E0101",
        2,
    );
}

fn nested_brackets() {
    let (open, close) = ("(".repeat(10_000), ")".repeat(10_000));
    let query = format!("trace block where {open}lat > 1ms{close}");
    refused(&piped(query.as_bytes()), "E0102", 2);
    refused(&run_with(&["-e", &query]), "E0102", 2);
}

fn invalid_utf8() {
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(&file, b"trace block where comm == \"\xff\xfe\"\n").unwrap();
    refused(&run_with(&[&file.path().display().to_string()]), "E0104", 2);
}

fn many_streams() {
    refused(
        &piped("trace block, syscall\n".repeat(17).as_bytes()),
        "E0608",
        2,
    );
}

fn many_groups() {
    let mount = iotq_tests::needs::cgroups().unwrap();
    let groups: Vec<_> = (0..9)
        .map(|n| {
            tempfile::Builder::new()
                .prefix(&format!("iotq-{n}."))
                .tempdir_in(mount)
                .unwrap()
        })
        .collect();
    let name = |dir: &tempfile::TempDir| {
        dir.path()
            .file_name()
            .unwrap()
            .to_string_lossy()
            .into_owned()
    };
    let conditions: Vec<_> = groups
        .iter()
        .map(|group| format!("cgroup under \"/{}\"", name(group)))
        .collect();
    let ended = run_with(&[
        "-e",
        &format!("trace block where {}", conditions.join(" or ")),
    ]);
    for group in groups {
        // The files of a control group go with it: only the folder can be removed.
        fs::remove_dir(group.keep()).unwrap();
    }
    refused(&ended, "E0708", 2);
}

fn not_root() {
    let nobody = [
        "setpriv",
        "--reuid",
        "65534",
        "--regid",
        "65534",
        "--clear-groups",
        "--inh-caps=-all",
    ];
    // A copy that everybody may run.
    let dir = tempfile::tempdir().unwrap();
    let copy = dir.path().join("iotq");
    fs::copy(binary(), &copy).unwrap();
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let as_nobody = |args: &[&str]| {
        let mut command = Command::new(nobody[0]);
        command
            .args(&nobody[1..])
            .arg(&copy)
            .args(args)
            .current_dir("/");
        run(command)
    };
    refused(&as_nobody(&["-e", ROWS]), "E0701", 3);
    let unprivileged: [&[&str]; 4] = [
        &["check", "-e", ROWS],
        &["explain", "-e", ROWS],
        &["--dry-run", "-e", ROWS],
        &["list"],
    ];
    for args in unprivileged {
        let ended = as_nobody(args);
        assert_eq!(ended.code(), 0, "{args:?}: {}", ended.stderr);
    }
}

fn btf_by_environment() {
    let mut command = iotq();
    command.env("IOTQ_BTF", "/nonexistent").args(["-e", ROWS]);
    refused(&run(command), "E0702", 3);
}

fn other_btf() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("btf").display().to_string();
    let object = concat!(env!("CARGO_MANIFEST_DIR"), "/../probes/objects/iotq.bpf.o");
    let dump = format!(".BTF={path}");
    iotq_tests::tool(
        "llvm-objcopy",
        &["--dump-section", &dump, object, "/dev/null"],
    );
    refused(&run_with(&["--btf", &path, "-e", ROWS]), "E0703", 3);
}

fn few_descriptors() {
    refused(
        &through(&["prlimit", "--nofile=12"], &["-e", ROWS]),
        "E0709",
        3,
    );
}

fn pid_namespace() {
    let apart = ["unshare", "--pid", "--fork", "--mount-proc"];
    refused(
        &through(&apart, &["-e", "trace block where pid under 1"]),
        "E0710",
        3,
    );
}

/// The rows that fit are there; then the run ends.
fn full_disk() {
    let disk = Tmpfs::new(64 << 10);
    let file = disk.path().join("rows");
    let path = file.display().to_string();
    let ended = run_with(&[
        "-o",
        &path,
        "-c",
        "find /usr/share -type f -exec head -c1 {} +",
        "-e",
        ROWS,
    ]);
    refused(&ended, "E0804", 1);
    assert!(fs::metadata(&file).unwrap().len() > 0);
}

/// Each code of the list is produced by a case of the language, or by a test here.
fn every_code() {
    let ended = run_with(&["list", "codes", "--format", "json"]);
    let mut produced: Vec<String> = Vec::new();
    produced.extend(CASES.iter().map(|case| case.2.to_owned()));
    let elsewhere = ELSEWHERE.iter().chain(&crate::link::CODES);
    produced.extend(elsewhere.map(|&code| code.to_owned()));
    let cases = concat!(env!("CARGO_MANIFEST_DIR"), "/cases/lang/errors");
    for case in fs::read_dir(cases).unwrap() {
        let bytes = fs::read(case.unwrap().path()).unwrap();
        let text = String::from_utf8_lossy(&bytes);
        let codes = text
            .lines()
            .filter_map(|line| line.strip_prefix("# error: "));
        produced.extend(codes.map(|code| code.trim().to_owned()));
    }
    let listed: Vec<_> = ended.text().lines().map(code).collect();
    assert!(listed.len() > 50);
    let missing: Vec<_> = listed
        .iter()
        .filter(|code| !produced.contains(code))
        .collect();
    assert!(missing.is_empty(), "no case produces {missing:?}");
}

fn code(line: &str) -> String {
    let line: serde_json::Value = serde_json::from_str(line).unwrap();
    line["name"].as_str().unwrap().to_owned()
}
