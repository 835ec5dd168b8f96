//! The REPL, through a pseudo-terminal.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use iotq_tests::iotq;
use iotq_tests::iotq::binary;
use iotq_tests::needs::{Need, test};
use libtest_mimic::Trial;
use rexpect::reader::Options;
use rexpect::session::{PtySession, spawn_with_options};
use tempfile::TempDir;

/// How long an answer may take, on a busy machine.
const LIMIT_MS: u64 = 30_000;
const CTRL_C: &str = "\x03";
const CTRL_D: &str = "\x04";
const UP: &str = "\x1b[A";

pub fn tests() -> Vec<Trial> {
    let root = [Need::Root];
    vec![
        test("repl/completes", &[], completes),
        test(
            "repl/goes_on_in_the_next_line",
            &[],
            goes_on_in_the_next_line,
        ),
        test("repl/definitions_stay", &[], definitions_stay),
        test("repl/saves_and_loads", &[], saves_and_loads),
        test("repl/remembers", &[], remembers),
        test("repl/runs_tools", &root, runs_tools),
        test("repl/tells_once_what_it_cannot_remember", &[], tells_once),
        test("repl/ends_a_query", &root, ends_a_query),
        test("repl/ends_a_flood", &root, ends_a_flood),
        test(
            "repl/rows_alone_go_to_a_file",
            &root,
            rows_alone_go_to_a_file,
        ),
    ]
}

/// A REPL on a terminal of its own. What the terminal shows is looked at in its order.
struct Repl {
    session: PtySession,
    /// Where it keeps its history, unless the test does.
    _state: Option<TempDir>,
}

impl Repl {
    fn new() -> Self {
        let state = TempDir::new().unwrap();
        let mut repl = Self::with_state(state.path());
        repl._state = Some(state);
        repl
    }

    fn with_state(state: &Path) -> Self {
        let mut repl = Self::start(Self::command(state));
        repl.shows("Ctrl-D leaves");
        repl.shows("iotq> ");
        repl
    }

    fn command(state: &Path) -> Command {
        let mut command = iotq();
        command
            .env("XDG_STATE_HOME", state)
            .env("TERM", "xterm")
            .env_remove("NO_COLOR");
        command
    }

    fn start(command: Command) -> Self {
        let options = Options::new()
            .timeout_ms(Some(LIMIT_MS))
            .strip_ansi_escape_codes(true);
        Self {
            session: spawn_with_options(command, options).unwrap(),
            _state: None,
        }
    }

    fn keys(&mut self, keys: &str) {
        self.session.send(keys).unwrap();
        self.session.flush().unwrap();
    }

    fn line(&mut self, text: &str) {
        self.keys(&format!("{text}\r"));
    }

    /// Drops the line, and with it what the terminal has not taken yet.
    #[track_caller]
    fn cancel(&mut self) {
        self.keys(CTRL_C);
        self.prompt();
    }

    /// Waits for a prompt that nothing stands behind.
    #[track_caller]
    fn prompt(&mut self) {
        self.shows("\n\riotq> \r");
    }

    /// Waits for a text, and gives what comes before it.
    #[track_caller]
    fn shows(&mut self, text: &str) -> String {
        self.session
            .exp_string(text)
            .unwrap_or_else(|error| panic!("{error}"))
    }

    #[track_caller]
    fn matches(&mut self, regex: &str) -> String {
        let found = self.session.exp_regex(regex);
        found.unwrap_or_else(|error| panic!("{error}")).1
    }

    #[track_caller]
    fn leave(&mut self) {
        self.keys(CTRL_D);
        self.session.exp_eof().unwrap();
        let status = self.session.process().wait().unwrap();
        assert!(format!("{status:?}").contains(", 0)"), "{status:?}");
    }
}

fn completes() {
    let mut repl = Repl::new();
    repl.keys("tr\t blo\t whe\t op == rea\t");
    repl.shows("trace block where op == read");
    repl.keys(" and q2\t");
    repl.matches(r"q2i\s+q2d\s+q2c");
    repl.cancel();
    repl.keys("on block.comp\t");
    repl.shows("on block.complete");
    repl.cancel();
    repl.keys(":expl\t E010\t");
    repl.matches(r"E0101\s+E010");
    repl.cancel();
    repl.line("let threshold_of_mine = 1ms");
    repl.keys("trace block where lat > thres\t");
    repl.shows("where lat > threshold_of_mine");
    repl.cancel();
    // Names of the machine: a process by its name, a file.
    let own = fs::read_to_string("/proc/self/comm").unwrap();
    repl.keys(&format!(
        "trace block where pid == {}\t",
        std::process::id()
    ));
    repl.keys(&format!(" or comm == {}\t", &own[..3]));
    repl.shows(own.trim_end());
    repl.cancel();
    repl.keys("trace syscall where file == \"/etc/passw\t");
    repl.shows("/etc/passwd");
    repl.cancel();
    repl.leave();
}

fn goes_on_in_the_next_line() {
    let mut repl = Repl::new();
    repl.line("trace block where (lat > 1ms and");
    repl.line("  dev == nosuchdevice)");
    repl.shows("E0704");
    repl.shows("<query>:2:10");
    // An error is told at once, and so is what an empty line leaves as it is.
    repl.line("trace block where latency > 1ms");
    repl.shows("E0201");
    repl.line("trace block where (lat >");
    repl.line("");
    repl.shows("E0112");
    repl.prompt();
    // Ctrl-C drops what was begun.
    repl.keys("trace block where (");
    repl.cancel();
    repl.line(":type lat");
    repl.shows("duration (ns) on");
    repl.leave();
}

fn definitions_stay() {
    let mut repl = Repl::new();
    repl.line("let slow = 10ms");
    repl.line("def is_slow = lat > slow");
    repl.line(":explain trace block where is_slow");
    repl.shows("kernel, at the end:   lat > 10ms");
    repl.line("let slow = 20ms");
    repl.line(":explain trace block where is_slow");
    repl.shows("kernel, at the end:   lat > 20ms");
    repl.line("param threshold: duration = 1ms");
    repl.line(":set threshold 3ms");
    repl.line(":explain checked trace block where lat > threshold");
    repl.shows("lat > 3ms");
    repl.line(":set threshold 3KiB");
    repl.shows("E0502");
    repl.line(":set");
    repl.matches(r"threshold\s+3ms");
    repl.line("def wrong = latt > 1ms");
    repl.line("trace block where wrong");
    repl.shows("<wrong>:1:13");
    repl.line(":lits");
    repl.shows("did you mean `list`?");
    repl.line(":quit");
    repl.session.exp_eof().unwrap();
}

fn saves_and_loads() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("mine.iotq");
    let shown = file.display();
    let mut repl = Repl::new();
    repl.line("let slow = 10ms");
    repl.line(&format!(":save {shown}"));
    repl.line(&format!(":save {shown}"));
    repl.shows("E08");
    repl.line(&format!(":save! {shown}"));
    repl.line(":list definitions");
    repl.shows("\r\nlet slow = 10ms\r\n");
    assert_eq!(fs::read_to_string(&file).unwrap(), "let slow = 10ms\n");
    let mut other = Repl::new();
    other.line(&format!(":load {shown}"));
    other.line(":list definitions");
    other.shows("\r\nlet slow = 10ms\r\n");
    // What a file uses is found from its folder, also later.
    let lib = folder.path().join("lib");
    fs::create_dir(&lib).unwrap();
    fs::write(lib.join("a.iotq"), "use \"b.iotq\"").unwrap();
    fs::write(lib.join("b.iotq"), "let from_b = 7ms").unwrap();
    other.line(&format!(":load {}", lib.join("a.iotq").display()));
    other.line(":explain trace block where lat > from_b");
    other.shows("lat > 7ms");
    other.line(":load /no/such/file");
    other.shows("E08");
    other.leave();
    repl.leave();
}

fn remembers() {
    let state = TempDir::new().unwrap();
    let mut repl = Repl::with_state(state.path());
    repl.line("let first = (1 +");
    repl.line("2)");
    repl.line(":type first");
    repl.shows("int");
    repl.leave();
    let file = state.path().join("iotq/history");
    let mode = fs::metadata(&file).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600, "{mode:o}");
    let mut again = Repl::with_state(state.path());
    again.keys(UP);
    again.shows(":type first");
    again.keys(UP);
    again.shows("let first = (1 +");
    again.keys("\r");
    again.line(":list definitions");
    again.shows("\r\n2)\r\n");
    again.leave();
}

/// A folder stands where the file should be.
fn tells_once() {
    let state = TempDir::new().unwrap();
    fs::create_dir_all(state.path().join("iotq/history")).unwrap();
    let mut repl = Repl::start(Repl::command(state.path()));
    let before = repl.shows("Ctrl-D leaves");
    assert_eq!(before.matches("is not kept").count(), 1, "{before}");
    repl.line(":type lat");
    let more = repl.shows("duration (ns)");
    assert!(!more.contains("is not kept"), "{more}");
    repl.leave();
}

fn runs_tools() {
    let mut repl = Repl::new();
    repl.keys("top-d\t --int\t 100ms --for 150ms\r");
    repl.shows("top-devices --interval 100ms --for 150ms");
    repl.matches(r"\d+ seen, \d+ shipped");
    repl.line("snoop --help");
    repl.shows("Only requests of this disk");
    repl.line("snoop --deb vda");
    repl.shows("--dev");
    repl.line("snoop 'open");
    repl.shows("iotq: ");
    repl.line(":type lat");
    repl.shows("duration (ns)");
    repl.leave();
}

/// A command that makes rows for ever, and ends with its terminal.
const BUSY: &str =
    "exec > /dev/null 2>&1; while true; do head -c1 /proc/self/exe > /dev/null; done";

fn ends_a_query() {
    let mut repl = Repl::new();
    repl.line(&format!(":set command {BUSY}"));
    repl.line("on syscall.exit where pid under $child emit call, name");
    repl.shows("read");
    repl.shows("read");
    repl.keys(CTRL_C);
    repl.matches(r"\d+ seen, \d+ shipped, \d+ lost, \d+ unmatched in ");
    repl.shows("iotq> ");
    repl.line(":type lat");
    repl.shows("duration (ns)");
    repl.line(":set command");
    repl.line("trace block for 100ms");
    repl.shows(" seen, ");
    repl.leave();
}

/// Rows come faster than the terminal shows them.
fn ends_a_flood() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let mut repl = Repl::new();
    let flood = format!(
        "dd if=/dev/zero bs=1 status=none of={}",
        file.path().display()
    );
    repl.line(&format!(":set command {flood}"));
    repl.line("on syscall.exit where pid under $child emit time, call, name, size, lat");
    repl.shows("write");
    repl.keys(CTRL_C);
    repl.matches(r"\d+ seen, \d+ shipped, \d+ lost, \d+ unmatched in ");
    repl.line(":type lat");
    repl.shows("duration (ns)");
    repl.leave();
}

/// The prompt is for the terminal.
fn rows_alone_go_to_a_file() {
    let folder = TempDir::new().unwrap();
    let rows = folder.path().join("rows");
    let mut command = Command::new("sh");
    command
        .env("XDG_STATE_HOME", folder.path())
        .env("TERM", "xterm")
        .args(["-c", "exec \"$1\" --format json > \"$2\"", "sh"])
        .arg(binary())
        .arg(&rows);
    let mut repl = Repl::start(command);
    repl.shows("Ctrl-D leaves");
    repl.line("trace block for 50ms");
    repl.shows(" seen, ");
    repl.leave();
    let text = fs::read_to_string(&rows).unwrap();
    let last = text.lines().last().unwrap();
    assert!(last.contains("\"summary\""), "{last}");
    assert!(text.lines().all(|line| line.starts_with('{')), "{text}");
}
