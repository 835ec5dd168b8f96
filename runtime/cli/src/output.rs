//! Where rows go: standard output or a file, in one of the forms.

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

/// Rows are collected to this size before they are written.
const BUFFER: usize = 64 << 10;

/// The sink that the command line asks for.
///
/// # Errors
/// If the file cannot be created, or the form does not fit the plan.
pub fn sink(run: &Run, plan: &Plan) -> Result<Box<dyn Sink>, Failure> {
    let out: Box<dyn Write> = match &run.output {
        None => Box::new(io::stdout()),
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
        Format::Text => Box::new(Text::new(plan, TimeZone::system(), out)),
        Format::Json => Box::new(Json::new(plan, out)?),
        Format::Csv => Box::new(Csv::new(plan, out).map_err(csv)?),
    })
}

fn csv(error: CsvError) -> Failure {
    match error {
        CsvError::Write(error) => Failure::from(error),
        CsvError::Streams(_) => Failure::plain(
            &code::FORMAT,
            "this query does not fit into one CSV table",
            &error,
        ),
    }
}

/// Whether nobody reads standard output any more. Without rows to write, only asking tells.
pub fn is_closed() -> bool {
    let stdout = io::stdout();
    let mut fds = [PollFd::from_borrowed_fd(stdout.as_fd(), PollFlags::empty())];
    let now = Timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    poll(&mut fds, Some(&now)).is_ok_and(|ready| ready > 0)
        && fds[0].revents().contains(PollFlags::ERR)
}
