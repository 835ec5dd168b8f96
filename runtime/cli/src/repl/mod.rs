//! The REPL: queries and definitions by hand, on a terminal.

mod command;
mod editor;
mod history;
mod machine;
mod session;
mod types;

use std::process::ExitCode;

use rustyline::error::ReadlineError;

use crate::args::Run;
use crate::report::{Failure, note};
use editor::Reader;
use session::Session;

/// What happens after an input.
enum Next {
    Read,
    Leave,
}

/// Reads and runs what is typed, until the end of the input. The options of the command line are those of all queries.
///
/// # Errors
/// If the terminal cannot be used.
pub fn repl(options: Run) -> Result<ExitCode, Failure> {
    let mut session = Session::new(options)?;
    let mut reader = Reader::new().map_err(|error| terminal(&error))?;
    note(concat!(
        "iotq ",
        env!("CARGO_PKG_VERSION"),
        "  `:help` tells what can be typed here, Tab completes, Ctrl-D leaves"
    ));
    loop {
        reader.know(session.known());
        match reader.read() {
            Ok(text) => {
                if let Next::Leave = input(&mut session, &text) {
                    break;
                }
            }
            // Ctrl-C drops what was typed.
            Err(ReadlineError::Interrupted) => {}
            Err(ReadlineError::Eof) => break,
            Err(error) => return Err(terminal(&error)),
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn input(session: &mut Session, text: &str) -> Next {
    let text = text.trim();
    let done = match text.strip_prefix(':') {
        Some(line) => command::run(session, line),
        None if text.is_empty() => return Next::Read,
        None => session.input("<query>", text).map(|()| Next::Read),
    };
    done.unwrap_or_else(|failure| {
        failure.report();
        if session.terminated() {
            Next::Leave
        } else {
            Next::Read
        }
    })
}

fn terminal(error: &ReadlineError) -> Failure {
    Failure::plain(
        &iotq_lang::diag::codes::run::SCRIPT,
        "the terminal cannot be read",
        error,
    )
}
