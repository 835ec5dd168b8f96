//! What is amiss with a hook, and what would bring it.

use iotq_probes::catalogue::{Attach, Hook, Layer};

use crate::btf::KernelTypes;
use crate::modules::{Module, module};

/// What is amiss with a tracepoint or function.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Amiss {
    /// The kernel does not have it, or the module that has it is not loaded.
    #[error("this kernel has no tracepoint {0}")]
    Absent(&'static str),
    /// Its arguments are others.
    #[error("the tracepoint {0} has another shape here ({1} arguments)")]
    Shape(&'static str, usize),
    /// A module has it, and does not say what its arguments are.
    #[error("the tracepoint {0} is there, but its module does not describe its types")]
    Untyped(&'static str),
    /// The kernel does not have the function, or the module that has it is not loaded or keeps its types to itself.
    #[error("this kernel tells of no function {0}")]
    NoFunction(&'static str),
    /// The function is a module's, and cannot be hooked with types.
    #[error("the function {0} belongs to a module")]
    InModule(&'static str),
    /// Programs cannot sit at functions with types.
    #[error("this kernel forbids programs at its functions")]
    Forbidden,
    /// Functions cannot be probed.
    #[error("this kernel does not let functions be probed, such as {0}")]
    NoProbes(&'static str),
    /// No process runs QEMU.
    #[error("no QEMU runs here")]
    NoQemu,
    /// The code of processes cannot be probed.
    #[error("this kernel does not let processes be probed")]
    NoUserProbes,
    /// No QEMU that runs has the function in a shape that is known.
    #[error("the QEMU that runs here cannot be probed at {0}")]
    NoSite(&'static str),
}

/// The way out where a module keeps its types to itself.
pub(super) const UNTYPED: &str =
    "modules describe their types where CONFIG_DEBUG_INFO_BTF_MODULES=y";

/// The way out where a hook is amiss, in a few words.
pub fn remedy(types: &KernelTypes, hook: &Hook, layer: Option<&Layer>, why: &Amiss) -> String {
    match why {
        Amiss::Shape(..) if hook.brought_by.is_none() => {
            return "iotq has to learn this shape: please report it, with the kernel's version"
                .into();
        }
        Amiss::Untyped(_) => return UNTYPED.into(),
        Amiss::NoProbes(_) | Amiss::InModule(_) => {
            return "kernels with CONFIG_KPROBE_EVENTS=y let functions be probed".into();
        }
        Amiss::Forbidden => {
            return "most kernels with CONFIG_DYNAMIC_FTRACE_WITH_DIRECT_CALLS=y or CONFIG_KPROBE_EVENTS=y allow them".into();
        }
        Amiss::NoQemu => {
            return "start a guest first: what is started later from the same executable is seen, too".into();
        }
        Amiss::NoSite(_) => {
            return "iotq has to learn this QEMU: please report it, with its version and where it comes from".into();
        }
        Amiss::Shape(..) | Amiss::Absent(_) | Amiss::NoFunction(_) | Amiss::NoUserProbes => {}
    }
    if let Some(text) = hook.brought_by {
        return text.into();
    }
    let options = match layer {
        Some(layer) if !types.tracepoints.is_empty() => layer.options,
        _ => &["CONFIG_BPF_EVENTS"],
    };
    let built = format!("kernels built with {} have it", options.join(", "));
    // What is typed belongs to the kernel itself.
    let first = layer.and_then(|layer| layer.modules.first());
    let Some(name) = first.filter(|_| hook.attach != Attach::Typed) else {
        return built;
    };
    match module(name, types) {
        Module::Typed => built,
        Module::Untyped => UNTYPED.into(),
        Module::Dormant => format!("its module is not loaded: modprobe {name}"),
        Module::Absent => format!("{built}, built in or in the module {name}"),
    }
}
