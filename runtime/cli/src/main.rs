//! The `iotq` command.

mod args;
mod child;
mod doctor;
mod explain;
mod guest;
mod host;
mod library;
mod linked;
mod list;
mod look;
mod memory;
mod names;
mod output;
mod reference;
mod repl;
mod report;
mod run;
mod script;
mod stop;

use std::ffi::{OsStr, OsString};
use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;

use args::{Cli, Command, Run};
use clap::{CommandFactory, Parser};
use report::{Failure, note};
use script::Script;
use stop::Stop;

fn main() -> ExitCode {
    let words: Vec<OsString> = std::env::args_os().collect();
    if let [_, hold, rest @ ..] = &words[..]
        && hold.as_os_str() == OsStr::new(child::HOLD)
    {
        return ExitCode::from(u8::try_from(child::hold(rest)).unwrap_or(1));
    }
    dispatch(Cli::parse_from(words)).unwrap_or_else(|failure| failure.report())
}

fn dispatch(cli: Cli) -> Result<ExitCode, Failure> {
    let Cli {
        query,
        run: mut options,
        command,
    } = cli;
    match command {
        Some(Command::Check(input)) => explain::check(&input),
        Some(Command::Explain { input, stage }) => explain::explain(&input, stage),
        Some(Command::List { what, format }) => list::list(what.as_deref(), format),
        Some(Command::Doctor { format, btf }) => doctor::doctor(format, btf.as_deref()),
        Some(Command::Host(host)) => host::host(&host.over(options), &Stop::once()?),
        Some(Command::Guest(options)) => guest::guest(&options, &Stop::once()?),
        Some(Command::Completions { shell }) => {
            let mut text = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "iotq", &mut text);
            print(&text)
        }
        Some(Command::Reference { page }) => reference::reference(page),
        Some(Command::Man) => {
            let mut text = Vec::new();
            clap_mangen::Man::new(Cli::command()).render(&mut text)?;
            print(&text)
        }
        Some(Command::Script(words)) if !query.expr.is_empty() => {
            once(&options, Script::from_expr(&query.expr, &words)?)
        }
        Some(Command::Script(words)) => match &words[..] {
            [file, rest @ ..] => {
                let script = Script::named(file, rest, Some(&mut options))?;
                once(&options, script)
            }
            [] => Ok(usage()),
        },
        None if !query.expr.is_empty() => once(&options, Script::from_expr(&query.expr, &[])?),
        None if !io::stdin().is_terminal() => {
            once(&options, Script::named(OsStr::new("-"), &[], None)?)
        }
        None => repl::repl(options),
    }
}

/// Runs a query, and nothing behind it.
fn once(options: &Run, mut script: Script) -> Result<ExitCode, Failure> {
    run::run(options, &mut script, &Stop::once()?)
}

fn print(text: &[u8]) -> Result<ExitCode, Failure> {
    io::stdout().write_all(text)?;
    Ok(ExitCode::SUCCESS)
}

fn usage() -> ExitCode {
    note(&Cli::command().render_help().to_string());
    ExitCode::from(2)
}
