//! `iotq host`: asks guests. Their half of the query goes to them, what they send goes through an engine for each of them
//! into one output.

mod asked;
mod beyond;
mod limit;
mod serve;

use std::cell::RefCell;
use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;
use std::rc::Rc;
use std::time::Instant;

use clap::CommandFactory;
use iotq_engine::{Pool, Summary};
use iotq_lang::across::{Across, Crossing};
use iotq_lang::check::Placed;
use iotq_lang::diag::codes::link;
use iotq_lang::diag::{Diagnostic, Errors};
use iotq_lang::half::Half;
use iotq_lang::lower::lower;
use iotq_lang::plan::Plan;
use iotq_lang::source::Sources;
use iotq_link::message::is_name;
use iotq_link::{Address, Invited, Reception};

use crate::args::{Cli, Host};
use crate::report::{Failure, note};
use crate::script::Script;
use crate::stop::Stop;
use crate::{explain, linked, output, run};
use asked::{Account, GROUPS};
use beyond::Own;
use limit::Limited;
use serve::Hosting;

/// Runs a query for guests, or one about the host itself.
///
/// # Errors
/// Whatever keeps it from starting or from ending well.
pub fn host(options: &Host, stop: &Stop) -> Result<ExitCode, Failure> {
    let mut options = options.clone();
    let mut script = read(&mut options)?;
    match script.place()? {
        Placed::Here(_) if !options.guests.is_empty() => {
            let message = "the query asks nothing of the guests that are named";
            let error = Diagnostic::new(&link::ASKED_NOTHING, message)
                .help("qualify its layers: `guest.block`");
            Err(Failure::new(Errors(vec![error]), &script.sources))
        }
        Placed::Here(checked) => {
            let plan = lower(checked).map_err(|errors| Failure::new(errors, &script.sources))?;
            run::planned(&options.run, &plan, &script.sources, stop)
        }
        Placed::Guest(half) => {
            let plan = half.plan();
            let plan = plan.map_err(|errors| Failure::new(errors, &half.sources()))?;
            if options.run.dry_run {
                write!(io::stdout(), "{}\n{plan}", half.text)?;
                return Ok(ExitCode::SUCCESS);
            }
            ask(&options, &half, &plan, None, stop)
        }
        Placed::Across(across) => {
            let crossing = planned(&across)?;
            if options.run.dry_run {
                write!(io::stdout(), "{}", explain::crossing(&across, crossing))?;
                return Ok(ExitCode::SUCCESS);
            }
            names(&options.guests)?;
            let own = Own::install(&options.run, &across, &crossing)?;
            ask(&options, &across.guest, &crossing.whole, Some(own), stop)
        }
    }
}

/// The plans of a query over a boundary. What is wrong is so in one of its halves.
///
/// # Errors
/// Those of the halves.
pub fn planned(across: &Across) -> Result<Crossing, Failure> {
    let failed = |errors| Failure::new(errors, &across.guest.sources());
    across.plan().map_err(failed)
}

fn read(options: &mut Host) -> Result<Script, Failure> {
    if options.run.child.is_some() {
        let error = Diagnostic::new(&link::CHILD, "a host starts no commands in its guests");
        return Err(Failure::new(Errors(vec![error]), &Sources::default()));
    }
    match &options.words[..] {
        words if !options.expr.is_empty() => Script::from_expr(&options.expr, words),
        [file, rest @ ..] => Script::named(file, rest, Some(&mut options.run)),
        [] if io::stdin().is_terminal() => Err(Failure::usage(nothing())),
        [] => Script::named("-".as_ref(), &[], None),
    }
}

/// Without a query there is nothing to ask.
fn nothing() -> clap::Error {
    let kind = clap::error::ErrorKind::MissingRequiredArgument;
    Cli::command().error(
        kind,
        "there is no query: `iotq host --guest NAME -e QUERY`, or a tool or script",
    )
}

fn ask(
    options: &Host,
    half: &Half,
    plan: &Plan,
    own: Option<Own>,
    stop: &Stop,
) -> Result<ExitCode, Failure> {
    let asked = names(&options.guests)?;
    let token = linked::token(options.token.as_deref())?;
    // Sessions have a thread of their own: guests are not to be lost while an output takes nothing.
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_io()
        .enable_time()
        .build()?;
    runtime.block_on(async {
        let listen = match &options.listen[..] {
            [] if options.call.is_empty() => vec![Address::any()],
            given => given.to_vec(),
        };
        let reception = Reception::open(&listen, &options.call, asked.iter().cloned(), token);
        let reception = reception
            .map_err(|error| Failure::plain(&link::LISTEN, "nobody can connect", &error))?;
        let sink = output::sink(&options.run, plan, asked.len() > 1, stop)?;
        note(&format!("iotq: waiting for {}", options.guests.join(", ")));
        let hosting = Hosting {
            options: &options.run,
            half,
            plan,
            own,
            stop,
            sink: Limited::new(sink, plan),
            pool: Rc::new(RefCell::new(Pool::new(plan, GROUPS))),
            late: Vec::new(),
            reception,
            clock: run::clock(),
            asked: asked.len(),
            guests: Vec::new(),
            turn: 0,
            refused: Vec::new(),
            visits: Default::default(),
            turned: Vec::new(),
            began: None,
            account: Account::default(),
        };
        end(hosting).await
    })
}

/// Runs it to its end, and accounts for it.
async fn end(mut hosting: Hosting<'_>) -> Result<ExitCode, Failure> {
    let served = hosting.serve().await;
    if hosting.is_refused() {
        let error = Diagnostic::new(&link::NO_GUEST, "no guest can do what the query asks");
        return Err(Failure::new(Errors(vec![error]), &Sources::default()));
    }
    let elapsed = hosting
        .began
        .map_or_else(Default::default, |it: Instant| it.elapsed());
    let unread = served.as_ref().is_err_and(output::nobody_reads);
    if unread {
        hosting.abandon();
        note("iotq: what the guests have counted may be a second old");
    } else {
        served?;
    }
    let Account {
        kernel,
        engine,
        skipped,
        crossed,
    } = hosting.account;
    let summary = Summary {
        seen: kernel.seen,
        shipped: kernel.shipped,
        lost: kernel.lost,
        unmatched: kernel.unmatched,
        seconds: elapsed.as_secs_f64(),
        grouped: kernel.grouped,
        ungrouped: engine.ungrouped,
        crossed: hosting.own.is_some().then_some(crossed),
    };
    run::account(
        &mut hosting.sink,
        &summary,
        unread,
        &kernel,
        &engine,
        GROUPS,
    )?;
    if skipped > 0 {
        note(&run::unseen(skipped));
    }
    let unheard = hosting.reception.unheard();
    if unheard > 0 {
        note(&format!(
            "iotq: {unheard} connections were too many at once, and not heard"
        ));
    }
    if let Some(own) = &hosting.own {
        own.account(&crossed)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The guests that are asked, each once.
fn names(given: &[String]) -> Result<Vec<Invited>, Failure> {
    let mut names: Vec<Invited> = Vec::new();
    for name in given {
        let asked = match name.parse() {
            Ok(cid) => Invited::Cid(cid),
            Err(_) if is_name(name) => Invited::Name(name.clone()),
            Err(_) => {
                let shown = name.escape_debug();
                let error =
                    Diagnostic::new(&link::NAME, format!("`{shown}` is no name of a guest"));
                return Err(Failure::new(Errors(vec![error]), &Sources::default()));
            }
        };
        if !names.contains(&asked) {
            names.push(asked);
        }
    }
    if names.is_empty() {
        let error = Diagnostic::new(&link::NAME, "the query asks guests, and none is named")
            .help("name them: `iotq host --guest NAME[,NAME…]`");
        return Err(Failure::new(Errors(vec![error]), &Sources::default()));
    }
    Ok(names)
}
