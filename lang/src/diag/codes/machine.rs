//! E07: what this machine or this user lacks. E08: what failed while running.

use crate::diag::Code;

/// The family.
pub static ALL: &[&Code] = &[];
