//! A host's plan at work in the guest: records and groups go to the host as the kernel has them.
//!
//! What the host has no room for stays in the ring: where that is full, the kernel counts what is lost, as it does of any
//! run. Nothing is dropped here.

use std::future::ready;
use std::os::fd::OwnedFd;
use std::time::Duration;

use iotq_kernel::{KernelGroup, Options, Running, names};
use iotq_lang::half::Half;
use iotq_link::message::{Books, Group, Groups, Ready, State};
use iotq_link::records::Batch;
use iotq_link::{Gone, Session, ToGuest, ToHost, WINDOW, convert};
use tokio::io::unix::AsyncFd;
use tokio::time::{MissedTickBehavior, interval, sleep};

use super::Alone;
use super::told::Told;
use crate::look::Look;
use crate::report::Failure;
use crate::run::{foreign_pids, install, ring_events};

/// How often the host is told what has been counted.
const BOOKS: Duration = Duration::from_secs(1);
/// The most that a record takes in a message.
const RECORD: usize = (1 << 16) + 2;
/// Bytes of groups after which a message is sent.
const FULL: usize = 64 << 10;
/// Names in a message: each may be a long path.
const NAMES: usize = 16;
/// Messages of records after which something else gets its turn.
const AT_ONCE: u32 = 32;

/// How far the ring has been emptied.
#[derive(PartialEq, Eq)]
enum Shipped {
    /// Nothing is left.
    All,
    /// There may be more.
    Part,
    /// There is more than the host has room for.
    NoRoom,
}

/// An installed plan.
pub struct Work {
    running: Running,
    ring: AsyncFd<OwnedFd>,
    told: Told,
    /// Bytes of records that may be sent.
    credit: usize,
    batch: Batch,
    sent: u64,
}

impl Work {
    /// Compiles and installs what the host asks, as if it were hostile: it is data, and has bounds.
    ///
    /// # Errors
    /// If it is wrong, or cannot be done here.
    pub fn start(half: &Half, no_pushdown: bool, how: &Options) -> Result<(Self, Ready), Failure> {
        let sources = half.sources();
        let failed = |errors| Failure::new(errors, &sources);
        let plan = half.plan().map_err(failed)?;
        let resolved = names::resolve(&plan.names, None).map_err(failed)?;
        foreign_pids(&plan).map_err(|error| failed(iotq_lang::diag::Errors(vec![error])))?;
        let mut bound = plan.bind(&resolved.meanings);
        if no_pushdown {
            bound = bound.without_pushdown();
        }
        let running = install(how, &bound, &resolved, &sources)?;
        let ready = Ready {
            meanings: resolved.meanings.iter().map(Into::into).collect(),
            missing: running.missing.clone(),
        };
        let work = Self {
            ring: ring_events(&running)?,
            running,
            told: Told::new(&bound, &plan, &resolved.meanings),
            credit: WINDOW as usize,
            batch: Batch::default(),
            sent: 0,
        };
        Ok((work, ready))
    }

    /// Ships until the host has enough.
    pub(super) async fn run(mut self, session: &mut Session<ToGuest, ToHost>) -> Result<(), Alone> {
        let mut books = interval(BOOKS);
        books.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut look = Look::default();
        let mut more = false;
        loop {
            let mut due = false;
            tokio::select! {
                full = self.ring.readable() => full.map_err(|_| Gone)?.clear_ready(),
                () = sleep(look.wait()) => {}
                _ = books.tick() => due = true,
                message = session.next() => match message? {
                    ToGuest::Stop => return self.finish(session).await,
                    ToGuest::Credit(more) => self.credit += more as usize,
                    ToGuest::Report { number, streams } => {
                        self.report(Some(number), streams, session).await?;
                    }
                    _ => return Err(Alone::Manners),
                },
                () = ready(()), if more => {}
            }
            let before = self.sent;
            more = self.ship(session).await? == Shipped::Part;
            look.looked(self.sent > before);
            if due {
                let books = self.books(0)?;
                session.send(ToHost::Books(books)).await?;
            }
        }
    }

    /// Sends what waits in the ring, as far as the host has room for it.
    async fn ship(&mut self, session: &Session<ToGuest, ToHost>) -> Result<Shipped, Gone> {
        for _ in 0..AT_ONCE {
            if self.credit < RECORD {
                return Ok(Shipped::NoRoom);
            }
            let (batch, told, credit) = (&mut self.batch, &mut self.told, self.credit);
            self.running.drain(|record| {
                told.look(record);
                batch.push(record);
                !batch.is_full() && batch.len() + RECORD <= credit
            });
            if self.batch.is_empty() {
                return Ok(Shipped::All);
            }
            self.names(session).await?;
            let (bytes, records) = self.batch.take();
            self.credit = self.credit.saturating_sub(bytes.len());
            self.sent += records;
            session.send(ToHost::Records(bytes.into())).await?;
        }
        Ok(Shipped::Part)
    }

    /// Sends the names that the host does not know yet.
    async fn names(&mut self, session: &Session<ToGuest, ToHost>) -> Result<(), Gone> {
        for some in self.told.take().chunks(NAMES) {
            session.send(ToHost::Names(some.to_vec())).await?;
        }
        Ok(())
    }

    /// Sends what came before, then the groups of some streams.
    async fn report(
        &mut self,
        number: Option<u32>,
        streams: u32,
        session: &Session<ToGuest, ToHost>,
    ) -> Result<(), Alone> {
        while self.ship(session).await? == Shipped::Part {}
        let groups = self.running.groups(streams).map_err(|_| Gone)?;
        let mut some = Vec::new();
        let mut bytes = 0;
        for KernelGroup {
            stream,
            record,
            totals,
        } in groups
        {
            self.told.look_for(1 << stream, &record);
            self.names(session).await?;
            let group = convert::group(stream, record, &totals);
            bytes += size(&group);
            some.push(group);
            if bytes >= FULL {
                let full = Groups {
                    report: number,
                    groups: std::mem::take(&mut some),
                    last: false,
                };
                session.send(ToHost::Groups(full)).await?;
                bytes = 0;
            }
        }
        let last = Groups {
            report: number,
            groups: some,
            last: true,
        };
        Ok(session.send(ToHost::Groups(last)).await?)
    }

    /// Detaches everything, and sends the rest.
    async fn finish(mut self, session: &mut Session<ToGuest, ToHost>) -> Result<(), Alone> {
        let unended = self.running.unended();
        let skipped = self.running.skipped();
        self.running.stop();
        loop {
            match self.ship(session).await? {
                Shipped::All => break,
                Shipped::Part => {}
                Shipped::NoRoom => match session.next().await? {
                    ToGuest::Credit(more) => self.credit += more as usize,
                    ToGuest::Report { .. } | ToGuest::Stop => {}
                    _ => return Err(Alone::Manners),
                },
            }
        }
        for record in &unended {
            self.told.look(record);
            self.batch.push(record);
            if self.batch.is_full() {
                self.unended(session).await?;
            }
        }
        self.unended(session).await?;
        self.report(None, u32::MAX, session).await?;
        let books = self.books(skipped)?;
        Ok(session.send(ToHost::Ended(books)).await?)
    }

    async fn unended(&mut self, session: &Session<ToGuest, ToHost>) -> Result<(), Gone> {
        self.names(session).await?;
        let (bytes, _) = self.batch.take();
        session.send(ToHost::Unended(bytes.into())).await
    }

    fn books(&self, skipped: u64) -> Result<Books, Gone> {
        let counts = self.running.counts().map_err(|_| Gone)?;
        Ok(Books {
            seen: counts.seen,
            shipped: counts.shipped,
            lost: counts.lost,
            untracked: counts.untracked,
            unmatched: counts.unmatched,
            approx: counts.approx,
            grouped: counts.grouped,
            spilled: counts.spilled,
            skipped,
            sent: self.sent,
        })
    }
}

/// About as many bytes as a group takes in a message.
fn size(group: &Group) -> usize {
    let counts = |state: &State| match state {
        State::Truth(_) => 0,
        State::Linear(counts) => counts.len(),
        State::Numbers(numbers) => numbers.histogram.len(),
    };
    let states = group.states.iter().map(|state| 100 + 8 * counts(state));
    group.record.len() + states.sum::<usize>()
}
