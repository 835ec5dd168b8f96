//! Hooks on kernels that are made up: what is told of them is what is done.

use iotq_lang::check::{Inputs, check};
use iotq_lang::lower::lower;
use iotq_lang::source::{Source, Sources};
use iotq_lang::syntax::parse;
use iotq_probes::catalogue::{LAYERS, Layer, layer};

use super::*;

/// All tracepoints of a new kernel, with a driver in it.
const NEW: [(&str, usize); 26] = [
    ("sys_enter", 2),
    ("sys_exit", 2),
    ("block_bio_queue", 1),
    ("block_split", 2),
    ("block_bio_backmerge", 1),
    ("block_bio_frontmerge", 1),
    ("block_rq_insert", 1),
    ("block_rq_issue", 1),
    ("block_rq_requeue", 1),
    ("block_rq_complete", 3),
    ("block_bio_complete", 2),
    ("block_io_start", 1),
    ("block_rq_merge", 1),
    ("nvme_setup_cmd", 2),
    ("nvme_sq", 3),
    ("nvme_complete_rq", 1),
    ("scsi_dispatch_cmd_start", 1),
    ("scsi_dispatch_cmd_error", 2),
    ("scsi_dispatch_cmd_timeout", 1),
    ("scsi_dispatch_cmd_done", 1),
    ("mm_filemap_add_to_page_cache", 1),
    ("mm_filemap_get_pages", 3),
    ("mm_filemap_delete_from_page_cache", 1),
    ("writeback_dirty_folio", 2),
    ("sched_process_fork", 2),
    ("sched_process_exit", 2),
];

const MEMBERS: [(&str, &str); 4] = [
    ("nvme_request", "ctrl"),
    ("nvme_request", "status"),
    ("nvme_request", "retries"),
    ("nvme_ctrl", "instance"),
];

/// The new kernel, changed. No arguments: without this tracepoint.
fn kernel(changes: &[(&str, usize)]) -> KernelTypes {
    let mut tracepoints = NEW.to_vec();
    for &(name, args) in changes {
        tracepoints.retain(|&(own, _)| own != name);
        if args > 0 {
            let own = NEW.iter().find(|(own, _)| *own == name);
            tracepoints.push((own.expect("a tracepoint").0, args));
        }
    }
    KernelTypes::made_up(&tracepoints, &MEMBERS)
}

fn known(name: &str) -> &'static Layer {
    layer(name).expect("a layer")
}

fn plan(text: &str) -> Plan {
    let mut sources = Sources(vec![Source {
        name: "test".into(),
        text: text.into(),
    }]);
    let tree = parse(text).expect("a query");
    let inputs = Inputs {
        args: Vec::new(),
        params: Vec::new(),
        child: false,
        ..Inputs::default()
    };
    let checked = check(&mut sources, &tree, &inputs).expect("a query");
    lower(checked).expect("a plan")
}

fn hook<'s>(survey: &'s Survey, target: &str) -> &'s Surveyed {
    let mut hooks = survey.hooks.iter();
    hooks.find(|hook| hook.hook.target == target).expect(target)
}

/// Kernels from new to strange.
fn kernels() -> Vec<KernelTypes> {
    let mut kernels = vec![
        kernel(&[]),
        KernelTypes::made_up(&[], &[]),
        KernelTypes::made_up(&NEW, &[]),
        kernel(&[("block_bio_queue", 2), ("block_split", 3)]),
        kernel(&[("block_io_start", 0), ("block_bio_queue", 7)]),
    ];
    for (name, _) in NEW {
        kernels.push(kernel(&[(name, 0)]));
        kernels.push(kernel(&[(name, 9)]));
    }
    kernels
}

#[test]
fn points_can_be_observed_where_a_survey_says_so() {
    for (number, types) in kernels().iter().enumerate() {
        for layer in LAYERS.iter().filter(|layer| layer.record.is_some()) {
            let survey = Survey::of(layer, types);
            for point in layer.points {
                let plan = plan(&format!("on {}.{} emit time", layer.name, point.name));
                let can =
                    Hooks::choose(&plan, types, false).is_ok() && Layouts::of(&plan, types).is_ok();
                assert_eq!(
                    survey.points.contains(&point.name),
                    can,
                    "{}.{} on kernel {number}",
                    layer.name,
                    point.name
                );
            }
        }
        let families = Survey::of_families(types);
        let plan = plan("on syscall.enter emit time");
        let with = Hooks::choose(&plan, types, true).is_ok();
        let without = Hooks::choose(&plan, types, false).is_ok();
        let whole = families.hooks.iter().all(|hook| hook.lost.is_empty());
        assert_eq!(with, whole && without, "families on kernel {number}");
    }
}

#[test]
fn what_is_amiss_is_told_with_what_is_lost_and_a_way_out() {
    let types = kernels();
    for types in &types {
        for layer in LAYERS.iter().filter(|layer| layer.record.is_some()) {
            for hook in Survey::of(layer, types).hooks {
                let amiss = matches!(hook.standing, Standing::Amiss(_));
                assert_eq!(amiss, !hook.lost.is_empty(), "{hook:?}");
                assert_eq!(amiss, hook.remedy.is_some(), "{hook:?}");
            }
        }
    }
}

#[test]
fn other_shapes_have_other_programs() {
    let types = kernel(&[("block_bio_queue", 2)]);
    let survey = Survey::of(known("block"), &types);
    let queue = hook(&survey, "block_bio_queue");
    let Standing::Replaced(by) = queue.standing else {
        panic!("{queue:?}");
    };
    assert_eq!(by.program, "iotq_bio_queue_2");
    assert_eq!(queue.points, ["queue"]);
    assert_eq!(survey.points.len(), known("block").points.len());
}

#[test]
fn a_missing_start_is_made_up_for() {
    let types = kernel(&[("block_io_start", 0)]);
    let survey = Survey::of(known("nvme"), &types);
    let start = hook(&survey, "block_io_start");
    assert!(matches!(start.standing, Standing::Amiss(_)), "{start:?}");
    assert!(start.lost[0].contains("first bio"), "{start:?}");
    assert_eq!(hook(&survey, "block_bio_queue").standing, Standing::Used);
    assert_eq!(survey.points, ["setup", "answer", "complete"]);
}

#[test]
fn a_hook_that_keeps_the_books_takes_the_whole_layer_with_it() {
    let types = kernel(&[("nvme_setup_cmd", 0)]);
    let survey = Survey::of(known("nvme"), &types);
    assert!(survey.points.is_empty());
    let lost = &hook(&survey, "nvme_setup_cmd").lost;
    assert_eq!(lost[..], ["nothing of the layer can be traced"]);
    let types = kernel(&[("nvme_sq", 0)]);
    let survey = Survey::of(known("nvme"), &types);
    assert_eq!(survey.points, ["setup", "complete"]);
    let lost = &hook(&survey, "nvme_sq").lost;
    assert_eq!(
        lost[..],
        ["no point `answer`, no fields `sq_head` `sq_tail`"]
    );
}

#[test]
fn structures_without_places_are_told() {
    let survey = Survey::of(known("nvme"), &KernelTypes::made_up(&NEW, &[]));
    assert!(survey.points.is_empty());
    let why = survey.layout.expect("a reason");
    assert!(why.contains("struct nvme_request"), "{why}");
}

#[test]
fn ways_out() {
    let of = |types: &KernelTypes, layer: &str, target: &str, why: Amiss| {
        let survey = Survey::of(known(layer), types);
        let hook = hook(&survey, target).hook;
        remedy::remedy(types, hook, Some(known(layer)), &why)
    };
    let (new, none) = (kernel(&[]), KernelTypes::made_up(&[], &[]));
    let absent = |name| Amiss::Absent(name);
    assert_eq!(
        of(&new, "block", "block_io_start", absent("block_io_start")),
        "newer kernels have it"
    );
    assert_eq!(
        of(&new, "syscall", "sys_enter", absent("sys_enter")),
        "kernels built with CONFIG_HAVE_SYSCALL_TRACEPOINTS have it"
    );
    assert_eq!(
        of(&none, "block", "block_rq_issue", absent("block_rq_issue")),
        "kernels built with CONFIG_BPF_EVENTS have it"
    );
    let untyped = of(&new, "scsi", "scsi_dispatch_cmd_start", Amiss::Untyped(""));
    assert!(
        untyped.contains("CONFIG_DEBUG_INFO_BTF_MODULES"),
        "{untyped}"
    );
    let shape = of(&new, "block", "block_rq_issue", Amiss::Shape("", 9));
    assert!(shape.contains("report"), "{shape}");
}

#[test]
fn events_that_nobody_asks_for_are_not_hooked() {
    let hooked = |types: &KernelTypes, text| {
        let hooks = Hooks::choose(&plan(text), types, false);
        hooks.map(|hooks| hooks.all().map(|hook| hook.target).collect::<Vec<_>>())
    };
    let types = kernel(&[]);
    let dirty = hooked(&types, "trace cache where event == dirty").ok();
    assert_eq!(dirty, Some(vec!["writeback_dirty_folio"]));
    let two = hooked(
        &types,
        "trace cache where event in {dirty, evict} and pid == 1",
    )
    .ok();
    let expected = ["writeback_dirty_folio", "mm_filemap_delete_from_page_cache"];
    assert_eq!(two, Some(expected.to_vec()));
    let other = hooked(&types, "trace cache where event != dirty").ok();
    assert_eq!(other.map(|hooks| hooks.len()), Some(6));
    // Without a way to tell of any event that is wanted there is nothing to trace; without some, it is told.
    let types = kernel(&[("mm_filemap_get_pages", 0)]);
    assert!(hooked(&types, "trace cache where event == hit").is_err());
    let reduced = Hooks::choose(&plan("trace cache"), &types, false).ok();
    let missing = reduced.map(|hooks| hooks.missing).unwrap_or_default();
    assert!(
        missing[0].contains("hits, misses and readahead"),
        "{missing:?}"
    );
}

#[test]
fn issues_are_looked_at_where_somebody_asks_or_requests_begin() {
    let issue = |types: &KernelTypes, text| {
        let hooks = Hooks::choose(&plan(text), types, false);
        hooks.map(|hooks| hooks.sees("block_rq_issue")).ok()
    };
    let types = kernel(&[]);
    assert_eq!(
        issue(&types, "on block.complete emit hist(lat)"),
        Some(false)
    );
    assert_eq!(
        issue(&types, "on block.complete emit hist(d2c)"),
        Some(true)
    );
    let both = "on block.complete emit hist(lat)\ntrace nvme";
    assert_eq!(issue(&types, both), Some(true));
    let old = kernel(&[("block_io_start", 0)]);
    assert_eq!(issue(&old, "on block.complete emit hist(lat)"), Some(true));
}
