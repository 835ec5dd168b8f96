//! What this build cannot run.

use crate::diag::codes;
use crate::ir::*;
use crate::lower::lower;
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
        sources: vec![source("syscall", Side::Guest), source("fs", Side::Local)],
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
    let below = trace("syscall", Some(under("syscall", "file", 0)));
    let program = checked(
        vec![
            trace("fs", None),
            join,
            outputs(Output::Groups(groups)),
            below,
        ],
        names,
    );
    assert_eq!(
        refused(program),
        ["E0601", "E0602", "E0605", "E0601", "E0604", "E0606"]
    );
}

#[test]
fn too_many_streams() {
    let mut statements = Vec::new();
    statements.resize_with(34, || trace("block", None));
    assert_eq!(refused(checked(statements, Vec::new())), ["E0608"]);
}

#[test]
fn an_aggregate_among_rows_is_refused() {
    let kind = ExprKind::Aggregate(Aggregate::Max, vec![block("lat")]);
    let expr = Expr {
        kind,
        ..block("lat")
    };
    let column = Column {
        name: "max(lat)".into(),
        expr,
    };
    assert_eq!(
        refused(checked(
            vec![outputs(Output::Rows(vec![column]))],
            Vec::new()
        )),
        ["E0603"]
    );
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
