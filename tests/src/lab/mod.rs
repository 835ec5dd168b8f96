//! The VM lab: real kernels in QEMU, for tests of kernels and drivers that this machine lacks.
//!
//! [`kernel`] fetches Debian's kernels, [`modules`] finds drivers in them, [`image`] packs an initramfs whose first
//! process is the program `labinit`, [`machine`] knows the devices, [`boot`] runs QEMU within limits of time, and
//! [`result`] reads what the guest sent out. [`vsock`] lets a guest reach this machine, [`guest`] are those whose host it
//! is. [`case`](mod@case) reads the cases, [`plan`] is what the guest is told.

pub mod boot;
pub mod case;
pub mod guest;
pub mod image;
pub mod kernel;
pub mod machine;
pub mod modules;
pub mod plan;
pub mod qcow2;
pub mod result;
pub mod vsock;

use std::env;
use std::path::PathBuf;

use boot::QEMU;
use image::TOOLS;
use kernel::Kernel;
use modules::Modules;

/// A kernel that can be booted.
pub struct Ready {
    /// It.
    pub kernel: Kernel,
    /// Its modules.
    pub modules: Modules,
}

/// The folder of programs that cargo built beside this one.
pub fn programs() -> PathBuf {
    let exe = env::current_exe().unwrap();
    let folder = exe.parent().unwrap();
    if folder.ends_with("deps") {
        folder.parent().unwrap().into()
    } else {
        folder.into()
    }
}

/// What is kept from run to run: below cargo's target folder.
pub fn cache() -> PathBuf {
    let folder = programs().parent().unwrap().join("lab");
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

/// A kernel of the series.
///
/// # Errors
/// If something is missing, or the kernel cannot be fetched.
pub fn ready(series: &str) -> Result<Ready, String> {
    let tools = ["setpriv", "strip", "ldd", "xz", "apt-get", "dpkg-deb"];
    let missing = [QEMU]
        .into_iter()
        .chain(TOOLS)
        .chain(tools)
        .find(|name| image::tool(name).is_none());
    if let Some(name) = missing {
        return Err(format!("{name} is not installed"));
    }
    let get = || {
        let kernel = Kernel::get(series)?;
        let modules = Modules::of(&kernel)?;
        anyhow::Ok(Ready { kernel, modules })
    };
    get().map_err(|error| format!("{error:#}"))
}
