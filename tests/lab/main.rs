//! The cases of the VM lab, each a test. Those of one machine run in one boot.
//!
//! `IOTQ_LAB_KERNELS="6.1 5.10"` chooses the kernels. What a case brought out is kept in `target/lab/results`.

#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test that cannot go on says so by a panic, and what is skipped is told"
)]

mod boots;
mod judge;
mod verdict;

use std::env;
use std::sync::Arc;

use iotq_tests::lab::case::{self, Case};
use iotq_tests::lab::kernel::SERIES;
use iotq_tests::lab::machine::MACHINES;
use iotq_tests::lab::{Ready, image, ready};
use libtest_mimic::{Arguments, Trial};

use boots::{Boots, Group};

fn main() {
    let arguments = Arguments::from_args();
    let (cases, shared) = case::all().unwrap_or_else(|error| panic!("{error:#}"));
    let cases: Vec<_> = cases.into_iter().map(Arc::new).collect();
    let mut boots = Boots::new(shared);
    let mut tests = Vec::new();
    for series in series() {
        let ready = ready(&series).map(Arc::new);
        for machine in &MACHINES {
            let group = Arc::new(Group::new(machine));
            let of_machine = cases
                .iter()
                .filter(|case| std::ptr::eq(case.machine, machine));
            let mut wanted = Vec::new();
            for case in of_machine {
                let name = format!("{series}/{}/{}", machine.name, case.name);
                let why = ready
                    .as_ref()
                    .map_or_else(|why| Some(why.clone()), |ready| lacks(case, ready));
                let trial = trial(&name, &series, case, &group, why.as_deref());
                if !arguments.is_filtered_out(&trial) && why.is_none() {
                    wanted.push(Arc::clone(case));
                }
                tests.push(trial);
            }
            if let Ok(ready) = &ready {
                boots.add(ready, group, wanted);
            }
        }
    }
    if !arguments.list {
        boots.start();
    }
    let conclusion = libtest_mimic::run(&arguments, tests);
    conclusion.exit();
}

/// The kernels that are asked for, each once: the first one if none is.
fn series() -> Vec<String> {
    let text = env::var("IOTQ_LAB_KERNELS").unwrap_or_default();
    let separator = |each: char| each == ',' || each.is_whitespace();
    let mut list: Vec<String> = Vec::new();
    for word in text.split(separator).filter(|word| !word.is_empty()) {
        let all = SERIES.iter().map(|(name, _)| *name);
        let names: Vec<_> = if word == "all" {
            all.collect()
        } else {
            vec![word]
        };
        for name in names {
            assert!(
                SERIES.iter().any(|(known, _)| *known == name),
                "no kernel series {name}"
            );
            if !list.iter().any(|each| each == name) {
                list.push(name.to_owned());
            }
        }
    }
    if list.is_empty() {
        list.push(SERIES[0].0.to_owned());
    }
    list
}

/// What the kernel lacks for a case.
fn lacks(case: &Case, ready: &Ready) -> Option<String> {
    let module = case
        .modules
        .iter()
        .find(|module| !ready.modules.has(&module.name));
    let option = case.needs.iter().find(|option| !ready.kernel.has(option));
    let mut makers = case.machine.makers();
    if let Some(maker) = makers.find(|maker| image::tool(maker).is_none()) {
        return Some(format!("{maker} is not installed"));
    }
    let module = module.map(|module| format!("the kernel has no {}", module.name));
    module.or_else(|| option.map(|option| format!("the kernel has no {option}")))
}

fn trial(
    name: &str,
    series: &str,
    case: &Arc<Case>,
    group: &Arc<Group>,
    why: Option<&str>,
) -> Trial {
    if let Some(why) = why {
        eprintln!("skipped: {name}: {why}");
    }
    let (case, group, series) = (Arc::clone(case), Arc::clone(group), series.to_owned());
    let body = move || verdict::of(&series, &case, group.ended()).map_err(Into::into);
    Trial::test(name, body).with_ignored_flag(why.is_some())
}
