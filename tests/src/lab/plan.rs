//! What the guest's first process is told, and what it tells of each case.

use serde::{Deserialize, Serialize};

/// Where the plan lies in the guest.
pub const PLAN: &str = "/lab/plan.json";
/// The port for results, by name.
pub const PORT: &str = "iotq.lab";
/// The record behind the last case.
pub const END: &str = "end-of-run";
/// How a case went, among its files.
pub const STATUS: &str = "status.json";
/// The kernel's messages during a case, among its files.
pub const KERNEL_LOG: &str = "kernel.log";
/// What the console shows before a case.
pub const BEGINS: &str = "lab: begins ";

/// A boot.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Plan {
    /// Loaded at the start.
    pub modules: Vec<Module>,
    /// Run one after the other.
    pub cases: Vec<Case>,
    /// A person gets a shell instead.
    pub shell: bool,
}

/// A kernel module.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Module {
    /// With underscores.
    pub name: String,
    /// `delay=3 dev_size_mb=16`
    pub params: String,
}

/// A case.
#[derive(Debug, Serialize, Deserialize)]
pub struct Case {
    /// The name of its file, without ending.
    pub name: String,
    /// Loaded for it, in this order, and removed afterwards.
    pub modules: Vec<Module>,
    /// The longest that its script may run.
    pub seconds: u64,
}

/// How a case went.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Status {
    /// The script's exit code, if it ended by itself.
    pub exit: Option<i32>,
    /// Why the script could not be run or did not end, or what it left behind.
    pub trouble: Vec<String>,
    /// How long the script ran.
    pub seconds: f64,
    /// How long it took with everything around it, but without sending the results.
    pub total: f64,
}

/// Where a module lies in the guest.
pub fn module_path(name: &str) -> String {
    format!("/lab/modules/{name}.ko")
}

/// Where a case's script lies in the guest.
pub fn script_path(name: &str) -> String {
    format!("/lab/cases/{name}.sh")
}
