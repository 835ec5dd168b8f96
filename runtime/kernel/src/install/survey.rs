//! What this kernel offers to a layer: the same choice as an installation makes, told instead of taken.

use iotq_probes::catalogue::{Attach, FAMILY, FOLLOW, Hook, Layer};

use super::hooks::{fitting, unneeded};
use super::layouts::Layouts;
use super::remedy::{Amiss, remedy};
use crate::btf::KernelTypes;
use crate::qemu::Qemu;

/// How a hook stands on this kernel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It is there.
    Used,
    /// No device here has use for it.
    Unneeded,
    /// The tracepoint has another shape here, or the function is a module's: there is another program for that.
    Replaced(&'static Hook),
    /// It is not there; other tracepoints do the same.
    Substituted,
    /// It cannot be used.
    Amiss(Amiss),
}

/// A hook of a layer.
#[derive(Clone, Debug)]
pub struct Surveyed {
    /// The hook.
    pub hook: &'static Hook,
    /// The points that it feeds; none if it keeps the layer's books.
    pub points: Vec<&'static str>,
    /// How it stands.
    pub standing: Standing,
    /// What is lost, if it is amiss.
    pub lost: Vec<String>,
    /// What would bring it, if it is amiss.
    pub remedy: Option<String>,
}

/// What a kernel offers to a layer.
#[derive(Clone, Debug, Default)]
pub struct Survey {
    /// All hooks, each once.
    pub hooks: Vec<Surveyed>,
    /// The points that can be observed.
    pub points: Vec<&'static str>,
    /// Why the fields of the driver's structures cannot be found.
    pub layout: Option<String>,
    /// The programs that run here and would be hooked, a line each.
    pub programs: Vec<String>,
}

/// What a hook is there for.
#[derive(Clone, Copy)]
struct Role {
    /// Else it is for something beside the layers, which there is not without it.
    layer: Result<&'static Layer, &'static str>,
    /// None: the books.
    point: Option<&'static str>,
}

impl Survey {
    /// Looks at the hooks of a layer.
    pub fn of(layer: &'static Layer, types: &KernelTypes) -> Self {
        let mut survey = Self::default();
        let role = |point| Role {
            layer: Ok(layer),
            point,
        };
        for point in layer.points {
            let add = |seen, hook| survey.add(types, hook, role(Some(point.name))) && seen;
            if point.hooks.iter().fold(true, add) {
                survey.points.push(point.name);
            }
        }
        for hook in layer.upkeep {
            if !survey.add(types, hook, role(None)) {
                survey.points.clear();
            }
        }
        // What is lost without each of the hooks may add up to all.
        let sees = |hook: &Surveyed| {
            let works = matches!(hook.standing, Standing::Used | Standing::Replaced(_));
            works && !hook.points.is_empty()
        };
        if !survey.hooks.iter().any(sees) {
            survey.points.clear();
        }
        for field in layer.fields {
            let (layer, point) = (Err("no fields of the origin"), None);
            for hook in field.hooks {
                survey.add(types, hook, Role { layer, point });
            }
        }
        if layer.hooks().any(|hook| hook.attach == Attach::Qemu) {
            survey.programs = types.qemus().iter().map(told).collect();
        }
        let fed = |point: &&str| survey.points.contains(point);
        let mut fields = layer.fields.iter();
        if !fields.any(|field| field.needs.iter().all(fed)) {
            survey.points.clear();
        }
        if !survey.points.is_empty()
            && let Err(errors) = Layouts::default().add(layer, types)
        {
            survey.layout = errors.0.into_iter().next().map(|error| error.message);
            survey.points.clear();
        }
        survey
    }

    /// Looks at the hooks that follow a process's descendants.
    pub fn of_families(types: &KernelTypes) -> Self {
        Self::of_hooks(&FAMILY, "no `pid under`", types)
    }

    /// Looks at the hooks by which requests are followed.
    pub fn of_requests(types: &KernelTypes) -> Self {
        Self::of_hooks(&FOLLOW, "no joins, no stages", types)
    }

    fn of_hooks(hooks: &'static [Hook], lost: &'static str, types: &KernelTypes) -> Self {
        let mut survey = Self::default();
        let (layer, point) = (Err(lost), None);
        for hook in hooks {
            survey.add(types, hook, Role { layer, point });
        }
        survey
    }

    /// Adds a hook, and what does instead of it where it is missing. Whether what it is there for can be done.
    fn add(&mut self, types: &KernelTypes, hook: &'static Hook, role: Role) -> bool {
        let standing = standing(types, hook);
        let own = self.entry(hook, &standing);
        if let Some(point) = role.point
            && !own.points.contains(&point)
        {
            own.points.push(point);
        }
        let seen = match &standing {
            Standing::Used | Standing::Unneeded | Standing::Replaced(_) => return true,
            Standing::Substituted => true,
            Standing::Amiss(why) => {
                own.remedy = Some(remedy(types, hook, role.layer.ok(), why));
                let lost = hook.without.map_or_else(|| role.lost(), str::to_owned);
                if hook.without.is_none() && role.point.is_none() {
                    // That is more than any point.
                    own.lost.clear();
                }
                if !own.lost.contains(&lost) {
                    own.lost.push(lost);
                }
                hook.without.is_some()
            }
        };
        let others = hook.substitutes();
        others.fold(seen, |seen, other| self.add(types, other, role) && seen)
    }

    fn entry(&mut self, hook: &'static Hook, standing: &Standing) -> &mut Surveyed {
        let same =
            |one: &Surveyed| (one.hook.program, one.hook.target) == (hook.program, hook.target);
        let at = self.hooks.iter().position(same).unwrap_or_else(|| {
            self.hooks.push(Surveyed {
                hook,
                points: Vec::new(),
                standing: standing.clone(),
                lost: Vec::new(),
                remedy: None,
            });
            self.hooks.len() - 1
        });
        &mut self.hooks[at]
    }
}

impl Role {
    /// What is lost if it cannot be done.
    fn lost(self) -> String {
        let layer = match self.layer {
            Ok(layer) => layer,
            Err(lost) => return lost.into(),
        };
        let all = "nothing of the layer can be traced";
        let Some(point) = self.point else {
            return all.into();
        };
        let fields = layer.fields.iter();
        let fields = fields.filter(|field| field.needs.contains(&point));
        let fields: Vec<String> = fields.map(|field| format!("`{}`", field.name)).collect();
        match &fields[..] {
            fields if fields.len() == layer.fields.len() => all.into(),
            [] => format!("no point `{point}`"),
            [field] => format!("no point `{point}`, no field {field}"),
            _ => format!("no point `{point}`, no fields {}", fields.join(" ")),
        }
    }
}

/// `/usr/bin/qemu-system-x86_64, 2 processes`, and what goes by unseen there.
fn told(qemu: &Qemu) -> String {
    let processes = match qemu.processes.len() {
        1 => "1 process".to_owned(),
        more => format!("{more} processes"),
    };
    let head = format!("{}, {processes}", qemu.path);
    let lines = std::iter::once(head).chain(qemu.lacks.iter().cloned());
    lines.collect::<Vec<_>>().join("; ")
}

fn standing(types: &KernelTypes, hook: &'static Hook) -> Standing {
    let substituted = hook.without.is_none() && hook.substitutes().next().is_some();
    match fitting(types, hook) {
        _ if unneeded(types, hook) => Standing::Unneeded,
        Ok(own) if own == hook => Standing::Used,
        Ok(other) => Standing::Replaced(other),
        Err(_) if substituted => Standing::Substituted,
        Err(why) => Standing::Amiss(why),
    }
}
