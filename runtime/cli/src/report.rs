//! Errors on their way to the user: rendered on standard error, turned into an exit code.

use std::error::Error;
use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;

use iotq_kernel::InstallError;
use iotq_lang::diag::codes::{machine, run};
use iotq_lang::diag::{Code, Diagnostic, Errors, render};
use iotq_lang::source::Sources;

/// What went wrong, with the sources that its places lie in.
#[derive(Debug)]
pub struct Failure {
    errors: Errors,
    sources: Sources,
    /// What the words of a command line are, instead: wrong, or a wish for help.
    usage: Option<Box<clap::Error>>,
}

impl Failure {
    /// An error in some sources.
    pub fn new(errors: Errors, sources: &Sources) -> Self {
        Self {
            errors,
            sources: sources.clone(),
            usage: None,
        }
    }

    /// The words of a command line do not fit, or ask for help.
    pub fn usage(error: clap::Error) -> Self {
        let failure = Self::new(Errors(Vec::new()), &Sources::default());
        Self {
            usage: Some(Box::new(error)),
            ..failure
        }
    }

    /// An error without a place, whose causes are told as help.
    pub fn plain(code: &'static Code, message: impl Into<String>, cause: &dyn Error) -> Self {
        let error = Diagnostic::new(code, message).help(chain(cause));
        Self::new(Errors(vec![error]), &Sources::default())
    }

    /// What went wrong.
    pub fn errors(&self) -> &[Diagnostic] {
        &self.errors.0
    }

    /// Whether all of it is of one kind.
    pub fn is_only(&self, code: &Code) -> bool {
        self.usage.is_none() && self.errors.0.iter().all(|error| error.code == code)
    }

    /// Tells the user, and gives the exit code of the first error.
    pub fn report(&self) -> ExitCode {
        if let Some(error) = &self.usage {
            // Nobody is left to be told that it cannot be told.
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
        if self.errors.0.is_empty() {
            return ExitCode::SUCCESS;
        }
        let color = io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
        note(render(&self.errors, &self.sources, color).trim_end());
        let code = self.errors.0.first().map_or(1, |error| error.code.exit);
        ExitCode::from(code)
    }

    /// The messages, without places and help.
    pub fn message(&self) -> String {
        let messages = self.errors.0.iter().map(|error| error.message.as_str());
        messages.collect::<Vec<_>>().join("; ")
    }

    /// This user may not trace.
    pub fn not_permitted(sources: &Sources) -> Self {
        let lacking = iotq_kernel::lacking().join(" and ");
        let error = Diagnostic::new(
            &machine::NOT_PERMITTED,
            format!("tracing needs privileges that this user lacks: {lacking}"),
        );
        let error = error.help("run it as root, or with CAP_BPF and CAP_PERFMON");
        Self::new(Errors(vec![error]), sources)
    }

    /// Adds a way out.
    #[must_use]
    pub fn help(mut self, text: String) -> Self {
        if let Some(error) = self.errors.0.first_mut() {
            error.help.push(text);
        }
        self
    }

    /// Why a plan could not be installed.
    pub fn install(error: InstallError, sources: &Sources) -> Self {
        match error {
            InstallError::Refused(errors) => Self::new(errors, sources),
            InstallError::Btf(error) => Self::plain(
                &machine::NO_BTF,
                "there is no type information of this kernel",
                &error,
            ),
            InstallError::NoLocks => {
                Self::plain(&machine::NO_HOOK, "requests cannot be followed here", &error)
                    .help("each layer by itself can be traced: `trace syscall`, `trace block`; newer kernels have it".into())
            }
            other if denied(&other) && !iotq_kernel::privileged() => {
                Self::not_permitted(sources).help(chain(&other))
            }
            other => {
                let forbidden = denied(&other);
                let failure = Self::plain(&machine::REFUSED, "the kernel refused a probe", &other);
                if forbidden {
                    failure.help("some kernels forbid programs at functions (fentry), which layers without tracepoints need".into())
                } else {
                    failure
                }
            }
        }
    }
}

impl From<io::Error> for Failure {
    /// Writing output is the only thing that fails so. A reader that has gone away is no failure.
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            return Self::new(Errors(Vec::new()), &Sources::default());
        }
        Self::plain(&run::WRITE, "the output cannot be written", &error)
    }
}

/// A line for people, on standard error. If that is closed there is nobody to tell.
pub fn note(text: &str) {
    let _ = writeln!(io::stderr(), "{text}");
}

/// An error and its causes, in one line.
pub fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        if !text.contains(&more) {
            text.push_str(": ");
            text.push_str(&more);
        }
        cause = error.source();
    }
    text
}

/// Whether the kernel's answer was EPERM or EACCES.
fn denied(error: &(dyn Error + 'static)) -> bool {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(io) = error.downcast_ref::<io::Error>()
            && io.kind() == io::ErrorKind::PermissionDenied
        {
            return true;
        }
        cause = error.source();
    }
    false
}
