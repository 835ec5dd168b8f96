//! A script's parameters are options of the command line; what is left is `$1`, `$2` ….

use std::ffi::OsString;

use clap::{Arg, Args, Command};
use iotq_lang::check::ParamDecl;
use iotq_lang::source::Source;
use iotq_lang::syntax::heading;

use crate::args::Run;

/// Values of parameters, and arguments.
type Values = (Vec<(String, String)>, Vec<String>);

/// What the words behind a script give it, and the run if there is to be one.
///
/// # Errors
/// If they do not fit, or ask for help.
pub fn read(
    script: &Source,
    declared: &[ParamDecl],
    words: &[OsString],
    run: Option<&mut Run>,
) -> Result<Values, clap::Error> {
    let mut command = command(script);
    for param in declared {
        command = command.arg(option(param));
    }
    // A parameter takes the place of all options of the run if it has the name of one.
    let own = Run::augment_args(Command::new(""));
    let clash = |arg: &Arg| {
        declared
            .iter()
            .any(|param| arg.get_long() == Some(&*param.name))
    };
    let run = run.filter(|_| !own.get_arguments().any(clash));
    if run.is_some() {
        let options = own.get_arguments().cloned();
        command = command.args(options.map(|arg| arg.help_heading("Options of the run")));
    }
    let matches = command.try_get_matches_from(words)?;
    if let Some(run) = run {
        run.merge(&matches);
    }
    let given = |param: &ParamDecl| {
        let value = matches.get_one::<String>(&param.name)?;
        Some((param.name.clone(), value.clone()))
    };
    let args = matches.get_many::<String>("").unwrap_or_default();
    Ok((
        declared.iter().filter_map(given).collect(),
        args.cloned().collect(),
    ))
}

/// The comment at the head of the script is what is said about it: first what it does, then the rest.
fn command(script: &Source) -> Command {
    let name = &script.name;
    let heading = heading(&script.text);
    let mut paragraphs = heading.splitn(2, String::is_empty);
    let about = paragraphs.next().unwrap_or_default().join(" ");
    let rest = paragraphs.next().unwrap_or_default().join("\n");
    Command::new(name.clone())
        .no_binary_name(true)
        .about(about)
        .after_help(rest)
        .override_usage(format!("iotq {name} [--PARAM VALUE] [ARGS]"))
        .arg(
            Arg::new("")
                .num_args(0..)
                .value_name("ARGS")
                .help("$1, $2 … of the script"),
        )
}

fn option(param: &ParamDecl) -> Arg {
    let default = param.default.as_ref();
    let default = default.map(|default| format!(" [default: {default}]"));
    let option = Arg::new(param.name.clone())
        .long(param.name.clone())
        .value_name(param.ty.to_uppercase())
        .help(format!("{}{}", param.help, default.unwrap_or_default()));
    match param.ty.as_str() {
        // Named alone, it is true.
        "bool" => option
            .num_args(0..=1)
            .require_equals(true)
            .default_missing_value("true"),
        _ => option,
    }
}
