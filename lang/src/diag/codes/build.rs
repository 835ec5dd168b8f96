//! E06: what the language means and this build cannot run.

use crate::diag::Code;

/// The family.
pub static ALL: &[&Code] = &[];
