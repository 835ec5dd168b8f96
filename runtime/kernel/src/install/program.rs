//! One program of the object, by the kind of its hook.

use aya::programs::{BtfTracePoint, Program, ProgramError, RawTracePoint};
use aya::{Btf, Ebpf};
use iotq_probes::catalogue::{Attach, Hook};

use super::InstallError;

/// Has the kernel verify it.
///
/// # Errors
/// If the kernel refuses it.
pub(super) fn load(ebpf: &mut Ebpf, hook: &Hook, btf: &Btf) -> Result<(), InstallError> {
    let program = find(ebpf, hook)?;
    let loaded = match hook.attach {
        Attach::Typed => typed(program).and_then(|program| program.load(hook.tracepoint, btf)),
        Attach::Raw => raw(program).and_then(RawTracePoint::load),
    };
    loaded.map_err(|source| failed("load", hook, source))
}

/// Attaches it, until the object is dropped.
///
/// # Errors
/// If the kernel refuses.
pub(super) fn attach(ebpf: &mut Ebpf, hook: &Hook) -> Result<(), InstallError> {
    let program = find(ebpf, hook)?;
    let attached = match hook.attach {
        Attach::Typed => typed(program).and_then(|program| program.attach().map(|_| ())),
        Attach::Raw => raw(program).and_then(|program| program.attach(hook.tracepoint).map(|_| ())),
    };
    attached.map_err(|source| failed("attach", hook, source))
}

fn find<'e>(ebpf: &'e mut Ebpf, hook: &Hook) -> Result<&'e mut Program, InstallError> {
    ebpf.program_mut(hook.program)
        .ok_or(InstallError::Missing(hook.program))
}

fn typed(program: &mut Program) -> Result<&mut BtfTracePoint, ProgramError> {
    program.try_into()
}

fn raw(program: &mut Program) -> Result<&mut RawTracePoint, ProgramError> {
    program.try_into()
}

fn failed(what: &'static str, hook: &Hook, source: ProgramError) -> InstallError {
    InstallError::Program {
        what,
        program: hook.program,
        source,
    }
}
