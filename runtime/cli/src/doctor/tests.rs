//! What is written of kernels that are made up.

use iotq_kernel::{Amiss, Module, Standing, Survey, Surveyed};
use iotq_probes::catalogue::{Hook, Layer, layer};

use super::layers::of_layer;
use super::*;

fn known(name: &str) -> &'static Layer {
    layer(name).expect("a layer")
}

/// A hook of a layer.
fn hook(layer: &Layer, target: &str, standing: Standing) -> Surveyed {
    let points = layer.points.iter();
    let mut hooks = points.flat_map(|point| point.hooks.iter().map(|hook| (point.name, hook)));
    let found = hooks.find(|(_, hook)| hook.target == target);
    let (point, hook): (_, &'static Hook) = found.expect(target);
    let amiss = matches!(standing, Standing::Amiss(_));
    Surveyed {
        hook,
        points: vec![point],
        lost: amiss
            .then(|| format!("no point `{point}`"))
            .into_iter()
            .collect(),
        remedy: amiss.then(|| "load it".to_owned()),
        standing,
    }
}

fn lines(finding: &Finding) -> Vec<String> {
    let mut out = Vec::new();
    finding.write(&mut out).expect("memory");
    let text = String::from_utf8(out).expect("text");
    text.lines().map(str::to_owned).collect()
}

#[test]
fn hooks_with_one_way_out_share_it() {
    let scsi = known("scsi");
    let absent = |name| Standing::Amiss(Amiss::Absent(name));
    let mut odd = hook(
        scsi,
        "scsi_dispatch_cmd_error",
        Standing::Amiss(Amiss::Shape("", 7)),
    );
    odd.remedy = Some("report it".into());
    let survey = Survey {
        hooks: vec![
            hook(scsi, "scsi_dispatch_cmd_start", absent("")),
            odd,
            hook(scsi, "scsi_dispatch_cmd_timeout", Standing::Used),
            hook(scsi, "scsi_dispatch_cmd_done", absent("")),
        ],
        ..Survey::default()
    };
    let finding = of_layer(scsi, &survey, &[("scsi_mod", Module::Dormant)]);
    assert_eq!(
        lines(&finding),
        [
            "no       scsi        1 of 4 hooks: `trace scsi` is refused (E0703)",
            "         used        scsi_dispatch_cmd_timeout",
            "         missing     scsi_dispatch_cmd_start: no point `dispatch`",
            "         missing     scsi_dispatch_cmd_done: no point `complete`",
            "         way out     load it",
            "         shape       scsi_dispatch_cmd_error: no point `error`",
            "         way out     report it",
            "         modules     scsi_mod is not loaded",
        ]
    );
}

#[test]
fn a_layer_without_one_point_is_reduced() {
    let nvme = known("nvme");
    let survey = Survey {
        hooks: vec![
            hook(nvme, "nvme_setup_cmd", Standing::Used),
            hook(nvme, "nvme_sq", Standing::Amiss(Amiss::Untyped(""))),
            hook(nvme, "nvme_complete_rq", Standing::Used),
        ],
        points: vec!["setup", "complete"],
        layout: None,
        programs: Vec::new(),
    };
    let finding = of_layer(nvme, &survey, &[("nvme_core", Module::Typed)]);
    assert_eq!(finding.state, State::Reduced);
    assert_eq!(finding.text, "2 of 3 hooks");
    let json = finding.json();
    assert_eq!(json["points"], serde_json::json!(["setup", "complete"]));
    assert_eq!(json["modules"][0]["state"], "typed");
    let answer = &json["hooks"][1];
    let expected = serde_json::json!({
        "layer": "nvme", "points": ["answer"], "target": "nvme_sq", "attach": "raw_tp",
        "program": "iotq_nvme_answer", "state": "untyped", "by": [], "lost": ["no point `answer`"],
        "way_out": "load it",
    });
    assert_eq!(*answer, expected);
}

#[test]
fn what_does_instead_is_named() {
    let block = known("block");
    let queue = hook(block, "block_bio_queue", Standing::Used).hook;
    let other = queue.shapes().next().expect("another shape");
    let survey = Survey {
        hooks: vec![hook(block, "block_bio_queue", Standing::Replaced(other))],
        points: vec!["queue", "complete"],
        layout: None,
        programs: Vec::new(),
    };
    let finding = of_layer(block, &survey, &[]);
    assert_eq!(
        lines(&finding),
        [
            "ok       block       1 of 1 hooks",
            "         replaced    block_bio_queue by iotq_bio_queue_2",
        ]
    );
    assert_eq!(finding.json()["hooks"][0]["state"], "replaced");
}

#[test]
fn structures_without_places_are_a_reason() {
    let nvme = known("nvme");
    let survey = Survey {
        hooks: vec![hook(nvme, "nvme_sq", Standing::Used)],
        points: Vec::new(),
        layout: Some("somewhere".into()),
        programs: Vec::new(),
    };
    let finding = of_layer(nvme, &survey, &[("nvme_core", Module::Absent)]);
    assert_eq!(finding.state, State::Bad);
    assert_eq!(
        finding.details,
        [
            ("used", "nvme_sq".to_owned()),
            ("types", "somewhere".to_owned())
        ]
    );
}

#[test]
fn lines_fit_and_are_aligned() {
    let finding = Finding::new("btf", State::Bad, "word ".repeat(60)).way_out("other ".repeat(60));
    let lines = lines(&finding);
    assert!(lines.len() > 4);
    assert!(
        lines.iter().all(|line| line.chars().count() <= WIDTH),
        "{lines:?}"
    );
    let words = |line: &String| line.find("word").or_else(|| line.find("other"));
    assert!(
        lines.iter().all(|line| words(line) == Some(WORDS)),
        "{lines:?}"
    );
}
