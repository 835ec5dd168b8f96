//! Standard output whose reader may be slow, or stopped: waiting for it ends soon after the run is asked to end.

use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::time::{Duration, Instant};

use rustix::event::PollFlags;
use rustix::fs::{FileType, OFlags, fstat};
use rustix::io::Errno;

use super::ready;
use crate::stop::Stop;

/// How long a reader is waited for once the run is to end.
const GRACE: Duration = Duration::from_secs(1);

/// How often it is looked whether the run is to end.
const LOOK_MILLIS: i64 = 20;

/// Standard output. One that may make its writer wait, a pipe or a terminal, is opened anew: so it can be asked not to,
/// without a change for the other programs that have it.
pub fn stdout(stop: &Stop) -> Box<dyn Write> {
    let waits = fstat(io::stdout()).is_ok_and(|stat| {
        matches!(
            FileType::from_raw_mode(stat.st_mode),
            FileType::Fifo | FileType::CharacterDevice
        )
    });
    let flags = i32::try_from(OFlags::NONBLOCK.bits()).unwrap_or(0);
    let mut options = File::options();
    let again = || {
        options
            .write(true)
            .custom_flags(flags)
            .open("/proc/self/fd/1")
    };
    match waits.then(again) {
        Some(Ok(out)) => Box::new(Patient {
            out,
            stop: stop.clone(),
            until: None,
        }),
        _ => Box::new(io::stdout()),
    }
}

struct Patient {
    out: File,
    stop: Stop,
    /// The end of the patience, once there is one.
    until: Option<Instant>,
}

/// The run was to end, and its last rows were not read.
#[derive(Debug, thiserror::Error)]
#[error("nobody reads the output")]
struct NobodyReads;

/// Whether this is why something was not written.
pub fn nobody_reads(error: &io::Error) -> bool {
    error
        .get_ref()
        .is_some_and(|error| error.is::<NobodyReads>())
}

impl Patient {
    fn wait(&mut self) -> io::Result<()> {
        if self.stop.asked() {
            let until = *self.until.get_or_insert_with(|| Instant::now() + GRACE);
            if Instant::now() >= until {
                return Err(io::Error::new(io::ErrorKind::TimedOut, NobodyReads));
            }
        }
        ready(&self.out, PollFlags::OUT, LOOK_MILLIS);
        Ok(())
    }
}

impl Write for Patient {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        loop {
            match rustix::io::write(&self.out, bytes) {
                Err(Errno::AGAIN) => self.wait()?,
                Err(Errno::INTR) => {}
                result => return result.map_err(io::Error::from),
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
