//! One guest that is asked: its session, its engine, what it has counted.
//!
//! What it sends is judged here. Whatever does not suit what it was asked ends its session, and nobody else's.

use std::cell::RefCell;
use std::io;
use std::rc::Rc;
use std::time::Duration;

use super::beyond::Process;
use iotq_engine::{Apart, Beyond, Clock, Crossed, Engine, Pool, Sink};
use iotq_kernel::Counts;
use iotq_lang::plan::{Meaning, Plan};
use iotq_link::clock::{self, Offset};
use iotq_link::message::{Books, Complaint, Group, Groups, Hello, Ready};
use iotq_link::reception::Presence;
use iotq_link::records::records;
use iotq_link::{Arrival, Dictionary, Session, ToGuest, ToHost, WINDOW, convert};

/// Credit is given back in pieces of this size, so that a slow guest has few messages waiting.
const PIECE: u32 = WINDOW / 4;

/// Groups of one stream of a guest between two reports. Each may have a histogram of kilobytes, as the guest likes.
pub const GROUPS: usize = 1 << 12;

/// A guest that has arrived.
pub struct Asked {
    /// Who it is.
    pub hello: Hello,
    /// What it says.
    pub session: Session<ToHost, ToGuest>,
    /// Its clock, as the host sees it.
    pub offset: Offset,
    clock: Clock,
    names: Dictionary,
    /// Its process here, where its requests are followed to this host.
    process: Option<Process>,
    /// What it does for us, once it is ready.
    work: Option<Work>,
    /// It cannot do what is asked: it stays, so that it is not asked again.
    refused: bool,
    /// It takes no messages: its session is to end.
    pub stuck: bool,
    /// A report was made without its groups: they are for the next one.
    pub late: bool,
    _presence: Presence,
}

/// A guest's part of the query.
struct Work {
    /// With what the names mean on the guest.
    plan: Plan,
    engine: Engine,
    /// Bytes that were taken and for which it has no new credit yet. A guest that sends more than it may waits for its own
    /// messages to be taken: there are few places for them.
    taken: u32,
    /// The report that was asked for and has not come.
    report: Option<u32>,
    reports: u32,
    books: Books,
    /// Requests whose ends were not seen: they are counted here, where they are judged.
    unended: Counts,
    /// Nothing comes any more.
    ended: bool,
}

/// What a message has brought about.
pub enum Outcome {
    /// Nothing that others must know.
    Fine,
    /// Its probes are attached.
    Ready(Vec<String>),
    /// It cannot do what is asked.
    Refused(Vec<Complaint>),
    /// It has sent everything.
    Ended,
}

/// Why a message ends a session, or the run.
#[derive(Debug, thiserror::Error)]
pub enum Amiss {
    /// The guest.
    #[error("it said what was not to be said now: {0}")]
    Rude(&'static str),
    /// The output.
    #[error(transparent)]
    Output(#[from] io::Error),
}

/// What all guests are asked, and since when.
pub struct Question<'a> {
    /// The plan, with symbols: those of guests first, then this host's,
    pub plan: &'a Plan,
    /// which mean this.
    pub here: &'a [Meaning],
    /// Nothing is decided in the kernel.
    pub no_pushdown: bool,
    /// Where groups of all guests become one answer.
    pub pool: &'a Rc<RefCell<Pool>>,
    /// Since the first guest was ready.
    pub elapsed: Duration,
}

impl Asked {
    /// A guest that has just arrived. `clock`: that of the host.
    pub fn new(arrival: Arrival, clock: Clock) -> Self {
        let offset = arrival.offset;
        Self {
            offset,
            names: Dictionary::of(&arrival.hello.name),
            hello: arrival.hello,
            session: arrival.session,
            process: None,
            clock: Clock {
                mono_to_wall_ns: clock.mono_to_wall_ns.saturating_add(offset.ns),
                ..clock
            },
            work: None,
            refused: false,
            stuck: false,
            late: false,
            _presence: arrival.presence,
        }
    }

    /// Takes a message; its rows go to the sink.
    ///
    /// # Errors
    /// If the guest may not say so, or the output takes nothing.
    pub fn take(
        &mut self,
        message: ToHost,
        question: &Question<'_>,
        sink: &mut dyn Sink,
    ) -> Result<Outcome, Amiss> {
        match message {
            ToHost::Names(names) => self.names.learn(names),
            ToHost::Ready(ready) => return self.ready(ready, question),
            ToHost::Refused(complaints) if self.work.is_none() && !self.refused => {
                self.refused = true;
                return Ok(Outcome::Refused(complaints));
            }
            ToHost::Records(bytes) => self.records(&bytes, sink)?,
            ToHost::Unended(bytes) => self.at_work()?.unended(&bytes, sink)?,
            ToHost::Groups(groups) => self.at_work()?.groups(groups, question.elapsed, sink)?,
            ToHost::Books(books) => self.at_work()?.books = books,
            ToHost::Ended(books) => {
                let work = self.at_work()?;
                work.books = books;
                work.ended = true;
                return Ok(Outcome::Ended);
            }
            _ => return Err(Amiss::Rude("no answer to a question")),
        }
        Ok(Outcome::Fine)
    }

    fn ready(&mut self, ready: Ready, question: &Question<'_>) -> Result<Outcome, Amiss> {
        if self.work.is_some() || self.refused {
            return Err(Amiss::Rude("ready twice"));
        }
        if ready.meanings.len() + question.here.len() != question.plan.names.len() {
            return Err(Amiss::Rude("other names than the plan's"));
        }
        let theirs = ready.meanings.into_iter().map(Into::into);
        let meanings: Vec<Meaning> = theirs.chain(question.here.iter().cloned()).collect();
        let mut plan = question.plan.bind(&meanings);
        if question.no_pushdown {
            plan = plan.without_pushdown();
        }
        let names = self.names.clone();
        let names = match &self.process {
            Some(process) => process.with_names(names),
            None => Box::new(names),
        };
        let mut engine = Engine::new(&plan, self.clock, names);
        engine.begin(question.elapsed);
        engine.set_room(GROUPS);
        engine.set_pool(Rc::clone(question.pool));
        if let Some(process) = self.process.take() {
            let Offset { ns, uncertainty_ns } = self.offset;
            let now = clock::now().saturating_sub_signed(ns);
            let apart = Apart::new(ns, uncertainty_ns, now);
            engine.set_beyond(Beyond::new(Box::new(process), apart));
        }
        self.work = Some(Work {
            plan,
            engine,
            taken: 0,
            report: None,
            reports: 0,
            books: Books::default(),
            unended: Counts::default(),
            ended: false,
        });
        Ok(Outcome::Ready(ready.missing))
    }

    fn at_work(&mut self) -> Result<&mut Work, Amiss> {
        let work = self.work.as_mut().filter(|work| !work.ended);
        work.ok_or(Amiss::Rude("nothing was asked"))
    }

    fn records(&mut self, bytes: &[u8], sink: &mut dyn Sink) -> Result<(), Amiss> {
        let work = self.at_work()?;
        let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        for record in records(bytes) {
            work.engine.push(record, sink)?;
        }
        work.taken = work.taken.saturating_add(length);
        if work.taken >= PIECE {
            let back = std::mem::take(&mut work.taken);
            self.tell(ToGuest::Credit(back));
        }
        Ok(())
    }

    /// Follows its requests in a process here.
    pub fn follow(&mut self, process: Process) {
        self.process = Some(process);
    }

    /// Asks again for what was not known of its requests here. Also what there is to tell of them.
    ///
    /// # Errors
    /// Those of the output.
    pub fn settle(&mut self, elapsed: Duration, sink: &mut dyn Sink) -> io::Result<Vec<String>> {
        let Some(work) = &mut self.work else {
            return Ok(Vec::new());
        };
        work.engine.settle(elapsed, sink)?;
        Ok(work.engine.beyond().map(Beyond::notes).unwrap_or_default())
    }

    /// Asks for what is due.
    pub fn ask_for_reports(&mut self, elapsed: Duration) {
        let Some(work) = self
            .work
            .as_mut()
            .filter(|it| !it.ended && it.report.is_none())
        else {
            return;
        };
        if work.engine.deadline().is_some_and(|due| due <= elapsed) {
            let number = work.reports;
            work.reports = number.wrapping_add(1);
            work.report = Some(number);
            let streams = work.engine.reporting(elapsed);
            self.tell(ToGuest::Report { number, streams });
        }
    }

    /// Asks for the rest. One that does nothing for us is not waited for.
    pub fn stop(&mut self) {
        self.tell(ToGuest::Stop);
    }

    /// Says something to it.
    pub fn tell(&mut self, message: ToGuest) {
        self.stuck |= self.session.send_now(message).is_err();
    }

    /// Whether groups of an interval that is over are still to come.
    pub fn owes(&self, elapsed: Duration) -> bool {
        let work = self.work.as_ref().filter(|it| !it.ended);
        let due = work.and_then(|it| it.engine.deadline());
        due.is_some_and(|due| due <= elapsed)
    }

    /// When it must be asked next.
    pub fn deadline(&self) -> Option<Duration> {
        let work = self.work.as_ref()?;
        work.engine
            .deadline()
            .filter(|_| !work.ended && work.report.is_none())
    }

    /// Whether it does something for us, and goes on.
    pub fn works(&self) -> bool {
        self.work.as_ref().is_some_and(|work| !work.ended)
    }

    /// Adds what was counted so far.
    pub fn count(&mut self, account: &mut Account) {
        if let Some(work) = &mut self.work {
            account.add(work);
        }
    }

    /// Writes what is left, and adds what was counted.
    ///
    /// # Errors
    /// Those of the output.
    pub fn finish(
        &mut self,
        elapsed: Duration,
        sink: &mut dyn Sink,
        account: &mut Account,
    ) -> io::Result<()> {
        let finished = match &mut self.work {
            Some(work) => work.engine.finish(elapsed, sink),
            None => Ok(()),
        };
        self.count(account);
        finished
    }
}

impl Work {
    fn unended(&mut self, bytes: &[u8], sink: &mut dyn Sink) -> io::Result<()> {
        for record in records(bytes) {
            let passed = self.engine.push_unjudged(record, sink)?;
            self.unended.add_unended(passed);
        }
        Ok(())
    }

    fn groups(
        &mut self,
        groups: Groups,
        elapsed: Duration,
        sink: &mut dyn Sink,
    ) -> Result<(), Amiss> {
        for group in &groups.groups {
            self.group(group)?;
        }
        if groups.last && groups.report.is_some() && groups.report == self.report {
            self.report = None;
            self.engine.advance(elapsed, sink)?;
        }
        Ok(())
    }

    fn group(&mut self, group: &Group) -> Result<(), Amiss> {
        let mut streams = self.plan.streams();
        let stream = streams.find(|stream| stream.bit == group.stream);
        let groups = stream.and_then(|stream| stream.groups.as_ref());
        let totals = groups.and_then(|groups| convert::totals(group, &groups.measures));
        let totals = totals.ok_or(Amiss::Rude("groups that nobody asked for"))?;
        self.engine.push_group(group.stream, &group.record, &totals);
        Ok(())
    }
}

/// What guests and their engines have counted. What guests say is added up, whatever it is.
#[derive(Clone, Copy, Debug, Default)]
pub struct Account {
    /// What the kernels of the guests have counted.
    pub kernel: Counts,
    /// What became of the records here.
    pub engine: iotq_engine::Counts,
    /// Events that went by unseen.
    pub skipped: u64,
    /// What became of requests on this host.
    pub crossed: Crossed,
}

impl Account {
    fn add(&mut self, work: &mut Work) {
        if let Some(beyond) = work.engine.beyond() {
            let crossed = beyond.counts();
            self.crossed.joined += crossed.joined;
            self.crossed.unseen += crossed.unseen;
            self.crossed.untimely += crossed.untimely;
            let most = self.crossed.uncertainty_ns.max(crossed.uncertainty_ns);
            self.crossed.uncertainty_ns = most;
        }
        let Work { books, unended, .. } = work;
        let engine = work.engine.counts();
        let kernel = &mut self.kernel;
        add(&mut kernel.seen, [books.seen, unended.seen]);
        add(&mut kernel.shipped, [books.shipped, unended.shipped]);
        add(&mut kernel.lost, [books.lost, 0]);
        add(&mut kernel.untracked, [books.untracked, 0]);
        add(&mut kernel.unmatched, [books.unmatched, unended.unmatched]);
        add(&mut kernel.approx, [books.approx, unended.approx]);
        add(&mut kernel.grouped, [books.grouped, 0]);
        add(&mut kernel.spilled, [books.spilled, 0]);
        add(&mut self.skipped, [books.skipped, 0]);
        self.engine.ungrouped += engine.ungrouped;
        self.engine.incomplete += engine.incomplete;
        self.engine.malformed += engine.malformed;
    }
}

fn add(sum: &mut u64, more: [u64; 2]) {
    *sum = more.into_iter().fold(*sum, u64::saturating_add);
}
