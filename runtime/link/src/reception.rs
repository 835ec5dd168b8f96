//! The reception of a host: takes connections, greets those who come, and lets in the guests that are asked.
//!
//! Strangers are bounded in number and in time. A guest is there once: another one of its name is turned away, until its
//! [`Presence`] is dropped.

use std::collections::HashSet;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinHandle;
use tokio::time::sleep;

use crate::clock::Offset;
use crate::handshake::{HandshakeError, receive};
use crate::message::{Hello, ToGuest, ToHost, Turned};
use crate::transport::{Connection, Listener};
use crate::wire::Wire;
use crate::{Address, Session, Token};

/// Connections whose peers have not shown who they are. Whoever comes while there are so many is turned away at once.
const MOST_STRANGERS: usize = 32;

/// Visits that wait to be looked at.
const QUEUE: usize = 16;

/// The wait after the system could not give a connection.
const TROUBLE: Duration = Duration::from_millis(100);

/// Why a host cannot listen.
#[derive(Debug, thiserror::Error)]
#[error("listen at {address}")]
pub struct ListenError {
    address: Address,
    source: io::Error,
}

/// Who came.
#[derive(Debug)]
pub enum Visit {
    /// A guest that is asked.
    Arrived(Box<Arrival>),
    /// Somebody who was turned away, and why. Not each of very many is told.
    Turned(HandshakeError),
}

/// A guest that has shown who it is.
#[derive(Debug)]
pub struct Arrival {
    /// What it says of itself.
    pub hello: Hello,
    /// What is told to it, and what it tells.
    pub session: Session<ToHost, ToGuest>,
    /// Its clock.
    pub offset: Offset,
    /// Its context id, where this system vouches for it.
    pub cid: Option<u32>,
    /// To be kept as long as the session.
    pub presence: Presence,
}

/// Stands for a guest that is there.
#[derive(Debug)]
pub struct Presence {
    name: String,
    present: Arc<Mutex<HashSet<String>>>,
}

impl Drop for Presence {
    fn drop(&mut self) {
        let mut present = self.present.lock().unwrap_or_else(PoisonError::into_inner);
        present.remove(&self.name);
    }
}

/// Where guests arrive. Dropping it closes the doors.
#[derive(Debug)]
pub struct Reception {
    visits: mpsc::Receiver<Visit>,
    doors: Vec<JoinHandle<()>>,
}

/// What all doors know.
struct House {
    token: Token,
    asked: HashSet<String>,
    present: Arc<Mutex<HashSet<String>>>,
    strangers: Semaphore,
    visits: mpsc::Sender<Visit>,
}

impl Reception {
    /// Listens for guests of some names. Must be called inside a runtime.
    ///
    /// # Errors
    /// If it cannot listen at one of the addresses.
    pub fn open(
        addresses: &[Address],
        asked: impl IntoIterator<Item = String>,
        token: Token,
    ) -> Result<Self, ListenError> {
        let open = |address: &Address| {
            Listener::open(address).map_err(|source| ListenError {
                address: address.clone(),
                source,
            })
        };
        let listeners: Vec<_> = addresses.iter().map(open).collect::<Result<_, _>>()?;
        let (sender, visits) = mpsc::channel(QUEUE);
        let house = Arc::new(House {
            token,
            asked: asked.into_iter().collect(),
            present: Arc::default(),
            strangers: Semaphore::new(MOST_STRANGERS),
            visits: sender,
        });
        let door = |listener| tokio::spawn(keep(listener, Arc::clone(&house)));
        let doors = listeners.into_iter().map(door).collect();
        Ok(Self { visits, doors })
    }

    /// The next visit. Nothing is lost if this is given up before.
    pub async fn next(&mut self) -> Visit {
        match self.visits.recv().await {
            Some(visit) => visit,
            None => std::future::pending().await,
        }
    }
}

impl Drop for Reception {
    fn drop(&mut self) {
        self.doors.iter().for_each(JoinHandle::abort);
    }
}

async fn keep(listener: Listener, house: Arc<House>) {
    loop {
        let Ok((connection, cid)) = listener.accept().await else {
            sleep(TROUBLE).await;
            continue;
        };
        if let Ok(permit) = house.strangers.try_acquire() {
            permit.forget();
            tokio::spawn(welcome(connection, cid, Arc::clone(&house)));
        }
    }
}

async fn welcome(connection: Connection, cid: Option<u32>, house: Arc<House>) {
    let mut wire = Wire::new(connection);
    let received = receive(&mut wire, &house.token, |hello| house.admit(hello)).await;
    house.strangers.add_permits(1);
    match received {
        Ok((hello, presence, offset)) => {
            let arrival = Arrival {
                hello,
                session: Session::start(wire),
                offset,
                cid,
                presence,
            };
            // Without a receiver the host has ended.
            let _ = house.visits.send(Visit::Arrived(Box::new(arrival))).await;
        }
        Err(why) => {
            let _ = house.visits.try_send(Visit::Turned(why));
        }
    }
}

impl House {
    fn admit(&self, hello: &Hello) -> Result<Presence, Turned> {
        if !self.asked.contains(&hello.name) {
            return Err(Turned::NotAsked);
        }
        let mut present = self.present.lock().unwrap_or_else(PoisonError::into_inner);
        if !present.insert(hello.name.clone()) {
            return Err(Turned::Twice);
        }
        Ok(Presence {
            name: hello.name.clone(),
            present: Arc::clone(&self.present),
        })
    }
}

#[cfg(test)]
mod tests;
