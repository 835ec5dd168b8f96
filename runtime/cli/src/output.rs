//! Where rows go: standard output or a file, in one of the forms.

mod patient;

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::os::fd::AsFd;

use iotq_engine::Sink;
use iotq_engine::sink::{Csv, CsvError, Json, Text};
use iotq_lang::diag::codes::run as code;
use iotq_lang::plan::Plan;
use jiff::tz::TimeZone;
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::args::{Format, Run};
use crate::report::Failure;
use crate::stop::Stop;

pub use patient::nobody_reads;

/// Rows are collected to this size before they are written.
const BUFFER: usize = 64 << 10;

/// The sink that the command line asks for; `guests`: rows are of several.
///
/// # Errors
/// If the file cannot be created, or the form does not fit the plan.
pub fn sink(run: &Run, plan: &Plan, guests: bool, stop: &Stop) -> Result<Box<dyn Sink>, Failure> {
    let out: Box<dyn Write> = match &run.output {
        None => patient::stdout(stop),
        Some(path) => Box::new(File::create(path).map_err(|error| {
            Failure::plain(
                &code::CREATE,
                format!("the file {} cannot be created", path.display()),
                &error,
            )
        })?),
    };
    let out = BufWriter::with_capacity(BUFFER, out);
    Ok(match run.format.unwrap_or_default() {
        Format::Text => {
            let text = Text::new(plan, TimeZone::system(), out);
            Box::new(
                text.ascii(!is_utf8())
                    .of_guests(guests)
                    .watched(terminal(run)),
            )
        }
        Format::Json => Box::new(Json::new(plan, out)?),
        Format::Csv => Box::new(Csv::new(plan, guests, out).map_err(csv)?),
    })
}

/// The columns of the terminal that rows go to, if they do.
fn terminal(run: &Run) -> Option<usize> {
    let size = rustix::termios::tcgetwinsize(io::stdout()).ok();
    let columns = size.filter(|_| run.output.is_none())?.ws_col;
    Some(usize::from(columns))
}

/// Whether the locale has more than ASCII, by the variables that decide it; without any, most terminals do.
fn is_utf8() -> bool {
    let set = |name: &&str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].iter().find_map(set);
    locale.is_none_or(|locale| {
        let locale = locale.to_ascii_lowercase();
        locale.contains("utf-8") || locale.contains("utf8")
    })
}

fn csv(error: CsvError) -> Failure {
    match error {
        CsvError::Write(error) => Failure::from(error),
        CsvError::Streams(_) | CsvError::Trees => Failure::plain(
            &code::FORMAT,
            "this query does not fit into one CSV table",
            &error,
        ),
    }
}

/// Whether nobody reads standard output any more. Without rows to write, only asking tells.
pub fn is_closed() -> bool {
    ready(io::stdout().as_fd(), PollFlags::empty(), 0).contains(PollFlags::ERR)
}

/// What a descriptor is ready for, after at most so many milliseconds.
fn ready(fd: impl AsFd, wanted: PollFlags, millis: i64) -> PollFlags {
    let mut fds = [PollFd::new(&fd, wanted)];
    let time = Timespec {
        tv_sec: 0,
        tv_nsec: millis * 1_000_000,
    };
    match poll(&mut fds, Some(&time)) {
        Ok(_) => fds[0].revents(),
        Err(_) => PollFlags::empty(),
    }
}
