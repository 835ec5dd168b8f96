//! One program of the object, by the kind of its hook.

use std::any::Any;

use aya::programs::uprobe::{UProbeAttachLocation, UProbeAttachPoint, UProbeScope};
use aya::programs::{
    BtfTracePoint, FEntry, FExit, KProbe, Program, ProgramError, RawTracePoint, UProbe,
};
use aya::{Btf, Ebpf};
use iotq_probes::abi::IOTQ_QEMU_SITE_SHIFT;
use iotq_probes::catalogue::{Attach, Hook};

use super::InstallError;
use crate::qemu::{Qemu, hooked};

/// Has the kernel verify it.
///
/// # Errors
/// If the kernel refuses it.
pub(super) fn load(ebpf: &mut Ebpf, hook: &Hook, btf: &Btf) -> Result<(), InstallError> {
    let program = find(ebpf, hook)?;
    let name = hook.target;
    let loaded = match hook.attach {
        Attach::Typed => of::<BtfTracePoint>(program).and_then(|program| program.load(name, btf)),
        Attach::Raw => of::<RawTracePoint>(program).and_then(RawTracePoint::load),
        Attach::Entry => of::<FEntry>(program).and_then(|program| program.load(name, btf)),
        Attach::Exit => of::<FExit>(program).and_then(|program| program.load(name, btf)),
        // One may sit on several functions.
        Attach::Probe | Attach::ExitProbe => of::<KProbe>(program).and_then(|it| match it.fd() {
            Ok(_) => Ok(()),
            Err(_) => it.load(),
        }),
        Attach::Qemu => of::<UProbe>(program).and_then(|it| match it.fd() {
            Ok(_) => Ok(()),
            Err(_) => it.load(),
        }),
    };
    loaded.map_err(|source| failed("load", hook, source))
}

/// What keeps a program attached, until it is dropped.
pub(crate) type Hold = Box<dyn Any>;

/// Attaches it, wherever it is to sit.
///
/// # Errors
/// If the kernel refuses.
pub(super) fn attach(
    ebpf: &mut Ebpf,
    hook: &Hook,
    qemus: &[Qemu],
) -> Result<Vec<Hold>, InstallError> {
    let program = find(ebpf, hook)?;
    let name = hook.target;
    let attached = match hook.attach {
        Attach::Typed => of::<BtfTracePoint>(program)
            .and_then(|it| it.attach().and_then(|id| it.take_link(id)).map(hold)),
        Attach::Raw => of::<RawTracePoint>(program)
            .and_then(|it| it.attach(name).and_then(|id| it.take_link(id)).map(hold)),
        Attach::Entry => of::<FEntry>(program)
            .and_then(|it| it.attach().and_then(|id| it.take_link(id)).map(hold)),
        Attach::Exit => of::<FExit>(program)
            .and_then(|it| it.attach().and_then(|id| it.take_link(id)).map(hold)),
        Attach::Probe | Attach::ExitProbe => of::<KProbe>(program)
            .and_then(|it| it.attach(name, 0).and_then(|id| it.take_link(id)).map(hold)),
        Attach::Qemu => of::<UProbe>(program).and_then(|it| attach_to_qemus(it, name, qemus)),
    };
    attached.map_err(|source| failed("attach", hook, source))
}

fn hold<L: 'static>(link: L) -> Vec<Hold> {
    vec![Box::new(link)]
}

/// To each executable, wherever it has the function. The cookie says which it is, and where that is.
fn attach_to_qemus(
    program: &mut UProbe,
    function: &str,
    qemus: &[Qemu],
) -> Result<Vec<Hold>, ProgramError> {
    let mut all = Vec::new();
    for ((qemu, _), number) in hooked(qemus).zip(0..) {
        let Some(site) = qemu.site(function) else {
            continue;
        };
        let point = UProbeAttachPoint {
            location: UProbeAttachLocation::AbsoluteOffset(site.offset),
            cookie: Some(site.address << IOTQ_QEMU_SITE_SHIFT | number),
        };
        let id = program.attach(point, qemu.own_path(), UProbeScope::AllProcesses)?;
        all.extend(hold(program.take_link(id)?));
    }
    Ok(all)
}

fn find<'e>(ebpf: &'e mut Ebpf, hook: &Hook) -> Result<&'e mut Program, InstallError> {
    ebpf.program_mut(hook.program)
        .ok_or(InstallError::Missing(hook.program))
}

fn of<'p, P>(program: &'p mut Program) -> Result<&'p mut P, ProgramError>
where
    &'p mut P: TryFrom<&'p mut Program, Error = ProgramError>,
{
    program.try_into()
}

fn failed(what: &'static str, hook: &Hook, source: ProgramError) -> InstallError {
    InstallError::Program {
        what,
        program: hook.program,
        source,
    }
}
