//! Native code agrees with the reference evaluator on whatever the language's cases, the examples and the library ask.

use std::fs;
use std::path::{Path, PathBuf};

use fastrand::Rng;
use iotq_engine::jit::Compiler;
use iotq_engine::{Clock, RawRecord};
use iotq_lang::check::{Imported, Inputs, NotFound, Wanted, check, params};
use iotq_lang::ir::{Expr, ExprKind, Kind, Output, Stream};
use iotq_lang::source::{Source, Sources};
use iotq_lang::syntax::{decode, parse_file};
use iotq_trials::{Tape, record, same_truth, same_value};

const RECORDS: usize = 40;

fn scripts() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let folders = ["tests/cases/lang/good", "examples", "stdlib"];
    let files = folders
        .iter()
        .flat_map(|folder| fs::read_dir(root.join(folder)).expect("a folder"));
    let paths = files.map(|file| file.expect("a file").path());
    let mut paths: Vec<_> = paths
        .filter(|path| path.extension().is_some_and(|it| it == "iotq"))
        .collect();
    paths.sort();
    paths
}

/// Modules of the library, and those of the cases.
fn module(wanted: Wanted<'_>) -> Result<Imported, NotFound> {
    let Wanted::Module(name) = wanted else {
        return Err(NotFound(None));
    };
    let file = format!("{}.iotq", name.strip_prefix("stdlib.").unwrap_or(name));
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let here = ["stdlib", "tests/cases/lang/modules"].map(|folder| root.join(folder).join(&file));
    let text = here.iter().find_map(|path| fs::read_to_string(path).ok());
    Ok(Imported {
        key: name.to_owned(),
        source: Source {
            name: name.to_owned(),
            text: text.ok_or(NotFound(None))?,
        },
    })
}

/// The streams of a script, with what its first lines and its parameters want; none if it needs more than that.
fn streams(path: &Path) -> Option<Vec<Stream>> {
    let source = decode("case", fs::read(path).expect("a readable file")).ok()?;
    let directive = |key: &str| {
        let lines = source.text.lines().take_while(|line| line.starts_with('#'));
        let found = lines.filter_map(|line| line.trim_start_matches(['#', ' ']).strip_prefix(key));
        found.map(str::to_owned).collect::<Vec<_>>()
    };
    let args = directive("args: ").concat();
    let given = directive("param: ");
    let mut params_given: Vec<(String, String)> = given
        .iter()
        .filter_map(|each| each.split_once('='))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    let script = parse_file(&source.text, 0).ok()?;
    for param in params(&script) {
        let known = params_given.iter().any(|(name, _)| *name == param.name);
        if param.default.is_none() && !known {
            let value = if param.ty == "duration" { "5ms" } else { "1" };
            params_given.push((param.name, value.to_owned()));
        }
    }
    let inputs = Inputs {
        args: args.split_whitespace().map(str::to_owned).collect(),
        params: params_given,
        child: true,
        modules: &module,
        key: None,
    };
    let mut sources = Sources(vec![Source { ..source }]);
    let checked = check(&mut sources, &script, &inputs).ok()?;
    let streams = checked.statements.into_iter().flat_map(|it| match it.kind {
        Kind::Streams(streams) => streams,
        Kind::Join(_) => Vec::new(),
    });
    Some(streams.collect())
}

/// Everything in a stream that is computed of a single record.
fn exprs(stream: &Stream) -> Vec<&Expr> {
    let mut all: Vec<&Expr> = stream.filter.iter().collect();
    match &stream.output {
        Output::Rows(columns) => all.extend(columns.iter().map(|column| &column.expr)),
        Output::Groups(groups) | Output::Stages(groups) => {
            all.extend(groups.by.iter().map(|key| &key.expr));
            for column in &groups.columns {
                if let ExprKind::Aggregate(_, args) = &column.expr.kind {
                    all.extend(args);
                }
            }
        }
        Output::Tree => {}
    }
    all
}

#[test]
fn cases_agree() {
    let mut random = Rng::with_seed(1);
    let clock = Clock {
        mono_to_wall_ns: 1_732_284_000_000_000_000,
        started_ns: 0,
    };
    let (mut native, mut all, mut read) = (0, 0, 0);
    for path in scripts() {
        let Some(streams) = streams(&path) else {
            continue;
        };
        read += 1;
        for stream in &streams {
            let layer = stream.source.layer;
            if layer.record.is_none() {
                continue;
            }
            let mut compiler = Compiler::new(clock);
            for expr in exprs(stream) {
                let condition = compiler.condition(layer, expr);
                let value = compiler.value(layer, expr);
                native += usize::from(condition.left().is_none());
                all += 1;
                for _ in 0..RECORDS {
                    let bytes: Vec<u8> = (0..400).map(|_| random.u8(..)).collect();
                    let bytes = record(layer, &mut Tape::new(&bytes));
                    let record = RawRecord::parse(&bytes, clock).expect("a record");
                    same_truth(&condition, &record);
                    same_value(&value, &record);
                }
            }
        }
    }
    assert!(read > 30, "{read} scripts were read");
    assert!(
        all > 60 && native == all,
        "{native} of {all} have native code"
    );
}
