//! What a virtual machine monitor does between a host and a guest: connections go through it, can be held up, and what the
//! guest says can be changed.

use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{sleep, spawn};
use std::time::Duration;

/// What a host says to reach the port of a guest.
const CALL: &[u8] = b"CONNECT 4687\n";

/// What becomes of what a guest says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tamper {
    /// It speaks another version.
    Version,
    /// A frame comes twice.
    Replay,
    /// A frame is left out.
    Skip,
    /// A frame comes behind the next one.
    Swap,
    /// A frame says that it is very long.
    Long,
    /// The connection ends in the middle of a frame.
    Cut,
}

/// Takes connections at one socket to another one, as long as the process lives.
pub struct Monitor {
    cut: Arc<AtomicBool>,
}

impl Monitor {
    /// From a socket, where those who connect say `CONNECT` if they are `called`.
    pub fn between(from: &Path, to: &Path, called: bool) -> Self {
        Self::tampering(from, to, called, Vec::new())
    }

    /// The same, which tampers with a connection for each of these, the last one first.
    pub fn tampering(from: &Path, to: &Path, called: bool, mut how: Vec<Tamper>) -> Self {
        let cut = Arc::new(AtomicBool::new(false));
        let door = UnixListener::bind(from).unwrap();
        let (to, shared) = (to.to_owned(), Arc::clone(&cut));
        spawn(move || {
            for near in door.incoming() {
                let mut near = near.unwrap();
                if called {
                    let mut said = vec![0; CALL.len()];
                    near.read_exact(&mut said).unwrap();
                    assert_eq!(said, CALL);
                }
                // With nobody there, the connection ends.
                let Ok(far) = UnixStream::connect(&to) else {
                    continue;
                };
                if called {
                    near.write_all(b"OK 1073741824\n").unwrap();
                }
                match how.pop() {
                    Some(how) => tamper(&near, &far, how),
                    None => pump(&near, &far, &shared),
                }
                pump(&far, &near, &shared);
            }
        });
        Self { cut }
    }

    /// Nothing passes for so long, and nothing is lost.
    pub fn cut(&self, length: Duration) {
        self.cut.store(true, Ordering::Relaxed);
        sleep(length);
        self.cut.store(false, Ordering::Relaxed);
    }
}

/// One direction, until one of the sides ends it.
fn pump(from: &UnixStream, to: &UnixStream, cut: &Arc<AtomicBool>) {
    let (mut from, mut to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
    let cut = Arc::clone(cut);
    spawn(move || {
        let mut bytes = [0; 64 << 10];
        while let Ok(length @ 1..) = from.read(&mut bytes) {
            while cut.load(Ordering::Relaxed) {
                sleep(Duration::from_millis(5));
            }
            if to.write_all(&bytes[..length]).is_err() {
                break;
            }
        }
        let _ = to.shutdown(Shutdown::Both);
    });
}

/// Bytes before the first frame, and before the message of each.
const PREAMBLE: usize = 8;
const HEADER: usize = 8;
/// Frames that pass as they are: the greeting, and some more.
const HONEST: usize = 24;

/// What a guest says, changed once; then as it is, until one of the sides ends it.
fn tamper(from: &UnixStream, to: &UnixStream, how: Tamper) {
    let (from, mut to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
    spawn(move || {
        // Whoever ends it, that is what it is for.
        let _ = tampered(&from, &mut to, how);
        let _ = to.shutdown(Shutdown::Both);
        let _ = from.shutdown(Shutdown::Both);
    });
}

fn tampered(mut from: &UnixStream, to: &mut UnixStream, how: Tamper) -> io::Result<()> {
    let mut preamble = [0; PREAMBLE];
    from.read_exact(&mut preamble)?;
    if how == Tamper::Version {
        preamble[PREAMBLE - 1] += 1;
    }
    to.write_all(&preamble)?;
    for _ in 0..HONEST {
        to.write_all(&frame(from)?)?;
    }
    let mut one = frame(from)?;
    match how {
        Tamper::Version => to.write_all(&one)?,
        Tamper::Replay => to.write_all(&[&one[..], &one].concat())?,
        Tamper::Skip => {}
        Tamper::Swap => to.write_all(&[frame(from)?, one].concat())?,
        Tamper::Long => {
            one[..4].copy_from_slice(&u32::MAX.to_le_bytes());
            to.write_all(&one)?;
        }
        Tamper::Cut => return to.write_all(&one[..one.len() - 1]),
    }
    io::copy(&mut from, to).map(|_| ())
}

/// The next frame.
fn frame(mut from: &UnixStream) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; HEADER];
    from.read_exact(&mut bytes)?;
    let length = u32::from_le_bytes(*bytes.first_chunk().unwrap());
    bytes.resize(HEADER + length as usize, 0);
    from.read_exact(&mut bytes[HEADER..])?;
    Ok(bytes)
}
