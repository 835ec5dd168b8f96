//! A program over a VM boundary: what its guests are asked, what their host keeps, and the rows that come of both.
//!
//! Both halves are text. A guest's requests come over whole; what the host has seen of them is looked up by the place on
//! the ring that both sides know.

use crate::diag::Errors;
use crate::half::Half;
use crate::ir;
use crate::lower::across;
use crate::plan::Plan;

/// What guests and their host are asked.
#[derive(Clone, Debug)]
pub struct Across {
    /// What guests are asked: the requests, with all that is read of their layers.
    pub guest: Half,
    /// What is kept of them on the host.
    pub host: Half,
    /// The program itself.
    pub(crate) program: ir::Checked,
}

/// The plans of it.
#[derive(Clone, Debug)]
pub struct Crossing {
    /// A guest's.
    pub guest: Plan,
    /// The host's own: its records are kept, not shipped.
    pub host: Plan,
    /// Of all rows. Its first streams are the guest's, and its first names.
    pub whole: Plan,
}

impl Across {
    /// The plans of its parts.
    ///
    /// # Errors
    /// If a part is too large, or nothing that its side can run.
    pub fn plan(&self) -> Result<Crossing, Errors> {
        let guest = self.guest.plan()?;
        let host = self.host.plan()?;
        let mut whole = across::whole(&guest, self.program.clone())?;
        self.guest.tell_apart(&mut whole);
        Ok(Crossing { guest, host, whole })
    }
}

#[cfg(test)]
mod tests;
