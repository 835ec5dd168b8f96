//! The work of a host: guests come and go, what they send becomes rows, and at the end everything is asked for.

use std::cell::RefCell;
use std::collections::HashMap;
use std::fmt::Write;
use std::future::poll_fn;
use std::io;
use std::pin::pin;
use std::rc::Rc;
use std::task::Poll;
use std::time::{Duration, Instant};

use iotq_engine::{Clock, Pool, Sink};
use iotq_lang::half::Half;
use iotq_lang::plan::Plan;
use iotq_link::handshake::HandshakeError;
use iotq_link::message::{self, Complaint};
use iotq_link::wire::WireError;
use iotq_link::{Arrival, Reception, ToGuest, ToHost, Visit};
use tokio::time::{MissedTickBehavior, interval, sleep_until};

use super::asked::{Account, Amiss, Asked, Outcome, Question};
use super::beyond::Own;
use super::limit::Limited;
use crate::args::Run;
use crate::report::{chain, note};
use crate::stop::Stop;
use crate::{memory, output, run};

/// How often it is looked whether somebody reads.
const LOOK: Duration = Duration::from_millis(200);
/// Instead of a moment at which nothing has to be done.
const FAR: Duration = Duration::from_secs(3600);
/// How long guests are waited for at the end.
const GRACE: Duration = Duration::from_secs(10);
/// How long a report waits for the groups of a guest that is slow to tell them.
const PATIENCE: Duration = Duration::from_secs(1);
/// Kinds of strangers that are told of, each once; what a guest's kernel lacks.
const MOST_TOLD: usize = 16;
/// How often a guest may come: one that comes and goes so often is no guest.
const MOST_VISITS: u32 = 1000;

/// A query for guests at work.
pub(super) struct Hosting<'a> {
    pub options: &'a Run,
    pub half: &'a Half,
    /// The plan, with symbols: what they mean each guest tells.
    pub plan: &'a Plan,
    /// Where requests are followed to this host: its part of it.
    pub own: Option<Own>,
    pub stop: &'a Stop,
    pub sink: Limited,
    /// Groups of all guests.
    pub pool: Rc<RefCell<Pool>>,
    /// Those that were late with theirs, each told of once.
    pub late: Vec<String>,
    pub reception: Reception,
    pub clock: Clock,
    /// How many guests are asked.
    pub asked: usize,
    /// Those that are here.
    pub guests: Vec<Asked>,
    /// The one that was heard last.
    pub turn: usize,
    /// Those that cannot do what is asked.
    pub refused: Vec<String>,
    /// How often each has come.
    pub visits: HashMap<String, u32>,
    /// What has been told of those who were turned away.
    pub turned: Vec<String>,
    /// When the first guest was ready.
    pub began: Option<Instant>,
    pub account: Account,
}

/// Why a guest that could be there is given up.
#[derive(Debug, thiserror::Error)]
#[error("it takes no messages")]
struct Stuck;

enum Event {
    Visit(Visit),
    Message(usize, Result<ToHost, WireError>),
    Time,
}

impl Hosting<'_> {
    /// Until a bound, a signal, or the reader's end; then until all guests have sent everything.
    pub async fn serve(&mut self) -> io::Result<()> {
        let mut look = interval(LOOK);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut ending: Option<Instant> = None;
        let stop = self.stop;
        let mut asked = pin!(stop.when_asked());
        loop {
            // At the end everything comes by itself.
            let wait = ending.map_or_else(|| self.deadline(), |_| FAR);
            let due = self.began.unwrap_or_else(Instant::now) + wait;
            let event = tokio::select! {
                visit = self.reception.next(), if ending.is_none() => Event::Visit(visit),
                (index, message) = next(&mut self.guests, &mut self.turn) => Event::Message(index, message),
                () = sleep_until(due.into()) => Event::Time,
                _ = look.tick() => Event::Time,
                asked = &mut asked, if ending.is_none() => {
                    asked?;
                    Event::Time
                }
            };
            match event {
                Event::Visit(Visit::Arrived(arrival)) => self.arrived(*arrival),
                Event::Visit(Visit::Turned(why)) => self.turned(&why),
                Event::Message(index, Ok(message)) => self.message(index, message)?,
                Event::Message(index, Err(why)) => self.lost(index, &why)?,
                Event::Time => {}
            }
            self.settle()?;
            self.sink.flush()?;
            let elapsed = self.elapsed();
            match ending {
                None if self.is_over(elapsed) => {
                    ending = Some(Instant::now());
                    self.guests.iter_mut().for_each(Asked::stop);
                }
                None => {
                    self.report(elapsed)?;
                    self.guests
                        .iter_mut()
                        .for_each(|it| it.ask_for_reports(elapsed));
                }
                Some(since) if since.elapsed() >= GRACE => break,
                Some(_) => {}
            }
            while let Some(index) = self.guests.iter().position(|guest| guest.stuck) {
                self.lost(index, &Stuck)?;
            }
            if ending.is_some() && !self.guests.iter().any(Asked::works) {
                break;
            }
        }
        self.close()
    }

    /// Asks again for what was not known of requests on this host.
    fn settle(&mut self) -> io::Result<()> {
        if self.own.is_none() {
            return Ok(());
        }
        let elapsed = self.elapsed();
        for guest in &mut self.guests {
            for line in guest.settle(elapsed, &mut self.sink)? {
                note(&format!("iotq: {}: {line}", guest.hello.name));
            }
        }
        Ok(())
    }

    /// Reports the groups of intervals that are over, once all guests have told theirs, or have had the time to.
    fn report(&mut self, elapsed: Duration) -> io::Result<()> {
        let due = self.pool.borrow().deadline();
        let Some(due) = due.filter(|due| *due <= elapsed && self.began.is_some()) else {
            return Ok(());
        };
        for guest in &mut self.guests {
            let owes = guest.owes(elapsed);
            guest.late &= owes;
            if !owes || guest.late {
                continue;
            }
            if elapsed < due.saturating_add(PATIENCE) {
                return Ok(());
            }
            guest.late = true;
            let name = &guest.hello.name;
            if !self.late.contains(name) {
                note(&format!(
                    "iotq: {name} is late: groups that it has not told count in the next interval"
                ));
                self.late.push(name.clone());
            }
        }
        self.pool.borrow_mut().advance(elapsed, &mut self.sink)
    }

    fn elapsed(&self) -> Duration {
        self.began.map_or(Duration::ZERO, |began| began.elapsed())
    }

    fn deadline(&self) -> Duration {
        let guests = self.guests.iter().filter_map(Asked::deadline);
        // What is due waits for guests, who will say so.
        let elapsed = self.elapsed();
        let pool = self.pool.borrow().deadline();
        let pool = pool.filter(|due| *due > elapsed);
        let all = guests.chain(pool).chain(self.options.duration);
        all.min().unwrap_or(FAR)
    }

    /// Whether nothing more is wanted, or can come.
    fn is_over(&self, elapsed: Duration) -> bool {
        let mut statements = self.plan.statements.iter().enumerate();
        let all = statements.all(|(index, statement)| {
            let duration = statement.bounds.duration.map(Duration::from_nanos);
            self.sink.is_full(index) || self.has_passed(duration, elapsed)
        });
        all || self.stop.asked()
            || self.is_refused()
            || self.has_passed(self.options.duration, elapsed)
            || output::is_closed()
    }

    fn has_passed(&self, bound: Option<Duration>, elapsed: Duration) -> bool {
        self.began.is_some() && bound.is_some_and(|bound| bound <= elapsed)
    }

    /// Whether every guest that is asked has refused.
    pub fn is_refused(&self) -> bool {
        self.refused.len() >= self.asked
    }

    fn arrived(&mut self, arrival: Arrival) {
        let visits = self.visits.entry(arrival.hello.name.clone()).or_default();
        *visits += 1;
        if *visits > MOST_VISITS {
            return;
        }
        let cid = arrival.cid;
        let mut guest = Asked::new(arrival, self.clock);
        if let Some(own) = &self.own {
            guest.follow(own.process(&guest.hello.name, cid));
        }
        let half = message::Half {
            text: self.half.text.clone(),
            args: self.half.args.clone(),
            params: self.half.params.clone(),
            no_pushdown: self.options.no_pushdown,
            ring: self.options.ring,
        };
        guest.tell(ToGuest::Plan(half));
        self.guests.push(guest);
    }

    /// Somebody was turned away: what may be the reason for a guest that does not come is told once.
    fn turned(&mut self, why: &HandshakeError) {
        let text = chain(why);
        if why.is_of_connection() || self.turned.len() >= MOST_TOLD || self.turned.contains(&text) {
            return;
        }
        note(&format!("iotq: somebody was turned away: {text}"));
        self.turned.push(text);
    }

    fn message(&mut self, index: usize, message: ToHost) -> io::Result<()> {
        let question = Question {
            plan: self.plan,
            here: self.own.as_ref().map_or(&[], Own::meanings),
            no_pushdown: self.options.no_pushdown,
            pool: &self.pool,
            elapsed: self.elapsed(),
        };
        let guest = &mut self.guests[index];
        let name = guest.hello.name.clone();
        match guest.take(message, &question, &mut self.sink) {
            Ok(Outcome::Fine | Outcome::Ended) => Ok(()),
            Ok(Outcome::Ready(missing)) => {
                self.began.get_or_insert_with(|| {
                    self.pool.borrow_mut().begin(run::clock());
                    Instant::now()
                });
                let kernel = plain(&guest.hello.kernel);
                let clock = guest.offset.uncertainty_ns.div_ceil(1000);
                note(&format!(
                    "iotq: {name} is ready (Linux {kernel}, its clock within {clock}us)"
                ));
                for missing in missing.iter().take(MOST_TOLD) {
                    note(&format!("iotq: {name}: {}", plain(missing)));
                }
                memory::trim();
                Ok(())
            }
            Ok(Outcome::Refused(complaints)) => {
                note(&refusal(&name, &complaints));
                if !self.refused.contains(&name) {
                    self.refused.push(name);
                }
                Ok(())
            }
            Err(Amiss::Rude(why)) => self.lost(index, &Amiss::Rude(why)),
            Err(Amiss::Output(error)) => Err(error),
        }
    }

    /// A guest is gone: what it has sent counts, and it may come again.
    fn lost(&mut self, index: usize, why: &dyn std::error::Error) -> io::Result<()> {
        let mut guest = self.guests.remove(index);
        let what = match guest.works() {
            true => "; what it had not sent is missing, until it is back",
            false => "",
        };
        note(&format!(
            "iotq: {} is gone: {}{what}",
            guest.hello.name,
            chain(why)
        ));
        guest.finish(self.elapsed(), &mut self.sink, &mut self.account)
    }

    /// The output takes nothing more: what the guests have counted so far is all that is known.
    pub fn abandon(&mut self) {
        for mut guest in std::mem::take(&mut self.guests) {
            guest.count(&mut self.account);
        }
    }

    /// Writes what is left of those that are here.
    fn close(&mut self) -> io::Result<()> {
        let elapsed = self.elapsed();
        for mut guest in std::mem::take(&mut self.guests) {
            if guest.works() {
                let name = &guest.hello.name;
                note(&format!(
                    "iotq: {name} did not end in time: its last rows are missing"
                ));
            }
            guest.finish(elapsed, &mut self.sink, &mut self.account)?;
        }
        let mut pool = self.pool.borrow_mut();
        pool.finish(elapsed, &mut self.sink)?;
        self.account.engine.ungrouped += pool.ungrouped();
        self.sink.flush()
    }
}

/// The next message of any guest. They take turns, so that one that says much does not keep the others from being heard.
async fn next(guests: &mut [Asked], turn: &mut usize) -> (usize, Result<ToHost, WireError>) {
    poll_fn(|context| {
        for step in 1..=guests.len() {
            let index = (*turn + step) % guests.len();
            if let Poll::Ready(message) = guests[index].session.poll(context) {
                *turn = index;
                return Poll::Ready((index, message));
            }
        }
        Poll::Pending
    })
    .await
}

/// What a guest says of why it cannot, each line as harmless as it is short.
fn refusal(name: &str, complaints: &[Complaint]) -> String {
    let mut text = format!("iotq: {name} refuses the query");
    for complaint in complaints.iter().take(10) {
        let (code, message) = (plain(&complaint.code), plain(&complaint.message));
        let _ = write!(text, "\n  [{code}] {message}");
        for help in complaint.help.iter().take(5) {
            let _ = write!(text, "\n    {}", plain(help));
        }
    }
    text
}

/// A guest's words, without what would move a cursor, and not too many of them.
fn plain(text: &str) -> String {
    text.chars()
        .take(500)
        .flat_map(char::escape_debug)
        .collect()
}
