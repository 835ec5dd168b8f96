//! The command line.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgMatches, Args, FromArgMatches, Parser, Subcommand, ValueEnum, ValueHint};
use iotq_lang::syntax::{ast::Quantity, number};
use iotq_link::Address;

/// Trace storage I/O: follow requests through the layers of this machine.
#[derive(Parser, Debug)]
#[command(
    name = "iotq",
    version,
    args_conflicts_with_subcommands = false,
    subcommand_precedence_over_arg = true,
    override_usage = "iotq [OPTIONS] -e QUERY [ARGS]\n       iotq [OPTIONS] TOOL|FILE [--PARAM VALUE] [ARGS]\n       \
                      iotq [OPTIONS] < FILE\n       iotq [OPTIONS]            (on a terminal: by hand)\n       iotq COMMAND",
    after_help = AFTER_HELP
)]
pub struct Cli {
    /// Where the query comes from
    #[command(flatten)]
    pub query: Query,
    /// How it runs
    #[command(flatten)]
    pub run: Run,
    /// What else there is to do
    #[command(subcommand)]
    pub command: Option<Command>,
}

const AFTER_HELP: &str = "\
Queries:
  trace LAYER, …      a row for each operation, when it ends
  on LAYER.POINT, …   a row each time an operation reaches a point
  where CONDITION     fields, and or not, == != < <= > >=, in {a, b}, in a..b, ~ \"glob*\"
  emit EXPR as NAME, …   limit N   for DURATION
  emit count(), p99(lat), hist(size) …   by EXPR, …   every DURATION   top N   having CONDITION

  `iotq list` shows the layers, `iotq list block` the points and fields of one.

Examples:
  iotq -e 'trace block'                                  every request of every disk
  iotq -e 'trace block where dev == vda and lat > 1ms for 10s'
  iotq -e 'on block.complete where pid == 1234 emit lat'
  iotq -e 'on block.complete emit count(), p99(lat) by dev, op every 1s'
  iotq -c 'fio job.fio' -e 'trace syscall where pid under $child and op == fsync'
  iotq snoop --dev vda                                   a tool; `iotq list tools` shows all
  iotq slow.iotq --threshold 5ms --for 10s               a script: its parameters are options
  iotq slow.iotq --help                                  the options of a tool or script
  iotq --format csv -o rows.csv -e 'trace block'         a table for other programs; or json
  iotq explain -e 'trace block where lat > 1ms'          what the kernel decides, and when
  iotq explain E0302                                     the page of an error
  iotq doctor                                            what this kernel offers

Tracing needs root, or CAP_BPF and CAP_PERFMON. Rows go to standard output, everything else to
standard error. A run ends with Ctrl-C, and with a summary of what was seen and what was lost.

Exit codes: 0 done, 1 failed while running, 2 the query or the command line is wrong,
3 this machine or this user may not.";

/// Where a query comes from.
#[derive(Args, Debug, Default)]
pub struct Query {
    /// The query; given several times, its parts are lines of one script
    #[arg(short = 'e', long = "expr", value_name = "QUERY")]
    pub expr: Vec<String>,
}

/// How a query runs.
#[derive(Args, Clone, Debug)]
pub struct Run {
    /// Start COMMAND when everything is attached, and end when it ends; `$child` is its process
    #[arg(short = 'c', long = "command", value_name = "COMMAND", value_hint = ValueHint::CommandString)]
    pub child: Option<String>,
    /// End the run after DURATION, such as 10s or 5m
    #[arg(long = "for", value_name = "DURATION", value_parser = duration)]
    pub duration: Option<Duration>,
    /// How rows are written [default: text]
    #[arg(long, value_enum)]
    pub format: Option<Format>,
    /// Write rows to FILE instead of standard output
    #[arg(short = 'o', long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub output: Option<PathBuf>,
    /// Look up the names of the query on this machine and print the plan, but attach nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Decide and group nothing in the kernel: the same answers at a higher cost, for comparison
    #[arg(long)]
    pub no_pushdown: bool,
    /// Size of the buffer between kernel and user space, such as 64K or 8M; larger if records are lost [default: 512K per
    /// CPU, 1M to 16M]
    #[arg(long, value_name = "SIZE", value_parser = bytes)]
    pub ring: Option<u32>,
    /// Type information of the kernel, if not in /sys/kernel/btf/vmlinux
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, env = "IOTQ_BTF")]
    pub btf: Option<PathBuf>,
}

impl Run {
    /// Takes over what is given later, which counts more.
    pub fn merge(&mut self, later: &ArgMatches) {
        let (dry_run, no_pushdown) = (self.dry_run, self.no_pushdown);
        // Every option is known to the matches, so nothing can fail.
        let _ = self.update_from_arg_matches(later);
        self.dry_run |= dry_run;
        self.no_pushdown |= no_pushdown;
    }
}

/// Forms of the output.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Aligned columns with units, for people
    #[default]
    Text,
    /// One JSON object a line, for programs
    Json,
    /// Comma-separated values with a header line
    Csv,
}

/// What else there is to do.
#[derive(Subcommand, Debug)]
pub enum Command {
    /// Check a script or query without running it
    Check(Input),
    /// Explain an error code, or show what the compiler makes of a script or query
    Explain {
        /// What is explained
        #[command(flatten)]
        input: Input,
        /// The stage to show
        #[arg(long, value_enum, default_value_t = Stage::Plan)]
        stage: Stage,
    },
    /// List layers, points, fields, functions, tools, devices, error codes
    List {
        /// `functions`, `tools`, `devices`, `codes`, `modules`, a layer, or a glob over names such as 'block.*lat*'
        what: Option<String>,
        /// Form of the output
        #[arg(long, value_enum, default_value_t = ListFormat::Text)]
        format: ListFormat,
    },
    /// Tell what this kernel and this user can and cannot trace, and why
    Doctor {
        /// Form of the output
        #[arg(long, value_enum, default_value_t = ListFormat::Text)]
        format: ListFormat,
        /// Type information of the kernel, if not in /sys/kernel/btf/vmlinux
        #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, env = "IOTQ_BTF")]
        btf: Option<PathBuf>,
    },
    /// Ask guests: send a query about `guest.` layers to `iotq guest` in virtual machines, and show what they send
    Host(Host),
    /// Serve a host: wait for its queries, run them here, send it what they find. The agent of a virtual machine
    Guest(Guest),
    /// Print the completions of a shell: `iotq completions bash`
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Print a page of the reference, as Markdown
    Reference {
        /// The page
        page: Page,
    },
    /// Print the manual page: `iotq man | man -l -`
    Man,
    /// Run a tool of the library or a script: TOOL|FILE [--PARAM VALUE] [ARGS]
    #[command(external_subcommand)]
    Script(Vec<OsString>),
}

/// A query for guests.
#[derive(Args, Clone, Debug)]
pub struct Host {
    /// The guests that are asked, by their names, or by the context ids of their machines
    #[arg(long = "guest", value_name = "NAME|CID", value_delimiter = ',')]
    pub guests: Vec<String>,
    /// Where guests connect to: vsock:any:PORT, or unix:PATH for the socket of a virtual machine monitor; may be given
    /// several times [default: vsock:any:4687, if no guest is called]
    #[arg(long, value_name = "ADDRESS")]
    pub listen: Vec<Address>,
    /// Where guests that listen are called: vsock:CID, or unix:PATH for the socket of a virtual machine monitor; may be
    /// given several times
    #[arg(long, value_name = "ADDRESS")]
    pub call: Vec<Address>,
    /// The secret that guests must know, too
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub token: Option<PathBuf>,
    /// The query; given several times, its parts are lines of one script
    #[arg(short = 'e', long = "expr", value_name = "QUERY")]
    pub expr: Vec<String>,
    /// How it runs
    #[command(flatten)]
    pub run: Run,
    /// A tool or script with its parameters and arguments
    #[arg(value_name = "TOOL|FILE", trailing_var_arg = true, allow_hyphen_values = true, value_hint = ValueHint::FilePath)]
    pub words: Vec<OsString>,
}

impl Host {
    /// The same, with options that were given before the command where it has none.
    #[must_use]
    pub fn over(mut self, earlier: Run) -> Self {
        let own = self.run;
        self.run = Run {
            child: own.child.or(earlier.child),
            duration: own.duration.or(earlier.duration),
            format: own.format.or(earlier.format),
            output: own.output.or(earlier.output),
            dry_run: own.dry_run | earlier.dry_run,
            no_pushdown: own.no_pushdown | earlier.no_pushdown,
            ring: own.ring.or(earlier.ring),
            btf: own.btf.or(earlier.btf),
        };
        self
    }
}

/// The agent of a guest.
#[derive(Args, Clone, Debug)]
pub struct Guest {
    /// Where the host is: vsock:CID:PORT, or unix:PATH
    #[arg(long, value_name = "ADDRESS", default_value = "vsock:2:4687")]
    pub host: Address,
    /// Wait for the host to call, instead: at vsock:any:PORT
    #[arg(long, value_name = "ADDRESS", conflicts_with = "host")]
    pub listen: Option<Address>,
    /// What the host calls this guest [default: the name of this machine]
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// The secret that the host must know, too
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub token: Option<PathBuf>,
    /// Type information of the kernel, if not in /sys/kernel/btf/vmlinux
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, env = "IOTQ_BTF")]
    pub btf: Option<PathBuf>,
}

/// A script or query that is looked at and not run.
#[derive(Args, Debug)]
pub struct Input {
    /// The query
    #[arg(short = 'e', long = "expr", value_name = "QUERY")]
    pub expr: Vec<String>,
    /// A script and its arguments, or an error code
    #[arg(value_name = "FILE", trailing_var_arg = true, allow_hyphen_values = true, value_hint = ValueHint::FilePath)]
    pub words: Vec<OsString>,
}

/// Stages of the compiler.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Stage {
    /// The source in its canonical form
    Source,
    /// Names resolved, types checked
    Checked,
    /// What the kernel evaluates and what user space does
    Plan,
    /// The native code for what user space does, on this machine
    Jit,
}

/// Pages of the reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Page {
    /// Layers with their points and fields
    Layers,
    /// Functions and aggregates
    Functions,
    /// The tools of the library
    Tools,
    /// Error codes
    Codes,
}

/// Forms of lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ListFormat {
    /// For people
    Text,
    /// For programs
    Json,
}

fn duration(text: &str) -> Result<Duration, String> {
    match number(text)? {
        Quantity::Duration(0) => Err("must be longer than 0".into()),
        Quantity::Duration(nanoseconds) => Ok(Duration::from_nanos(nanoseconds)),
        _ => Err("a duration has a unit, such as 10s, 500ms or 5m".into()),
    }
}

fn bytes(text: &str) -> Result<u32, String> {
    let (Quantity::Bytes(bytes) | Quantity::Int(bytes)) = number(text)? else {
        return Err("not a size such as 64K or 8M".into());
    };
    let fits = u32::try_from(bytes)
        .ok()
        .filter(|bytes| (4096..=1 << 30).contains(bytes));
    fits.ok_or_else(|| "between 4K and 1G".into())
}
