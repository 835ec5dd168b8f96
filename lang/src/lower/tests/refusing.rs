//! What this build cannot run.

use crate::diag::{Errors, codes};
use crate::ir::*;
use crate::lower::lower;
use crate::plan::{Plan, Role, TemplatePlan};
use crate::source::Span;
use crate::testing::*;

fn refused(program: Checked) -> Vec<&'static str> {
    let errors = lower(program).expect_err("refused").0;
    assert!(
        errors.iter().all(|error| !error.labels.is_empty()),
        "every error has a place"
    );
    errors.iter().map(|error| error.code.id).collect()
}

fn outputs(output: Output) -> Statement {
    let mut statement = trace("block", None);
    if let Kind::Streams(streams) = &mut statement.kind {
        streams[0].output = output;
    }
    statement
}

fn source(layer: &str, side: Side) -> JoinSource {
    let layer = known(layer);
    JoinSource {
        source: SourcePoint {
            side,
            layer,
            point: layer.end_point(),
            span: Span::default(),
        },
        optional: false,
    }
}

#[test]
fn all_problems_of_all_statements_are_reported() {
    let count = Column {
        name: "count()".into(),
        expr: Expr::constant(
            crate::value::Const::Int(0),
            iotq_probes::catalogue::Type::Int,
            Span::default(),
        ),
    };
    let groups = Groups {
        columns: vec![count],
        ..Groups::default()
    };
    let join = Join {
        sources: vec![source("syscall", Side::Guest), source("qemu", Side::Local)],
        filter: None,
        output: Output::Tree,
        required: false,
    };
    let join = Statement {
        span: Span::default(),
        kind: Kind::Join(join),
        bounds: Bounds::default(),
    };
    let names = vec![name(NameKind::Dir, "/var")];
    let below = trace("cache", Some(under("cache", "file", 0)));
    let known = trace("syscall", Some(under("syscall", "file", 0)));
    let program = checked(
        vec![
            trace("qemu", None),
            join,
            outputs(Output::Groups(groups)),
            below,
            known,
        ],
        names,
    );
    assert_eq!(refused(program), ["E0605", "E0602", "E0606"]);
}

/// The plan of a join of these layers.
fn joined(layers: &[&str]) -> Result<Plan, Errors> {
    let sources = layers.iter().map(|layer| source(layer, Side::Local));
    let join = Join {
        sources: sources.collect(),
        filter: None,
        output: Output::Rows(Vec::new()),
        required: false,
    };
    let statement = Statement {
        span: Span::default(),
        kind: Kind::Join(join),
        bounds: Bounds::default(),
    };
    lower(checked(vec![statement], Vec::new()))
}

#[test]
fn a_join_needs_a_root_above_the_others() {
    let refused = |layers: [&str; 2]| joined(&layers).map_err(|Errors(all)| all[0].code.id);
    assert_eq!(refused(["block", "nvme"]).err(), Some("E0602"));
    assert_eq!(refused(["block", "syscall"]).err(), Some("E0602"));
    for below in ["fs", "cache", "sched", "qemu"] {
        assert_eq!(refused(["qemu", below]).err(), Some("E0602"), "{below}");
    }
    assert_eq!(refused(["syscall", "qemu"]).err(), Some("E0602"));
    let plan = joined(&["syscall", "nvme"]).expect("a plan");
    // The driver's requests are known by those of the block layer.
    let layers: Vec<_> = plan.streams().map(|it| (it.layer.name, it.role)).collect();
    let expected = [
        ("syscall", Role::Root),
        ("nvme", Role::Child),
        ("block", Role::Child),
    ];
    assert_eq!(layers, expected);
    let followed: Vec<_> = plan.templates[1].points.iter().map(|it| it.name).collect();
    assert_eq!(followed, ["queue", "split", "merge", "issue", "complete"]);
    assert!(!plan.follows_guests());
}

/// What is done for a guest is known by the calls of its QEMU, also where nobody reads these.
#[test]
fn requests_of_guests_need_calls() {
    let needed =
        |plan: &Plan| -> Vec<_> { plan.templates.iter().map(|it| it.layer.name).collect() };
    for output in [vec!["qemu", "block"], vec!["qemu", "syscall"]] {
        let plan = joined(&output).expect("a plan");
        assert!(plan.follows_guests());
        assert_eq!(needed(&plan), ["syscall", "block", "qemu"]);
        let hooked = |it: &&TemplatePlan| it.points.iter().any(|point| point.name == "exit");
        assert_eq!(plan.templates.iter().filter(hooked).count(), 1);
    }
    let plan = lower(checked(vec![trace("qemu", None)], Vec::new())).expect("a plan");
    assert!(!plan.follows() && !plan.follows_guests());
    assert_eq!(needed(&plan), ["qemu"]);
}

#[test]
fn too_many_streams() {
    let mut statements = Vec::new();
    statements.resize_with(34, || trace("block", None));
    assert_eq!(refused(checked(statements, Vec::new())), ["E0608"]);
}

#[test]
fn every_code_has_a_page() {
    for code in codes::build::ALL {
        assert!(
            code.page.len() > 100 && code.page.lines().all(|line| line.len() <= 100),
            "{}",
            code.id
        );
        assert!(code.id.starts_with("E06"));
        assert_eq!(code.exit, 2);
    }
}
