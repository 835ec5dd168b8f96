//! Ctrl-C and termination: signals ask for the end of a run, and whoever waits looks whether they have.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;
use tokio::signal::unix::{SignalKind, signal};

/// Whether the end has been asked for.
#[derive(Clone, Debug)]
pub struct Stop {
    /// The signal that asked; 0 for none.
    signal: Arc<AtomicUsize>,
    /// A signal ends the process at once.
    deadly: Arc<AtomicBool>,
    /// A second signal is deadly: nothing comes behind the run.
    once: bool,
}

impl Stop {
    /// Takes the signals over, for one run: a second one ends the process, whatever it is waiting for.
    ///
    /// # Errors
    /// If the system does not let it.
    pub fn once() -> io::Result<Self> {
        Self::new(true)
    }

    /// Takes the signals over, for many runs. Between them, termination ends the process.
    ///
    /// # Errors
    /// If the system does not let it.
    pub fn often() -> io::Result<Self> {
        Self::new(false)
    }

    fn new(once: bool) -> io::Result<Self> {
        let stop = Self {
            signal: Arc::default(),
            deadly: Arc::new(AtomicBool::new(!once)),
            once,
        };
        for signal in [SIGINT, SIGTERM] {
            // In this order: the flag of a first signal must not make itself deadly.
            if once || signal == SIGTERM {
                flag::register_conditional_default(signal, Arc::clone(&stop.deadly))?;
            }
            let number = usize::try_from(signal).unwrap_or(usize::MAX);
            flag::register_usize(signal, Arc::clone(&stop.signal), number)?;
            if once {
                flag::register(signal, Arc::clone(&stop.deadly))?;
            }
        }
        Ok(stop)
    }

    /// A run begins.
    pub fn begin(&self) {
        if !self.once {
            self.signal.store(0, Ordering::SeqCst);
            self.deadly.store(false, Ordering::SeqCst);
        }
    }

    /// A run has ended.
    pub fn end(&self) {
        self.deadly.store(true, Ordering::SeqCst);
    }

    /// The end has been asked for.
    pub fn asked(&self) -> bool {
        self.signal.load(Ordering::SeqCst) != 0
    }

    /// Waits until the end has been asked for. Must be waited for inside a runtime with signals.
    ///
    /// # Errors
    /// If the system does not tell of signals.
    pub async fn when_asked(&self) -> io::Result<()> {
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut terminate = signal(SignalKind::terminate())?;
        while !self.asked() {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
        }
        Ok(())
    }

    /// It was asked for by termination: nothing is to come behind the run.
    pub fn terminated(&self) -> bool {
        self.signal.load(Ordering::SeqCst) == usize::try_from(SIGTERM).unwrap_or(usize::MAX)
    }
}
