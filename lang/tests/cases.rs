//! The language's cases: `tests/cases/lang/**/*.iotq`, each with its expected output beside it.
//!
//! A case begins with directives in comments: `# args: a b`, `# param: name=value`, `# child: yes`, and `# error: E0201` for
//! each code that must be among the errors, so that a new expectation cannot lose one. `BLESS=1 cargo test` writes what
//! comes out.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use iotq_lang::check::{Imported, Inputs, NotFound, Wanted, check, params};
use iotq_lang::diag::codes::{
    names, params as param_codes, statements, syntax as syntax_codes, types,
};
use iotq_lang::diag::{Errors, render};
use iotq_lang::ir;
use iotq_lang::source::{Source, Sources};
use iotq_lang::syntax::{decode, parse_file, print};

#[derive(Default)]
struct Case {
    args: Vec<String>,
    params: Vec<(String, String)>,
    child: bool,
    errors: BTreeSet<String>,
}

fn directives(text: &str) -> Case {
    let mut case = Case::default();
    for line in text.lines().take_while(|line| line.starts_with('#')) {
        let Some((key, value)) = line.trim_start_matches('#').trim().split_once(": ") else {
            continue;
        };
        match key {
            "args" => case.args = value.split_whitespace().map(str::to_owned).collect(),
            "param" => {
                let (name, value) = value.split_once('=').expect("a parameter is NAME=VALUE");
                case.params.push((name.to_owned(), value.to_owned()));
            }
            "child" => case.child = value == "yes",
            "error" => {
                case.errors.insert(value.to_owned());
            }
            _ => {}
        }
    }
    case
}

/// Modules and files stand beside the cases; the path of a file is relative to the one that uses it.
fn module(wanted: Wanted<'_>) -> Result<Imported, NotFound> {
    let (name, path) = match wanted {
        Wanted::Module(name) => {
            let file = name.strip_prefix("stdlib.").ok_or(NotFound(None))?;
            (name.to_owned(), format!("{file}.iotq"))
        }
        Wanted::File { path, from } => {
            let path = match from.rsplit_once('/') {
                Some((folder, _)) => format!("{folder}/{path}"),
                None => path.to_owned(),
            };
            (path.clone(), path)
        }
    };
    let path = root().join("modules").join(path);
    let text = fs::read_to_string(&path).map_err(|_| NotFound(None))?;
    let key = path.canonicalize().expect("it was read");
    Ok(Imported {
        key: key.display().to_string(),
        source: Source { name, text },
    })
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/cases/lang")
}

fn files(dir: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).expect("the cases are readable") {
        let path = entry.expect("the cases are readable").path();
        if path.is_dir() && !path.ends_with("modules") {
            files(&path, found);
        } else if path.extension().is_some_and(|ext| ext == "iotq") {
            found.push(path);
        }
    }
}

/// What a case yields: the canonical form and a summary of the checked program, or the errors.
fn run(name: &str, bytes: Vec<u8>, case: &Case) -> Result<String, (Errors, Sources)> {
    let mut sources = Sources::default();
    let source = match decode(name, bytes) {
        Ok(source) => source,
        Err(errors) => return Err((errors, sources)),
    };
    sources.0.push(source);
    let script = match parse_file(&sources.0[0].text, 0) {
        Ok(script) => script,
        Err(errors) => return Err((errors, sources)),
    };
    let printed = print::script(&script);
    let again = parse_file(&printed, 0).expect("the canonical form parses");
    assert_eq!(
        again, script,
        "{name}: the canonical form is the same program"
    );
    assert_eq!(
        print::script(&again),
        printed,
        "{name}: printing is idempotent"
    );
    let inputs = Inputs {
        args: case.args.clone(),
        params: case.params.clone(),
        child: case.child,
        modules: &module,
        key: None,
    };
    let checked = match check(&mut sources, &script, &inputs) {
        Ok(checked) => checked,
        Err(errors) => return Err((errors, sources)),
    };
    let mut canonical = Sources(vec![Source {
        name: name.to_owned(),
        text: printed.clone(),
    }]);
    if let Err(errors) = check(&mut canonical, &again, &inputs) {
        panic!("{name}: the canonical form means the same: {errors}");
    }
    let mut out = printed;
    for param in params(&script) {
        out.push_str(&format!("-- param {param:?}\n"));
    }
    out.push_str(&summary(&checked));
    Ok(out)
}

/// The columns of each statement and the names of the machine.
fn summary(checked: &ir::Checked) -> String {
    let mut out = String::new();
    for statement in &checked.statements {
        match &statement.kind {
            ir::Kind::Streams(streams) => {
                for stream in streams {
                    let (layer, point) = (stream.source.layer.name, stream.source.point.name);
                    out.push_str(&format!("-- {layer}.{point}: {}\n", output(&stream.output)));
                }
            }
            ir::Kind::Join(join) => {
                let names: Vec<_> = join.sources.iter().map(|it| it.source.layer.name).collect();
                out.push_str(&format!(
                    "-- join {}: {}\n",
                    names.join(" "),
                    output(&join.output)
                ));
            }
        }
    }
    for name in &checked.names {
        out.push_str(&format!("-- name {:?} {:?}\n", name.kind, name.text));
    }
    out
}

fn output(it: &ir::Output) -> String {
    match it {
        ir::Output::Rows(all) => format!("rows {}", columns(all)),
        ir::Output::Groups(it) => format!("groups [{}] {}", columns(&it.by), columns(&it.columns)),
        ir::Output::Tree => "tree".to_owned(),
        ir::Output::Stages(it) => format!("stages [{}]", columns(&it.by)),
    }
}

fn columns(all: &[ir::Column]) -> String {
    let one = |it: &ir::Column| format!("`{}`: {}", it.name, it.expr.ty.name());
    all.iter().map(one).collect::<Vec<_>>().join(", ")
}

#[test]
fn cases() {
    let bless = std::env::var_os("BLESS").is_some();
    let mut all = Vec::new();
    files(&root(), &mut all);
    all.sort();
    assert!(all.len() > 50, "the cases are there");
    let mut failed = Vec::new();
    let mut produced = BTreeSet::new();
    for path in all {
        let bytes = fs::read(&path).expect("a case is readable");
        let case = directives(&String::from_utf8_lossy(&bytes));
        let name = path
            .file_name()
            .expect("a file")
            .to_string_lossy()
            .into_owned();
        let (out, codes) = match run(&name, bytes, &case) {
            Ok(out) => (out, BTreeSet::new()),
            Err((errors, sources)) => {
                let codes = errors.0.iter().map(|error| error.code.id.to_owned());
                (render(&errors, &sources, false), codes.collect())
            }
        };
        if codes != case.errors {
            failed.push(format!("{name}: wanted errors {:?}\n{out}", case.errors));
            continue;
        }
        produced.extend(codes);
        let expected = path.with_extension("out");
        if bless {
            fs::write(&expected, &out).expect("an expectation can be written");
        } else if fs::read_to_string(&expected).unwrap_or_default() != out {
            failed.push(format!("{name}: BLESS=1 accepts this\n{out}"));
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
    let families = [
        syntax_codes::ALL,
        names::ALL,
        types::ALL,
        statements::ALL,
        param_codes::ALL,
    ];
    for code in families.into_iter().flatten() {
        // Too large a source is made by a test below.
        let made = code.id == "E0101" || produced.contains(code.id);
        assert!(made, "{} has a case", code.id);
    }
}

#[test]
fn a_source_has_a_limit() {
    let errors = parse_file(&" ".repeat((1 << 20) + 1), 0).expect_err("too large");
    assert_eq!(errors.0[0].code.id, "E0101");
    assert!(parse_file(&" ".repeat(1 << 20), 0).is_ok());
}

#[test]
fn twenty_errors_are_shown() {
    let text = "trace blok\n".repeat(30);
    let mut sources = Sources(vec![Source {
        name: "<query>".into(),
        text,
    }]);
    let script = parse_file(&sources.0[0].text, 0).expect("it parses");
    let errors = check(&mut sources, &script, &Inputs::default()).expect_err("unknown layers");
    assert!(render(&errors, &sources, false).ends_with("and 10 more errors\n"));
}

#[test]
fn codes_are_unique_and_have_pages() {
    let all: Vec<_> = iotq_lang::diag::codes::all().collect();
    for (index, code) in all.iter().enumerate() {
        assert!(code.page.trim().len() > 60, "{} has a page", code.id);
        assert!(
            all[..index].iter().all(|other| other.id < code.id),
            "{} is in order",
            code.id
        );
        assert!(
            code.page.lines().all(|line| line.chars().count() <= 130),
            "{}",
            code.id
        );
    }
}
