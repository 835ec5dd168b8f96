//! Texts through the compiler: nothing panics, errors point into the source, and the canonical form is a fixed point.

use iotq_lang::assist::{Known, complete, highlight};
use iotq_lang::check::{self, Imported, Inputs, NotFound, Placed, Wanted, params, place};
use iotq_lang::diag::{Errors, render};
use iotq_lang::ir::Checked;
use iotq_lang::lower::lower;
use iotq_lang::plan::Plan;
use iotq_lang::source::{Source, Sources};
use iotq_lang::syntax::{self, ast::Script, print};

/// The library's module, which scripts may use.
const STORAGE: &str = include_str!("../../../stdlib/storage.iotq");

/// A file that uses itself, for `use "…"`.
const FILE: &str = "use \"self\"\nlet slow = 1ms\ndef failed = error == EIO\n";

/// Parses a text, prints it and parses it again; helps as an editor would at its end and in its middle.
pub fn parse(text: &str) {
    match syntax::parse(text) {
        Ok(script) => fixed_point(&script),
        Err(errors) => told(&errors, &sources(text)),
    }
    let colours = highlight(text);
    assert!(
        colours
            .iter()
            .all(|(range, _)| text.get(range.clone()).is_some())
    );
    let known = Known {
        names: vec!["slow".into()],
        ..Known::default()
    };
    let mut before = (0..=text.len() / 2).rev();
    let middle = before.find(|&at| text.is_char_boundary(at)).unwrap_or(0);
    for at in [middle, text.len()] {
        let start = complete(text, at, &known).start;
        assert!(
            start <= at && text.is_char_boundary(start),
            "{start} of {at}"
        );
    }
}

/// Checks and lowers a text as far as it goes, and tells its errors.
pub fn check(text: &str) {
    let mut sources = sources(text);
    let checked = syntax::parse(text).and_then(|script| checked(&script, &mut sources));
    if let Err(errors) = checked.and_then(lower) {
        told(&errors, &sources);
    }
}

/// The canonical form is the same program, and its own canonical form.
fn fixed_point(script: &Script) {
    let printed = print::script(script);
    // It has blanks that the text may not have.
    if printed.len() <= syntax::MAX_SOURCE {
        let again = syntax::parse(&printed);
        let again = again.unwrap_or_else(|errors| panic!("{errors:?}\n{printed}"));
        assert_eq!(&again, script, "{printed}");
        assert_eq!(print::script(&again), printed);
    }
}

/// Takes a text apart where it is over a VM boundary: a guest's streams are the same on both sides. Says whether it was.
pub fn sides(text: &str) -> bool {
    let Ok(script) = syntax::parse(text) else {
        return false;
    };
    let inputs = inputs(&script, false);
    let Ok(Placed::Across(across)) = place(&mut sources(text), &script, &inputs) else {
        return false;
    };
    let Ok(crossing) = across.plan() else {
        return false;
    };
    for stream in crossing.guest.streams() {
        let mut all = crossing.whole.streams();
        let own = all.find(|it| it.bit == stream.bit);
        assert_eq!(own.map(|it| it.layer.name), Some(stream.layer.name));
    }
    let names = |plan: &Plan| {
        plan.names
            .iter()
            .map(|it| it.text.clone())
            .collect::<Vec<_>>()
    };
    assert!(names(&crossing.whole).starts_with(&names(&crossing.guest)));
    assert!(crossing.host.names.is_empty());
    let _ = crossing.whole.bind(&[]);
    true
}

/// A checked program, whatever it wants from outside.
pub(crate) fn checked(script: &Script, sources: &mut Sources) -> Result<Checked, Errors> {
    check::check(sources, script, &inputs(script, true))
}

/// All that a script may want; `child`: a command is started.
fn inputs(script: &Script, child: bool) -> Inputs<'static> {
    let needed = params(script).into_iter().filter(|it| it.default.is_none());
    let given = needed.map(|param| {
        let value = match param.ty.as_str() {
            "duration" => "5ms",
            "bytes" => "4K",
            "bool" => "true",
            _ => "1",
        };
        (param.name, value.to_owned())
    });
    Inputs {
        args: vec!["5ms".into(), "vda".into()],
        params: given.collect(),
        child,
        modules: &module,
        key: None,
    }
}

pub(crate) fn sources(text: &str) -> Sources {
    Sources(vec![source("<query>", text)])
}

fn source(name: &str, text: &str) -> Source {
    Source {
        name: name.to_owned(),
        text: text.to_owned(),
    }
}

fn module(wanted: Wanted<'_>) -> Result<Imported, NotFound> {
    let (name, text) = match wanted {
        Wanted::Module("stdlib.storage") => ("stdlib.storage", STORAGE),
        Wanted::Module(_) => return Err(NotFound(None)),
        Wanted::File { .. } => ("self", FILE),
    };
    let source = source(name, text);
    Ok(Imported {
        key: name.to_owned(),
        source,
    })
}

/// Errors have something to show, and places that are in their source.
fn told(errors: &Errors, sources: &Sources) {
    assert!(!errors.0.is_empty());
    for label in errors.0.iter().flat_map(|error| &error.labels) {
        let text = &sources.0[label.span.file as usize].text;
        let place = text.get(label.span.start as usize..label.span.end as usize);
        assert!(place.is_some(), "{label:?} of {} bytes", text.len());
    }
    for color in [false, true] {
        let shown = render(errors, sources, color);
        assert!(errors.0[0].code.id.len() == 5 && shown.contains(errors.0[0].code.id));
    }
}
