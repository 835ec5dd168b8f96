//! What this process may do, and what the kernel forbids to everyone.

use std::{fs, io};

use aya::programs::{ProgramError, ProgramType};
use aya::sys::{SyscallError, is_program_supported};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

const CAP_SYS_ADMIN: u64 = 1 << 21;
const NEEDED: [(u64, &str); 2] = [(1 << 39, "CAP_BPF"), (1 << 38, "CAP_PERFMON")];

/// The capabilities that tracing needs and this process lacks.
pub fn lacking() -> Vec<&'static str> {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    lacking_of(&status)
}

fn lacking_of(status: &str) -> Vec<&'static str> {
    let line = status.lines().find_map(|line| line.strip_prefix("CapEff:"));
    let held = line
        .and_then(|digits| u64::from_str_radix(digits.trim(), 16).ok())
        .unwrap_or(0);
    let lacks =
        |&(bit, name): &(u64, &'static str)| (held & (bit | CAP_SYS_ADMIN) == 0).then_some(name);
    NEEDED.iter().filter_map(lacks).collect()
}

/// Whether this process may load tracing programs, as far as its capabilities tell.
pub fn privileged() -> bool {
    lacking().is_empty()
}

/// What the kernel says to a program that does nothing, if it refuses it: so it refuses all.
pub fn refusal() -> Option<io::Error> {
    let error = match is_program_supported(ProgramType::RawTracePoint) {
        Ok(true) => return None,
        Ok(false) => return Some(io::ErrorKind::Unsupported.into()),
        Err(ProgramError::SyscallError(SyscallError { io_error, .. })) => io_error,
        Err(other) => io::Error::other(other),
    };
    Some(error)
}

/// How far the kernel is locked down, if that can be read: `none`, `integrity`, `confidentiality`.
pub fn lockdown() -> Option<String> {
    chosen(&fs::read_to_string("/sys/kernel/security/lockdown").ok()?)
}

/// `none [integrity] confidentiality`
fn chosen(levels: &str) -> Option<String> {
    let (_, rest) = levels.split_once('[')?;
    Some(rest.split_once(']')?.0.to_owned())
}

/// Raises the limit of locked memory, in bytes, and tells it if it cannot be raised. Only old kernels charge maps to it.
pub fn raise_memlock() -> Option<u64> {
    let all = Rlimit {
        current: None,
        maximum: None,
    };
    setrlimit(Resource::Memlock, all).err()?;
    getrlimit(Resource::Memlock).current
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn capabilities() {
        let of = |digits: &str| lacking_of(&format!("Name:\tiotq\nCapEff:\t{digits}\nx"));
        assert_eq!(of("000001ffffffffff"), [""; 0]);
        assert_eq!(of("0000000000200000"), [""; 0]);
        assert_eq!(of("000000c000000000"), [""; 0]);
        assert_eq!(of("0000008000000000"), ["CAP_PERFMON"]);
        assert_eq!(of("0000004000000000"), ["CAP_BPF"]);
        assert_eq!(of("0000000000000000"), ["CAP_BPF", "CAP_PERFMON"]);
        assert_eq!(lacking_of("nonsense"), ["CAP_BPF", "CAP_PERFMON"]);
    }

    #[test]
    fn levels_of_lockdown() {
        assert_eq!(
            chosen("none [integrity] confidentiality\n").as_deref(),
            Some("integrity")
        );
        assert_eq!(chosen("none"), None);
        assert_eq!(chosen("]["), None);
    }
}
