//! E08: files and commands around a query, and what fails while it runs.

use crate::diag::Code;

/// The family.
pub static ALL: &[&Code] = &[&SCRIPT, &COMMAND, &CREATE, &WRITE, &FORMAT];

/// A script that cannot be read.
pub static SCRIPT: Code = Code {
    id: "E0801",
    title: "the script cannot be read",
    page: "\
The file that holds the script does not exist, is a folder, or may not be read. A query on the command
line is given with -e:

  iotq -e 'trace block'",
    exit: 2,
};

/// A command that cannot be started.
pub static COMMAND: Code = Code {
    id: "E0802",
    title: "the command cannot be started",
    page: "\
The command given with -c could not be started. It is run directly if it is plain words, by /bin/sh if
it uses the shell's syntax; either way its programs are searched in PATH.",
    exit: 2,
};

/// An output file that cannot be made.
pub static CREATE: Code = Code {
    id: "E0803",
    title: "the output file cannot be created",
    page: "The file given with -o could not be created or truncated. Nothing was traced.",
    exit: 2,
};

/// Output that cannot be written.
pub static WRITE: Code = Code {
    id: "E0804",
    title: "the output cannot be written",
    page: "\
Writing the rows failed, for instance because the disk is full. The probes were removed; the rows
written so far are in the file. A reader that closes a pipe is no error: iotq ends quietly then.",
    exit: 1,
};

/// A format that does not fit.
pub static FORMAT: Code = Code {
    id: "E0805",
    title: "the format does not fit the query",
    page: "\
CSV is one table: it fits a script with a single statement over a single layer or point. Use
--format json for the others: each of its rows says which statement it belongs to.",
    exit: 2,
};
