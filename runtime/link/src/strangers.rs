//! Connections whose peers have not shown who they are: few of all peers, and fewer of one. So a peer that comes very often
//! keeps itself out, and nobody else.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Of all peers.
pub const MOST: usize = 128;

/// Of one peer.
pub const EACH: usize = 16;

/// Where a connection comes from: the door, and the context id if the system tells it. A machine monitor has a socket for
/// each of its machines, which is a door.
pub type Peer = (usize, Option<u32>);

/// How many there are.
#[derive(Debug, Default)]
pub struct Strangers {
    here: Mutex<HashMap<Peer, usize>>,
    unheard: AtomicU64,
}

/// Stands for one of them.
#[derive(Debug)]
pub struct Stranger {
    peer: Peer,
    all: Arc<Strangers>,
}

impl Strangers {
    /// Lets in one more of a peer, if there is room. Else it is counted.
    pub fn enter(self: &Arc<Self>, peer: Peer) -> Option<Stranger> {
        let mut here = self.here();
        let all: usize = here.values().sum();
        let own = here.get(&peer).copied().unwrap_or(0);
        if all >= MOST || own >= EACH {
            self.unheard.fetch_add(1, Ordering::Relaxed);
            return None;
        }
        here.insert(peer, own + 1);
        let all = Arc::clone(self);
        Some(Stranger { peer, all })
    }

    /// How many were turned away because there were too many.
    pub fn unheard(&self) -> u64 {
        self.unheard.load(Ordering::Relaxed)
    }

    fn here(&self) -> MutexGuard<'_, HashMap<Peer, usize>> {
        self.here.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Stranger {
    fn drop(&mut self) {
        let mut here = self.all.here();
        match here.get_mut(&self.peer) {
            Some(own) if *own > 1 => *own -= 1,
            _ => {
                here.remove(&self.peer);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_peer_leaves_room_for_others() {
        let all = Arc::new(Strangers::default());
        let mut here: Vec<Stranger> = Vec::new();
        for _ in 0..100_000 {
            here.extend(all.enter((0, Some(3))));
        }
        assert_eq!(here.len(), EACH);
        assert_eq!(all.unheard(), 100_000 - EACH as u64);
        let other = all.enter((0, Some(4))).expect("room");
        let door = all.enter((1, None)).expect("room");
        drop((here, other, door));
        assert!(all.here().is_empty());
        assert!(all.enter((0, Some(3))).is_some());
    }

    #[test]
    fn all_together_are_bounded() {
        let all = Arc::new(Strangers::default());
        let here: Vec<Stranger> = (0..100_000)
            .filter_map(|cid| all.enter((0, Some(cid))))
            .collect();
        assert_eq!((here.len(), all.here().len()), (MOST, MOST));
    }
}
