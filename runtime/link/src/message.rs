//! What a guest and its host tell each other.
//!
//! | | the guest | the host |
//! | --- | --- | --- |
//! | greeting | `Hello`, `Proof` | `Challenge`, `Welcome` or `Turned`; then `Ask` for the clock |
//! | a run | `Ready` or `Refused`; `Names`, `Records`, `Books` | `Plan`; `Credit` |
//! | an interval | `Groups`, the last of them marked | `Report` |
//! | the end | what is left, `Unended`, `Groups`, `Ended` | `Stop` |
//! | always | `Beat` | `Beat` |

use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

use crate::fingerprint::Fingerprint;
use crate::token::Proof;

/// The most bytes of a plan's text.
pub const LONGEST_PLAN: usize = 64 << 10;

/// The most statements of a plan.
pub const MOST_STATEMENTS: usize = 32;

/// Chance, against replayed greetings.
pub type Nonce = [u8; 32];

/// From a guest to its host.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum ToHost {
    /// Who it is.
    Hello(Hello),
    /// That it knows the token.
    Proof(Proof),
    /// When it got a question: its monotonic clock, in nanoseconds.
    Answer(u64),
    /// The plan is installed.
    Ready(Ready),
    /// The plan cannot be installed.
    Refused(Vec<Complaint>),
    /// What numbers in records mean, before the first record that has them.
    Names(Vec<Named>),
    /// Records, each behind its length (16 bits, little endian).
    Records(ByteBuf),
    /// The same, of operations whose ends were not seen: no filter of an end has judged them.
    Unended(ByteBuf),
    /// Groups of the kernel.
    Groups(Groups),
    /// What it has counted so far.
    Books(Books),
    /// All is detached, and everything sent.
    Ended(Books),
    /// It is there.
    Beat,
}

/// From a host to a guest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ToGuest {
    /// Prove that you know the token.
    Challenge(Nonce),
    /// And this proves that the host does.
    Welcome(Proof),
    /// No session.
    Turned(Turned),
    /// What is your time?
    Ask,
    /// Install this.
    Plan(Half),
    /// So many more bytes of records may come.
    Credit(u32),
    /// The groups of these streams, a bit each, of what came before.
    Report {
        /// To be named in the answer.
        number: u32,
        /// The streams.
        streams: u32,
    },
    /// Detach everything and send what is left.
    Stop,
    /// It is there.
    Beat,
}

/// Who a guest is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    /// Which records it makes.
    pub fingerprint: Fingerprint,
    /// What it is called: see [`is_name`].
    pub name: String,
    /// The release of its kernel.
    pub kernel: String,
    /// Its monotonic clock, in nanoseconds.
    pub monotonic_ns: u64,
    /// Nanoseconds since it was started, sleep included.
    pub boot_ns: u64,
    /// Against replays.
    pub nonce: Nonce,
}

/// Why there is no session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, thiserror::Error)]
pub enum Turned {
    /// The proof is wrong.
    #[error("the token is not the host's")]
    Token,
    /// The records would not mean the same.
    #[error("the guest's iotq is another version than the host's")]
    Fingerprint,
    /// The host asks others.
    #[error("the host does not ask this guest")]
    NotAsked,
    /// There is one of that name.
    #[error("there is a guest of that name already")]
    Twice,
    /// A name that is none.
    #[error(
        "a guest's name is made of letters, digits, `.`, `_` and `-`, at most 64, and is no number"
    )]
    Name,
    /// Something else was to be said.
    #[error("this was not to be said now")]
    Manners,
}

/// A plan for a guest: its half of a query, as text. Data, never code: the guest compiles and checks it by itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Half {
    /// The statements, and the definitions that they need.
    pub text: String,
    /// The values of `$1`, `$2` …
    pub args: Vec<String>,
    /// The values of its parameters.
    pub params: Vec<(String, String)>,
    /// Nothing is decided or grouped in the kernel.
    pub no_pushdown: bool,
    /// Bytes of the ring, if not the usual ones.
    pub ring: Option<u32>,
}

/// A plan at work.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ready {
    /// What the plan's names mean on the guest, in their order.
    pub meanings: Vec<Meaning>,
    /// What its kernel lacks, and what is lost by it.
    pub missing: Vec<String>,
}

/// What a name means on a guest: see [`iotq_lang::plan::Meaning`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the fields are those of the plan's type")]
pub enum Meaning {
    /// A process.
    Pid(u32),
    /// A device.
    Dev {
        own: Vec<u32>,
        disks: Vec<u32>,
        sectors: Option<(u64, u64)>,
        numbers: Vec<u32>,
    },
    /// A file.
    File { dev: u32, inode: u64 },
    /// A control group.
    Cgroup(u64),
    /// A bit of the memberships.
    Member(u8),
}

/// A diagnostic of the guest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Complaint {
    /// Its code.
    pub code: String,
    /// What is wrong.
    pub message: String,
    /// Ways out.
    pub help: Vec<String>,
}

/// What a number is called on the guest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Named {
    /// The number.
    pub what: What,
    /// What it is called.
    pub name: String,
}

/// A number that has a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum What {
    /// A block device.
    Dev(u32),
    /// A file, by the device of its filesystem and its inode.
    File(u32, u64),
    /// A control group.
    Cgroup(u64),
}

/// Groups for a report.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Groups {
    /// The report's number; none of them at the end of a run.
    pub report: Option<u32>,
    /// Some of the groups.
    pub groups: Vec<Group>,
    /// There are no more.
    pub last: bool,
}

/// A group of the kernel.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Group {
    /// The bit of its stream.
    pub stream: u8,
    /// A record with the fields of its keys.
    pub record: ByteBuf,
    /// How many rows it has.
    pub rows: u64,
    /// What is kept of each measure.
    pub states: Vec<State>,
}

/// What is kept of a measure: see [`iotq_lang::aggregate::State`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum State {
    /// Numbers.
    Numbers(Numbers),
    /// Counts of equal steps, by number.
    Linear(Vec<(i32, u64)>),
    /// How often a condition holds.
    Truth(u64),
}

/// What is kept of numbers; none where a value is null.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Numbers {
    /// How many.
    pub count: u64,
    /// Their sum.
    pub sum: Option<i128>,
    /// The smallest.
    pub min: Option<i128>,
    /// The largest.
    pub max: Option<i128>,
    /// The sum of their squares.
    pub squares: Option<i128>,
    /// Log-linear counts, by number.
    pub histogram: Vec<(i32, u64)>,
}

/// What a guest has counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Books {
    /// Operations that the probes judged.
    pub seen: u64,
    /// Records that passed.
    pub shipped: u64,
    /// Records for which there was no room in the kernel. The link drops none: while the host is slow, they wait there.
    pub lost: u64,
    /// Of these, operations for which there was no room among those under way.
    pub untracked: u64,
    /// Ends without a start.
    pub unmatched: u64,
    /// Records with a part that was made up for.
    pub approx: u64,
    /// Records that went into groups of the kernel.
    pub grouped: u64,
    /// Those that found no room there.
    pub spilled: u64,
    /// Events that went by unseen; known at the end.
    pub skipped: u64,
    /// Records that were sent to the host.
    pub sent: u64,
}

/// Whether a text may be a guest's name. A number is a context id.
pub fn is_name(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
    (1..=64).contains(&text.len()) && text.bytes().all(plain) && !is_number
}
