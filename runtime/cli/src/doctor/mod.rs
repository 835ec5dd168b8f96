//! `iotq doctor`: what this kernel and this user can and cannot trace, layer by layer, why, and what would help.

mod layers;
mod machine;
#[cfg(test)]
mod tests;
mod trial;

use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use iotq_kernel::btf::KernelTypes;
use iotq_probes::catalogue::LAYERS;
use serde_json::{Value, json};
use textwrap::Options;

use crate::args::ListFormat;
use crate::report::{Failure, chain};

/// Lines for people are no longer.
const WIDTH: usize = 100;
/// Where the words about a subject begin, and where the labels of its details do.
const WORDS: usize = 21;
const LABELS: usize = 9;

/// Examines the machine. Exits with 3 if nothing can be traced.
///
/// # Errors
/// If the report cannot be written.
pub fn doctor(format: ListFormat, btf: Option<&Path>) -> Result<ExitCode, Failure> {
    let modules = LAYERS.iter().flat_map(|layer| layer.modules).copied();
    let modules: Vec<&str> = modules.collect();
    let types = KernelTypes::read(btf, &modules).map_err(|error| chain(&error));
    let mut findings = machine::examine(&types);
    // What the kernel says to a layer's programs is of use where it lets this user load any.
    let permitted = findings.iter().all(|finding| finding.state != State::Bad);
    let mut able = false;
    if let Ok(types) = &types {
        if permitted {
            types.try_functions();
        }
        let layers = layers::examine(types, permitted);
        able = permitted && layers.iter().any(Finding::can_be_traced);
        findings.extend(machine::tracefs(&layers));
        findings.extend(layers);
    }
    let mut out = io::stdout().lock();
    for finding in &findings {
        match format {
            ListFormat::Text => finding.write(&mut out)?,
            ListFormat::Json => writeln!(out, "{}", finding.json())?,
        }
    }
    Ok(ExitCode::from(if able { 0 } else { 3 }))
}

/// How something stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Good,
    /// Works in part.
    Reduced,
    Bad,
}

impl State {
    fn word(self) -> &'static str {
        match self {
            State::Good => "ok",
            State::Reduced => "reduced",
            State::Bad => "no",
        }
    }
}

/// One thing that was looked at.
struct Finding {
    subject: &'static str,
    state: State,
    /// What was found, and what follows from it.
    text: String,
    /// Details for people: a label and words.
    details: Vec<(&'static str, String)>,
    /// Details for programs: a JSON object.
    more: Value,
}

impl Finding {
    fn new(subject: &'static str, state: State, text: impl Into<String>) -> Self {
        Self {
            subject,
            state,
            text: text.into(),
            details: Vec::new(),
            more: json!({}),
        }
    }

    /// The same, with a way out.
    fn way_out(mut self, text: impl Into<String>) -> Self {
        let text = text.into();
        self.more = json!({"way_out": text});
        self.details.push(("way out", text));
        self
    }

    fn is_layer(&self) -> bool {
        LAYERS.iter().any(|layer| layer.name == self.subject)
    }

    fn can_be_traced(&self) -> bool {
        self.is_layer() && matches!(self.state, State::Good | State::Reduced)
    }

    fn json(&self) -> Value {
        let mut object =
            json!({"subject": self.subject, "state": self.state.word(), "text": self.text});
        if let (Value::Object(object), Value::Object(more)) = (&mut object, &self.more) {
            object.extend(more.clone());
        }
        object
    }

    fn write(&self, out: &mut impl Write) -> io::Result<()> {
        let head = format!("{:7}  {:10}  ", self.state.word(), self.subject);
        write_wrapped(out, &head, &self.text)?;
        for (label, text) in &self.details {
            let head = format!("{:LABELS$}{label:10}  ", "");
            write_wrapped(out, &head, text)?;
        }
        Ok(())
    }
}

fn write_wrapped(out: &mut impl Write, head: &str, text: &str) -> io::Result<()> {
    let rest = " ".repeat(WORDS);
    let options = Options::new(WIDTH).initial_indent(head);
    writeln!(
        out,
        "{}",
        textwrap::fill(text, options.subsequent_indent(&rest))
    )
}
