//! Layers of a join that it can do without.

use iotq_lang::diag::Errors;
use iotq_lang::plan::{Plan, TemplatePlan};

use super::hooks::Hooks;
use super::layouts::Layouts;
use crate::btf::KernelTypes;

/// The plan without the optional layers that cannot be traced here, and for each of them a line that says why.
pub(super) fn present(plan: &Plan, types: &KernelTypes) -> (Plan, Vec<String>) {
    let mut plan = plan.clone();
    let mut missing = Vec::new();
    plan.templates.retain(|template| {
        if !template.optional {
            return true;
        }
        let Err(Errors(why)) = traceable(template, types) else {
            return true;
        };
        let why = why.first().map_or("", |why| &why.message);
        missing.push(format!("goes on without `{}`: {why}", template.layer.name));
        false
    });
    (plan, missing)
}

fn traceable(template: &TemplatePlan, types: &KernelTypes) -> Result<(), Errors> {
    let alone = Plan {
        statements: Vec::new(),
        names: Vec::new(),
        templates: vec![template.clone()],
    };
    Hooks::choose(&alone, types, false)?;
    Layouts::of(&alone, types).map(drop)
}
