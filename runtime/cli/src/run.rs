//! Runs a query: names, probes, records, rows, and the summary at the end.

mod account;
mod progress;

use std::future::ready;
use std::io::{self, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use iotq_engine::group::MAX_GROUPS;
use iotq_engine::{Clock, Engine, Sink, Summary};
use iotq_kernel::names::{self, Resolved};
use iotq_kernel::{Counts, Options, Running};
use iotq_lang::diag::codes::{machine, run as code};
use iotq_lang::diag::{Diagnostic, Errors};
use iotq_lang::ir::{Expr, Name};
use iotq_lang::plan::Plan;
use iotq_lang::source::Sources;
use tokio::io::unix::AsyncFd;
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::{sleep, sleep_until};

use crate::args::Run;
use crate::child::Held;
use crate::look::Look;
use crate::names::MachineNames;
use crate::report::{Failure, note};
use crate::script::Script;
use crate::stop::Stop;
use crate::{memory, output};
pub use account::{account, unseen};
use progress::Progress;

/// Records after which something else gets its turn.
const AT_ONCE: u32 = 1 << 16;
/// Instead of a moment at which nothing has to be done.
const LOOK_FAR: Duration = Duration::from_secs(3600);

/// Compiles, installs and runs a query until it ends, or is to stop.
///
/// # Errors
/// Whatever keeps it from starting or from ending well.
pub fn run(options: &Run, script: &mut Script, stop: &Stop) -> Result<ExitCode, Failure> {
    let plan = script.plan(options.child.is_some(), unknown_names)?;
    planned(options, &plan, &script.sources, stop)
}

/// Installs and runs a plan until it ends, or is to stop.
///
/// # Errors
/// Whatever keeps it from starting or from ending well.
pub fn planned(
    options: &Run,
    plan: &Plan,
    sources: &Sources,
    stop: &Stop,
) -> Result<ExitCode, Failure> {
    let mut child = options.child.as_deref().map(start).transpose()?;
    let resolved = names::resolve(&plan.names, child.as_ref().map(Held::pid));
    let resolved = resolved.map_err(|errors| Failure::new(errors, sources))?;
    foreign_pids(plan).map_err(|error| Failure::new(Errors(vec![error]), sources))?;
    let mut bound = plan.bind(&resolved.meanings);
    if options.no_pushdown {
        bound = bound.without_pushdown();
    }
    if options.dry_run {
        write!(io::stdout(), "{bound}")?;
        return Ok(ExitCode::SUCCESS);
    }
    let how = Options {
        btf: options.btf.clone(),
        ring: options.ring,
        keep: false,
    };
    let running = install(&how, &bound, &resolved, sources)?;
    for missing in &running.missing {
        note(&format!("iotq: {missing}"));
    }
    let sink = output::sink(options, &bound, false, stop)?;
    let engine = Engine::new(
        &bound,
        clock(),
        Box::new(MachineNames::read(plan, &resolved.meanings)),
    );
    let session = Session {
        running,
        engine,
        sink,
        started: Instant::now(),
        limit: options.duration,
        stop,
    };
    if let Some(child) = &mut child {
        child.release().map_err(|error| not_started(&error))?;
    }
    session.run(child)
}

/// Refuses filters by process or thread where ids mean others than the kernel's.
///
/// # Errors
/// That they do.
pub fn foreign_pids(plan: &Plan) -> Result<(), Diagnostic> {
    if names::process::in_initial_namespace() {
        return Ok(());
    }
    let mut place = None;
    for filter in plan.streams().filter_map(|stream| stream.filter.as_ref()) {
        filter.walk(&mut |expr: &Expr| {
            let read = expr.reads().map(|read| read.field.name);
            if matches!(read, Some("pid" | "tid")) {
                place.get_or_insert(expr.span);
            }
        });
    }
    place.map_or(Ok(()), |span| {
        let error = Diagnostic::new(
            &machine::PID_NAMESPACE,
            "process ids here are not those that the kernel reports",
        );
        Err(error.label(span, "this would be another process"))
    })
}

/// The names that this machine does not have, whatever else is wrong. `$child` is not there yet, and not missing.
fn unknown_names(names: &[Name]) -> Vec<Diagnostic> {
    let fixed: Vec<Name> = names
        .iter()
        .filter(|name| name.text != "$child")
        .cloned()
        .collect();
    names::resolve(&fixed, None).map_or_else(|Errors(errors)| errors, |_| Vec::new())
}

fn start(line: &str) -> Result<Held, Failure> {
    Held::start(line).map_err(|error| not_started(&error))
}

fn not_started(error: &io::Error) -> Failure {
    Failure::plain(&code::COMMAND, "the command cannot be started", error)
}

/// Attaches a bound plan.
///
/// # Errors
/// If this kernel or this user may not.
pub fn install(
    how: &Options,
    plan: &Plan,
    resolved: &Resolved,
    sources: &Sources,
) -> Result<Running, Failure> {
    if !iotq_kernel::privileged() {
        return Err(Failure::not_permitted(sources));
    }
    let running = iotq_kernel::install(plan, resolved, how);
    let running = running.map_err(|error| Failure::install(error, sources))?;
    memory::trim();
    Ok(running)
}

/// Records carry the monotonic clock, people want the time of day.
pub fn clock() -> Clock {
    use rustix::time::{ClockId, clock_gettime};
    let nanoseconds = |id| {
        let now = clock_gettime(id);
        now.tv_sec
            .saturating_mul(1_000_000_000)
            .saturating_add(now.tv_nsec)
    };
    let started_ns = nanoseconds(ClockId::Realtime);
    Clock {
        mono_to_wall_ns: started_ns - nanoseconds(ClockId::Monotonic),
        started_ns,
    }
}

/// Tells when the ring fills up.
///
/// # Errors
/// If the system lets nobody wait for it.
#[expect(
    unsafe_code,
    reason = "tokio wants it said that the descriptor stays the same"
)]
pub fn ring_events(running: &Running) -> io::Result<AsyncFd<OwnedFd>> {
    let ring = running.as_fd().try_clone_to_owned()?;
    // SAFETY: an owned descriptor refers to the same file until it is dropped, which the `AsyncFd` does itself.
    unsafe { AsyncFd::register(ring) }.map_err(io::Error::from)
}

/// A query at work.
struct Session<'a> {
    running: Running,
    engine: Engine,
    sink: Box<dyn Sink>,
    started: Instant,
    /// `--for`
    limit: Option<Duration>,
    stop: &'a Stop,
}

impl Session<'_> {
    fn run(mut self, mut child: Option<Held>) -> Result<ExitCode, Failure> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_io()
            .enable_time()
            .build()?;
        let served = runtime.block_on(self.serve(child.as_mut()));
        let unended = self.running.unended();
        let skipped = self.running.skipped();
        self.running.stop();
        self.finish(&unended, served)?;
        if skipped > 0 {
            note(&unseen(skipped));
        }
        Ok(ExitCode::SUCCESS)
    }

    /// Until a bound, a signal, the command's end, or the reader's.
    async fn serve(&mut self, mut child: Option<&mut Held>) -> io::Result<()> {
        let ring = ring_events(&self.running)?;
        // Those that ask for the end, and that of the command.
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut terminate = signal(SignalKind::terminate())?;
        let mut ended = signal(SignalKind::child())?;
        let mut look = Look::default();
        let mut progress = Progress::new();
        let mut more = false;
        while !self.stop.asked() {
            tokio::select! {
                full = ring.readable() => full?.clear_ready(),
                () = sleep(look.wait()) => {}
                () = sleep_until(self.deadline().into()) => {}
                () = ready(()), if more => {}
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
                _ = ended.recv() => {}
            }
            let elapsed = self.started.elapsed();
            let read = self.drain()?;
            more = read == AT_ONCE && !self.engine.done();
            look.looked(read > 0);
            self.collect(self.engine.reporting(elapsed))?;
            self.engine.advance(elapsed, &mut *self.sink)?;
            self.sink.flush()?;
            if self.engine.done()
                || self.limit.is_some_and(|limit| elapsed >= limit)
                || output::is_closed()
            {
                break;
            }
            if let Some(child) = &mut child
                && let Some(status) = child.ended()?
            {
                if !status.success() {
                    note(&format!("iotq: the command ended with {status}"));
                }
                break;
            }
            progress.show(elapsed, self.engine.counts().rows);
        }
        progress.clear();
        Ok(())
    }

    /// The next moment at which there is something to do.
    fn deadline(&self) -> Instant {
        let engine = self.engine.deadline().unwrap_or(LOOK_FAR);
        self.started + self.limit.map_or(engine, |limit| limit.min(engine))
    }

    /// Turns what waits in the ring into rows, and says how many records that were; so many at once, and there may be more: who
    /// fills it may be faster.
    fn drain(&mut self) -> io::Result<u32> {
        let mut failed = None;
        let mut read = 0;
        let (engine, sink) = (&mut self.engine, &mut *self.sink);
        self.running
            .drain(|record| match engine.push(record, sink) {
                Ok(()) => {
                    read += 1;
                    read < AT_ONCE && !engine.done()
                }
                Err(error) => {
                    failed = Some(error);
                    false
                }
            });
        failed.map_or_else(|| sink.flush(), Err)?;
        Ok(read)
    }

    /// Takes over what the kernel has grouped for some streams, a bit each.
    fn collect(&mut self, streams: u32) -> io::Result<()> {
        let groups = self.running.groups(streams).map_err(io::Error::other)?;
        for group in groups {
            self.engine
                .push_group(group.stream, &group.record, &group.totals);
        }
        Ok(())
    }

    /// What is still to be written when everything is detached.
    fn rest(
        &mut self,
        elapsed: Duration,
        unended: &[Vec<u8>],
        counts: &mut Counts,
    ) -> io::Result<()> {
        while self.drain()? == AT_ONCE && !self.engine.done() {}
        for record in unended {
            let passed = self.engine.push_unjudged(record, &mut *self.sink)?;
            counts.add_unended(passed);
        }
        self.collect(self.engine.running())?;
        self.engine.finish(elapsed, &mut *self.sink)?;
        self.sink.flush()
    }

    /// The rest of the rows, and the summary. Nothing comes into the ring any more.
    fn finish(&mut self, unended: &[Vec<u8>], served: io::Result<()>) -> io::Result<()> {
        let elapsed = self.started.elapsed();
        let mut counts = self.running.counts().map_err(io::Error::other)?;
        let written = served.and_then(|()| self.rest(elapsed, unended, &mut counts));
        let unread = written.as_ref().is_err_and(output::nobody_reads);
        if !unread {
            written?;
        }
        let summary = Summary {
            seen: counts.seen,
            shipped: counts.shipped,
            lost: counts.lost,
            unmatched: counts.unmatched,
            seconds: elapsed.as_secs_f64(),
            grouped: counts.grouped,
            ungrouped: self.engine.counts().ungrouped,
            crossed: None,
        };
        account(
            &mut *self.sink,
            &summary,
            unread,
            &counts,
            &self.engine.counts(),
            MAX_GROUPS,
        )
    }
}
