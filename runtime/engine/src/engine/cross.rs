//! Requests of a guest whose rows are made of what its host has seen, too: they wait until that is known, for a while.

use std::collections::VecDeque;
use std::io;
use std::time::Duration;

use iotq_lang::plan::{JoinPlan, Plan, StatementPlan};
use iotq_probes::abi::{IOTQ_STAGE_DEVICE, IOTQ_STAGE_QUEUE, iotq_qemu, iotq_qemu_root};
use zerocopy::{FromBytes, FromZeros, IntoBytes};

use super::Engine;
use crate::beyond::{Beyond, Cut, Part, Span, cut_alone, cut_root};
use crate::join::{Request, TreeParts};
use crate::{RawRecord, Sink};

/// How long the host's part is waited for. It is there before the guest has its answer, but which disk it is on may have to
/// be learned from other requests first.
const PATIENCE: Duration = Duration::from_secs(2);
/// The first pause before it is asked for again; each is twice as long as the one before.
const PAUSE: Duration = Duration::from_millis(10);
/// Requests that wait, at most, and the records below them.
const MOST: usize = 1 << 14;
const MOST_BELOW: usize = 1 << 17;

/// Requests of which the host's part is not known yet.
#[derive(Debug, Default)]
pub(super) struct Open {
    /// The oldest first.
    waiting: VecDeque<Waiting>,
    /// How many records are below them, the host's among them.
    below: usize,
    /// Since the start, as it was told last.
    now: Duration,
}

#[derive(Debug)]
struct Waiting {
    request: Request,
    /// When it is given up.
    until: Duration,
    /// When it is asked for again.
    again: Duration,
    pause: Duration,
}

impl Open {
    fn push(&mut self, it: Waiting) {
        self.below += it.request.weight();
        self.waiting.push_back(it);
    }

    /// All of them.
    fn take(&mut self) -> VecDeque<Waiting> {
        self.below = 0;
        std::mem::take(&mut self.waiting)
    }

    /// The oldest one, if they are too many.
    fn spill(&mut self) -> Option<Request> {
        if self.waiting.len() <= MOST && self.below <= MOST_BELOW {
            return None;
        }
        let request = self.waiting.pop_front()?.request;
        self.below = self.below.saturating_sub(request.weight());
        Some(request)
    }
}

fn joins(plan: &Plan) -> impl Iterator<Item = (&StatementPlan, &JoinPlan, u8)> {
    let statements = plan.statements.iter();
    statements.filter_map(|it| {
        let join = it.join.as_ref()?;
        Some((it, join, join.via?))
    })
}

/// The streams of roots that are joined over a boundary, a bit each.
pub(super) fn roots(plan: &Plan) -> u32 {
    let roots = joins(plan).filter_map(|(statement, ..)| statement.streams.first());
    roots.fold(0, |all, stream| all | 1 << stream.bit)
}

/// The streams that lead there.
pub(super) fn ways(plan: &Plan) -> u32 {
    joins(plan).fold(0, |all, (_, _, via)| all | 1 << via)
}

impl Engine {
    /// Who knows what the host has seen of this guest.
    pub fn set_beyond(&mut self, beyond: Beyond) {
        self.beyond = Some(beyond);
    }

    /// The same, to be asked.
    pub fn beyond(&mut self) -> Option<&mut Beyond> {
        self.beyond.as_mut()
    }

    /// So long after the start: asks again for what was not known of the host's side. To be called now and then.
    ///
    /// # Errors
    /// Those of the sink.
    pub fn settle(&mut self, elapsed: Duration, sink: &mut dyn Sink) -> io::Result<()> {
        self.open.now = elapsed;
        // Most of the time nothing is due, and this is asked with each message of a guest.
        if self.open.waiting.iter().all(|it| it.again > elapsed) {
            return Ok(());
        }
        for mut it in self.open.take() {
            let is_due = it.again <= elapsed;
            if is_due && (self.asks(&mut it.request) || it.until <= elapsed) {
                self.known(it.request, sink)?;
                continue;
            }
            if is_due {
                it.again = elapsed.saturating_add(it.pause).min(it.until);
                it.pause = it.pause.saturating_mul(2);
            }
            self.open.push(it);
        }
        Ok(())
    }

    /// Nothing more will be known.
    pub(super) fn give_up(&mut self, sink: &mut dyn Sink) -> io::Result<()> {
        self.settle(Duration::MAX, sink)
    }

    /// A request of which all parts are there that the guest has.
    pub(super) fn complete(&mut self, mut request: Request, sink: &mut dyn Sink) -> io::Result<()> {
        let record = RawRecord::parse(&request.root, self.clock);
        let crosses = record.is_ok_and(|it| it.queries() & self.crossing & self.active != 0);
        if !crosses {
            return self.request(&request, sink);
        }
        if self.asks(&mut request) {
            return self.known(request, sink);
        }
        let now = self.open.now;
        self.open.push(Waiting {
            request,
            until: now.saturating_add(PATIENCE),
            again: now.saturating_add(PAUSE),
            pause: 2 * PAUSE,
        });
        while let Some(oldest) = self.open.spill() {
            self.known(oldest, sink)?;
        }
        Ok(())
    }

    /// Asks for the host's part of each child, and says whether all of it is known.
    fn asks(&mut self, request: &mut Request) -> bool {
        let Some(beyond) = &mut self.beyond else {
            return true;
        };
        request.host.resize(request.children.len(), None);
        let via = self.via;
        let mut all = true;
        for (bytes, host) in request.children.iter().zip(&mut request.host) {
            if host.is_some() {
                continue;
            }
            let record = RawRecord::parse(bytes, self.clock).ok();
            let record = record.filter(|it| it.queries() & via != 0);
            *host = match record.map(|it| beyond.part(&it)) {
                Some(Part::Records(records)) => Some(records),
                Some(Part::None) | None => Some(Vec::new()),
                Some(Part::NotYet) => None,
            };
            all &= host.is_some();
        }
        all
    }

    /// Makes rows of what is known.
    fn known(&mut self, mut request: Request, sink: &mut dyn Sink) -> io::Result<()> {
        if let Some(beyond) = &mut self.beyond {
            let missing = request.host.iter().filter(|it| it.is_none());
            missing.for_each(|_| beyond.give_up());
        }
        request.cut(self.clock);
        self.request(&request, sink)
    }
}

impl Request {
    /// Cuts the time at its device.
    fn cut(&mut self, clock: crate::Clock) {
        let mut requests = Vec::with_capacity(self.children.len());
        for (index, bytes) in self.children.iter().enumerate() {
            let record = RawRecord::parse(bytes, clock).ok();
            let span = record.and_then(|it| Span::of(&it));
            let host = self.host.get(index).and_then(Option::as_ref);
            let seen = host.map_or(&[][..], Vec::as_slice);
            requests.extend(span.map(|span| (span, seen)));
        }
        let is_alone = self.children.first() == Some(&self.root);
        self.cut = match requests[..] {
            [one] if is_alone => cut_alone(one),
            _ => cut_root(&mut self.root, &requests),
        };
    }

    /// A record of the host for all of the request: its times are those of a cut.
    pub(super) fn whole(&self, cut: Cut) -> Option<Vec<u8>> {
        let own = self.host.iter().flatten().find_map(|it| it.first())?;
        let mut whole = iotq_qemu_root::new_zeroed();
        (whole.request, _) = iotq_qemu::read_from_prefix(own).ok()?;
        let request = &mut whole.request;
        (request.kick, request.lat, request.inject) = (cut.kick, cut.vmm, cut.inject);
        whole.trail.stages[IOTQ_STAGE_QUEUE as usize] = cut.queue;
        whole.trail.stages[IOTQ_STAGE_DEVICE as usize] = cut.device;
        Some(whole.as_bytes().to_vec())
    }

    /// How many records it has.
    fn weight(&self) -> usize {
        let host = self.host.iter().flatten().map(Vec::len);
        self.children.len() + host.sum::<usize>()
    }
}

impl Beyond {
    /// A cut, as it is shown.
    pub(super) fn parts_of(&self, cut: Cut, has_disks: bool) -> TreeParts {
        TreeParts {
            cut,
            has_disks,
            uncertainty: self.counts().uncertainty_ns,
        }
    }
}
