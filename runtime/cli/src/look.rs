//! How often the ring of records is looked at. One that fills up wakes its reader anyway.

use std::time::Duration;

/// After records came.
const SOON: Duration = Duration::from_millis(20);
/// At most, while none come.
const IDLE: Duration = Duration::from_millis(320);

/// The wait until the next look.
pub struct Look(Duration);

impl Default for Look {
    fn default() -> Self {
        Self(SOON)
    }
}

impl Look {
    /// How long it is.
    pub fn wait(&self) -> Duration {
        self.0
    }

    /// It was looked, and there were records or none.
    pub fn looked(&mut self, found: bool) {
        self.0 = if found { SOON } else { IDLE.min(self.0 * 2) };
    }
}
