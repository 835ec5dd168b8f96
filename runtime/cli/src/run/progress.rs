//! A line of progress.

use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

/// How often it is shown.
const PROGRESS: Duration = Duration::from_millis(500);

/// A line on the terminal that shows that something happens, while rows go elsewhere.
pub struct Progress {
    wanted: bool,
    shown: Option<Instant>,
}

impl Progress {
    /// Nothing yet.
    pub fn new() -> Self {
        Self {
            wanted: io::stderr().is_terminal() && !io::stdout().is_terminal(),
            shown: None,
        }
    }

    /// Shows it, if it is time.
    pub fn show(&mut self, elapsed: Duration, rows: u64) {
        if self.wanted && self.shown.is_none_or(|shown| shown.elapsed() >= PROGRESS) {
            self.shown = Some(Instant::now());
            let _ = write!(io::stderr(), "\r{:.0}s: {rows} rows", elapsed.as_secs_f64());
        }
    }

    /// Takes it away.
    pub fn clear(&self) {
        if self.shown.is_some() {
            let _ = write!(io::stderr(), "\r\x1b[K");
        }
    }
}
