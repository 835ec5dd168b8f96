//! What is going on at each moment of a time, where several things overlap: the strongest counts.

use super::Span;

/// What a request is at a moment, the strongest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// At a disk of the host,
    Device,
    /// queued for one,
    Queue,
    /// else in QEMU.
    Vmm,
    /// On the way there,
    Kick,
    /// and back.
    Inject,
    /// At its device; of the rest nobody knows.
    Unseen,
}

const STATES: [State; 6] = [
    State::Device,
    State::Queue,
    State::Vmm,
    State::Kick,
    State::Inject,
    State::Unseen,
];

/// A time in which nothing changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Moment {
    pub state: State,
    pub from: u64,
    pub to: u64,
}

impl Moment {
    /// How long it is.
    pub fn time(&self) -> u64 {
        self.to.saturating_sub(self.from)
    }

    /// The two that it is made of, if its state changes there.
    pub fn split(self, at: u64, before: State, behind: State) -> [Self; 2] {
        let Self { from, to, .. } = self;
        let part = |state, from, to| Self { state, from, to };
        [part(before, from, at), part(behind, at, to)]
    }
}

/// States with their times, within a whole one.
pub(super) struct States {
    whole: Span,
    /// When a state begins, and ends.
    changes: Vec<(u64, State, i32)>,
}

impl States {
    pub fn within(whole: Span) -> Self {
        let changes = Vec::new();
        Self { whole, changes }
    }

    /// A state lasts from one time to another.
    pub fn add(&mut self, state: State, from: u64, to: u64) {
        let from = from.clamp(self.whole.issued, self.whole.completed);
        let to = to.clamp(from, self.whole.completed);
        if from < to {
            self.changes.extend([(from, state, 1), (to, state, -1)]);
        }
    }

    /// The moments in their order, without those of no state.
    pub fn moments(mut self) -> Vec<Moment> {
        self.changes.sort_unstable_by_key(|(at, ..)| *at);
        let mut moments = Vec::new();
        let mut counts = [0i32; STATES.len()];
        let mut since = 0;
        for (at, state, change) in self.changes {
            let is = STATES.into_iter().zip(counts).find(|(_, count)| *count > 0);
            if let Some((state, _)) = is.filter(|_| at > since) {
                let from = since;
                moments.push(Moment {
                    state,
                    from,
                    to: at,
                });
            }
            since = at;
            counts[state as usize] += change;
        }
        moments
    }
}
