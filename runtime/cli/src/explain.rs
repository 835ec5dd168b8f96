//! `iotq check` and `iotq explain`: what the compiler makes of a query, and the pages of the error codes.

use std::ffi::OsStr;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use iotq_engine::jit::Listing;
use iotq_kernel::names;
use iotq_lang::across::{Across, Crossing};
use iotq_lang::check::Placed;
use iotq_lang::diag::{Code, codes};
use iotq_lang::plan::Plan;
use iotq_lang::syntax::print;

use crate::args::{Input, Stage};
use crate::host;
use crate::report::{Failure, note};
use crate::run::clock;
use crate::script::Script;

/// Checks a query as far as that goes without running it.
///
/// # Errors
/// Those of the query.
pub fn check(input: &Input) -> Result<ExitCode, Failure> {
    planned(&mut read(input)?)?;
    Ok(ExitCode::SUCCESS)
}

/// Prints the page of a code, or a stage of a query.
///
/// # Errors
/// Those of the query.
pub fn explain(input: &Input, stage: Stage) -> Result<ExitCode, Failure> {
    let word = input.words.first().and_then(|word| word.to_str());
    if let (true, Some(code)) = (input.expr.is_empty(), word.and_then(codes::find)) {
        return page(code);
    }
    if let Some(word) = word.filter(|word| is_code(word) && !Path::new(word).exists()) {
        note(&format!(
            "iotq: there is no code {word}; `iotq list codes` shows them"
        ));
        return Ok(ExitCode::from(2));
    }
    shown(&mut read(input)?, stage)
}

/// Prints the page of a code.
///
/// # Errors
/// If it cannot be written.
pub fn page(code: &Code) -> Result<ExitCode, Failure> {
    writeln!(io::stdout(), "{}: {}\n\n{}", code.id, code.title, code.page)?;
    Ok(ExitCode::SUCCESS)
}

/// Prints a stage of a query.
///
/// # Errors
/// Those of the query.
pub fn shown(script: &mut Script, stage: Stage) -> Result<ExitCode, Failure> {
    let mut out = io::stdout();
    match stage {
        Stage::Source => write!(out, "{}", print::script(&script.tree))?,
        Stage::Checked => write!(out, "{}", script.check(true)?)?,
        Stage::Plan => write!(out, "{}", planned(script)?)?,
        Stage::Jit => {
            let bound = bound(script)?;
            write!(out, "{}", Listing::new(&bound, clock()))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// The plan, and the text that goes to guests if it is about them.
fn planned(script: &mut Script) -> Result<String, Failure> {
    match script.of_guests()? {
        Some(Placed::Guest(half)) => {
            let plan = half.plan();
            let plan = plan.map_err(|errors| Failure::new(errors, &half.sources()))?;
            Ok(format!("guests are asked:\n\n{}\n{plan}", half.text))
        }
        Some(Placed::Across(across)) => Ok(crossing(&across, host::planned(&across)?)),
        Some(Placed::Here(_)) | None => Ok(script.plan(true, |_| Vec::new())?.to_string()),
    }
}

/// Both halves of a query over a VM boundary, and what becomes of them.
pub fn crossing(across: &Across, crossing: Crossing) -> String {
    let Crossing {
        guest,
        host,
        mut whole,
    } = crossing;
    let (asked, kept) = (&across.guest.text, &across.host.text);
    // What is hooked stands with the halves.
    whole.templates.clear();
    format!(
        "guests are asked:\n\n{asked}\n{guest}\nthis host keeps, to be looked up:\n\n{kept}\n{host}\n\
         of both are made:\n\n{whole}"
    )
}

/// The plan for this machine. What `$child` will be is not known; it is some process.
fn bound(script: &mut Script) -> Result<Plan, Failure> {
    let plan = script.plan(true, |_| Vec::new())?;
    let resolved = names::resolve(&plan.names, Some(std::process::id()));
    let resolved = resolved.map_err(|errors| Failure::new(errors, &script.sources))?;
    Ok(plan.bind(&resolved.meanings))
}

/// Whether a word looks like a code of an error.
fn is_code(word: &str) -> bool {
    let digits = word.strip_prefix(['E', 'e']);
    digits
        .is_some_and(|digits| digits.len() == 4 && digits.bytes().all(|byte| byte.is_ascii_digit()))
}

fn read(input: &Input) -> Result<Script, Failure> {
    match &input.words[..] {
        words if !input.expr.is_empty() => Script::from_expr(&input.expr, words),
        [file, rest @ ..] => Script::named(file, rest, None),
        [] => Script::named(OsStr::new("-"), &[], None),
    }
}
