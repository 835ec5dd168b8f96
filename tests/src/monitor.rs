//! What a virtual machine monitor does between a host and a guest: connections go through it, and can be held up.

use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{sleep, spawn};
use std::time::Duration;

/// What a host says to reach the port of a guest.
const CALL: &[u8] = b"CONNECT 4687\n";

/// Takes connections at one socket to another one, as long as the process lives.
pub struct Monitor {
    cut: Arc<AtomicBool>,
}

impl Monitor {
    /// From a socket, where those who connect say `CONNECT` if they are `called`.
    pub fn between(from: &Path, to: &Path, called: bool) -> Self {
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
                pump(&near, &far, &shared);
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
