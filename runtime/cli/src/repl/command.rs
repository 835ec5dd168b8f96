//! The commands of the REPL: lines that begin with a colon.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::{Args, Command as Options, ValueEnum};
use iotq_lang::check::{did_you_mean, near};
use iotq_lang::diag::codes;
use iotq_lang::diag::codes::run as code;

use super::session::Session;
use super::{Next, types};
use crate::args::{ListFormat, Run, Stage};
use crate::report::{Failure, note};
use crate::{explain, list};

/// The commands: name, arguments, what they do.
pub const COMMANDS: [(&str, &str, &str); 8] = [
    ("help", "", "this page"),
    (
        "list",
        "[WHAT]",
        "layers; `block`, `syscall.*`, `tools`, `devices`, `modules`, `codes`; `definitions` are those made here",
    ),
    (
        "explain",
        "[STAGE] [QUERY]",
        "what the compiler makes of a query, or of the last one; or the page of an error: `:explain E0302`",
    ),
    (
        "type",
        "EXPRESSION",
        "its type on each layer; or the columns of a statement",
    ),
    (
        "set",
        "[NAME [VALUE]]",
        "an option of queries, or a parameter; without a value, back to what it was by itself; without a name, all of them",
    ),
    (
        "save",
        "FILE",
        "the definitions and the last statement, as a script; `:save! FILE` replaces a file",
    ),
    (
        "load",
        "FILE",
        "takes a script in: its definitions stay, its statements run",
    ),
    ("quit", "", "leaves, as Ctrl-D does"),
];

/// Options that can be set, by their names on the command line.
pub const OPTIONS: [&str; 6] = ["for", "format", "output", "command", "ring", "btf"];

/// Runs the command of a line, which comes without its colon.
///
/// # Errors
/// Those of the command.
pub fn run(session: &mut Session, line: &str) -> Result<Next, Failure> {
    let (name, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    let rest = rest.trim();
    match name {
        "help" | "h" | "?" => help()?,
        "quit" | "q" | "exit" => return Ok(Next::Leave),
        "list" | "l" if rest == "definitions" => {
            let mut out = io::stdout().lock();
            session
                .definitions()
                .try_for_each(|it| writeln!(out, "{}", it.trim_end()))?;
        }
        "list" | "l" => {
            list::list(Some(rest).filter(|it| !it.is_empty()), ListFormat::Text)?;
        }
        "explain" | "e" => explained(session, rest)?,
        "type" | "t" if rest.is_empty() => note("iotq: `:type` takes an expression or a statement"),
        "type" | "t" => types::tell(session, rest)?,
        "set" | "s" => set(session, rest)?,
        "load" | "save" | "save!" if rest.is_empty() => {
            note(&format!("iotq: `:{name}` takes a file"))
        }
        "load" => session.load(&file(rest))?,
        "save" | "save!" => save(session, &file(rest), name.ends_with('!'))?,
        _ => {
            let near = did_you_mean(&near(name, COMMANDS.map(|(name, ..)| name)));
            let hint = near.unwrap_or_else(|| "`:help` shows them".into());
            note(&format!(
                "iotq: there is no command `:{}`; {hint}",
                name.escape_debug()
            ));
        }
    }
    Ok(Next::Read)
}

/// A path, with `~` for the home folder and without quotes around it.
fn file(text: &str) -> PathBuf {
    let text = text
        .strip_prefix('"')
        .and_then(|text| text.strip_suffix('"'))
        .unwrap_or(text);
    match (text.strip_prefix("~/"), std::env::home_dir()) {
        (Some(rest), Some(home)) => home.join(rest),
        _ => text.into(),
    }
}

fn help() -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(
        out,
        "Queries run until Ctrl-C, `for 10s` or `limit 100`; definitions stay:\n\n  \
         trace block where dev == vda and lat > 1ms\n  let slow = 10ms\n\n\
         A query that is not complete goes on in the next line; an empty line ends it, Alt-Enter breaks a line.\n\
         Tab completes, Ctrl-R searches the history, Ctrl-C drops the line, Ctrl-D leaves.\n"
    )?;
    for (name, arguments, text) in COMMANDS {
        writeln!(out, "  {:26}{text}", format!(":{name} {arguments}"))?;
    }
    Ok(())
}

fn explained(session: &Session, rest: &str) -> Result<(), Failure> {
    if let Some(code) = codes::find(rest) {
        return explain::page(code).map(drop);
    }
    let (word, behind) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
    let (stage, query) = match Stage::from_str(word, true) {
        Ok(stage) => (stage, behind.trim()),
        Err(_) => (Stage::Plan, rest),
    };
    let Some(query) = Some(query).filter(|it| !it.is_empty()).or(session.last()) else {
        note("iotq: there was no query yet; `:explain QUERY`");
        return Ok(());
    };
    explain::shown(&mut session.script("<query>", query)?, stage).map(drop)
}

fn set(session: &mut Session, rest: &str) -> Result<(), Failure> {
    let (name, value) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
    let value = Some(value.trim()).filter(|value| !value.is_empty());
    if name.is_empty() {
        show(session)?;
    } else if session.has_param(name) {
        session.set_value(name, value)?;
    } else if OPTIONS.contains(&name) {
        option(&mut session.options, name, value);
    } else {
        let params: Vec<String> = session.params().map(str::to_owned).collect();
        let names = OPTIONS.into_iter().chain(params.iter().map(String::as_str));
        let near = did_you_mean(&near(name, names));
        let hint = near.unwrap_or_else(|| format!("options are {}", OPTIONS.join(", ")));
        note(&format!(
            "iotq: there is neither an option nor a parameter `{}`; {hint}",
            name.escape_debug()
        ));
    }
    Ok(())
}

/// Sets an option as the command line would.
fn option(run: &mut Run, name: &str, value: Option<&str>) {
    match (name, value) {
        (_, Some(value)) => {
            let command = Options::new("set").no_binary_name(true);
            match Run::augment_args(command).try_get_matches_from([format!("--{name}={value}")]) {
                Ok(matches) => run.merge(&matches),
                Err(error) => {
                    let text = error.to_string();
                    let first = text
                        .lines()
                        .next()
                        .unwrap_or("")
                        .trim_start_matches("error: ");
                    note(&format!("iotq: {first}"));
                }
            }
        }
        ("for", None) => run.duration = None,
        ("format", None) => run.format = None,
        ("output", None) => run.output = None,
        ("command", None) => run.child = None,
        ("ring", None) => run.ring = None,
        _ => run.btf = None,
    }
}

fn show(session: &Session) -> io::Result<()> {
    let Run {
        child,
        duration,
        format,
        output,
        dry_run: _,
        no_pushdown: _,
        ring,
        btf,
    } = &session.options;
    let path = |path: &Option<PathBuf>| path.as_ref().map(|path| path.display().to_string());
    let format = format.and_then(|it| it.to_possible_value().map(|it| it.get_name().to_owned()));
    let values = [
        ("for", duration.map(|it| format!("{it:?}"))),
        ("format", format),
        ("output", path(output)),
        ("command", child.clone()),
        ("ring", ring.map(|bytes| format!("{bytes}B"))),
        ("btf", path(btf)),
    ];
    let mut out = io::stdout().lock();
    for (name, value) in values {
        writeln!(out, "{name:10} {}", value.as_deref().unwrap_or("-"))?;
    }
    for param in session.params() {
        let value = session.value(param).unwrap_or("(its default)");
        writeln!(out, "{param:10} {value}")?;
    }
    Ok(())
}

fn save(session: &Session, path: &Path, replace: bool) -> Result<(), Failure> {
    let failed = |error: io::Error| {
        let failure = Failure::plain(
            &code::CREATE,
            format!("the file {} cannot be written", path.display()),
            &error,
        );
        match error.kind() {
            io::ErrorKind::AlreadyExists => failure.help("`:save! FILE` replaces it".into()),
            _ => failure,
        }
    };
    let file = match replace {
        true => File::create(path),
        false => File::create_new(path),
    };
    file.and_then(|mut file| file.write_all(session.text().as_bytes()))
        .map_err(failed)
}
