//! Where the fields lie of types that only modules know.

use iotq_lang::diag::{Diagnostic, Errors, codes::machine as code};
use iotq_lang::plan::Plan;
use iotq_probes::abi::iotq_nvme_layout;

use crate::btf::{KernelTypes, Member};

/// Of the NVMe driver; zeros if the plan has no use for it.
///
/// # Errors
/// If its module does not describe its types.
pub(super) fn nvme(plan: &Plan, types: &KernelTypes) -> Result<iotq_nvme_layout, Errors> {
    if !plan
        .templates
        .iter()
        .any(|template| template.layer.name == "nvme")
    {
        return Ok(iotq_nvme_layout::default());
    }
    let at = |member| place(types, "nvme", member);
    Ok(iotq_nvme_layout {
        request_ctrl: at(("nvme_request", "ctrl"))?,
        request_status: at(("nvme_request", "status"))?,
        request_retries: at(("nvme_request", "retries"))?,
        ctrl_instance: at(("nvme_ctrl", "instance"))?,
    })
}

fn place(types: &KernelTypes, layer: &str, member: Member) -> Result<u32, Errors> {
    types.offset(member).ok_or_else(|| {
        let (structure, field) = member;
        let message = format!(
            "this kernel does not say where `{field}` lies in `struct {structure}`, which the layer `{layer}` needs"
        );
        let error = Diagnostic::new(&code::NO_HOOK, message)
            .help("modules describe their types where CONFIG_DEBUG_INFO_BTF_MODULES=y");
        Errors(vec![error])
    })
}
