//! The reception of a host: takes connections, calls guests that wait to be called, greets both, and lets in those that
//! are asked.
//!
//! Strangers are bounded in number and in time. A guest is there once: another one of its name is turned away, until its
//! [`Presence`] is dropped.

use std::collections::HashSet;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use crate::address::ANY;
use crate::clock::Offset;
use crate::handshake::{HandshakeError, PATIENCE, receive};
use crate::message::{Hello, ToGuest, ToHost, Turned};
use crate::strangers::{Stranger, Strangers};
use crate::transport::{Connection, Listener, call};
use crate::wire::Wire;
use crate::{Address, Backoff, Session, Token};

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

/// A guest that is asked.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Invited {
    /// The one that says it has this name, which is for the token to prove.
    Name(String),
    /// The virtual machine with this context id, as the system tells it.
    Cid(u32),
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
    names: Vec<Invited>,
    present: Arc<Mutex<HashSet<Invited>>>,
    /// Tells who has called it that it is there no more.
    _there: oneshot::Sender<()>,
}

impl Drop for Presence {
    fn drop(&mut self) {
        let mut present = self.present.lock().unwrap_or_else(PoisonError::into_inner);
        for name in &self.names {
            present.remove(name);
        }
    }
}

/// Where guests arrive. Dropping it closes the doors.
#[derive(Debug)]
pub struct Reception {
    visits: mpsc::Receiver<Visit>,
    doors: Vec<JoinHandle<()>>,
    strangers: Arc<Strangers>,
}

/// What all doors know.
struct House {
    token: Token,
    asked: HashSet<Invited>,
    present: Arc<Mutex<HashSet<Invited>>>,
    strangers: Arc<Strangers>,
    visits: mpsc::Sender<Visit>,
}

impl Reception {
    /// Listens for guests, and calls those that listen themselves. Must be called inside a runtime.
    ///
    /// # Errors
    /// If it cannot listen at one of the addresses.
    pub fn open(
        listen: &[Address],
        calls: &[Address],
        asked: impl IntoIterator<Item = Invited>,
        token: Token,
    ) -> Result<Self, ListenError> {
        let open = |address: &Address| {
            Listener::open(address).map_err(|source| ListenError {
                address: address.clone(),
                source,
            })
        };
        let listeners: Vec<_> = listen.iter().map(open).collect::<Result<_, _>>()?;
        let (sender, visits) = mpsc::channel(QUEUE);
        let house = Arc::new(House {
            token,
            asked: asked.into_iter().collect(),
            present: Arc::default(),
            strangers: Arc::default(),
            visits: sender,
        });
        let strangers = Arc::clone(&house.strangers);
        let door = |(number, listener)| tokio::spawn(keep(number, listener, Arc::clone(&house)));
        let mut doors: Vec<_> = listeners.into_iter().enumerate().map(door).collect();
        for address in calls {
            doors.push(tokio::spawn(fetch(address.clone(), Arc::clone(&house))));
        }
        Ok(Self {
            visits,
            doors,
            strangers,
        })
    }

    /// How many came when there were too many already, and were not heard.
    pub fn unheard(&self) -> u64 {
        self.strangers.unheard()
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

async fn keep(number: usize, listener: Listener, house: Arc<House>) {
    loop {
        let Ok((connection, cid)) = listener.accept().await else {
            sleep(TROUBLE).await;
            continue;
        };
        if let Some(stranger) = house.strangers.enter((number, cid)) {
            tokio::spawn(greet_stranger(
                stranger,
                connection,
                cid,
                Arc::clone(&house),
            ));
        }
    }
}

async fn greet_stranger(
    stranger: Stranger,
    connection: Connection,
    cid: Option<u32>,
    house: Arc<House>,
) {
    let mut wire = Wire::new(connection);
    let received = house.receive(&mut wire, cid).await;
    drop(stranger);
    let _ = house.welcome(wire, cid, received).await;
}

/// Calls a guest, and again whenever it is there no more.
async fn fetch(address: Address, house: Arc<House>) {
    let cid = match address {
        Address::Vsock { cid, .. } if cid != ANY => Some(cid),
        _ => None,
    };
    let mut backoff = Backoff::default();
    loop {
        if let Ok(Ok(connection)) = timeout(PATIENCE, call(&address)).await {
            let mut wire = Wire::new(connection);
            let received = house.receive(&mut wire, cid).await;
            if let Some(there) = house.welcome(wire, cid, received).await {
                backoff.reset();
                // The other end is dropped and not used.
                let _ = there.await;
            }
        }
        sleep(backoff.wait()).await;
    }
}

type Received = Result<(Hello, (Presence, oneshot::Receiver<()>), Offset), HandshakeError>;

impl House {
    async fn receive(&self, wire: &mut Wire<Connection, ToHost>, cid: Option<u32>) -> Received {
        receive(wire, &self.token, |hello| self.admit(hello, cid)).await
    }

    /// Lets in who may come in. What is returned ends with the guest's presence.
    async fn welcome(
        &self,
        wire: Wire<Connection, ToHost>,
        cid: Option<u32>,
        received: Received,
    ) -> Option<oneshot::Receiver<()>> {
        match received {
            Ok((hello, (presence, there), offset)) => {
                let arrival = Arrival {
                    hello,
                    session: Session::start(wire),
                    offset,
                    cid,
                    presence,
                };
                // Without a receiver the host has ended.
                let _ = self.visits.send(Visit::Arrived(Box::new(arrival))).await;
                Some(there)
            }
            Err(why) => {
                let _ = self.visits.try_send(Visit::Turned(why));
                None
            }
        }
    }

    fn admit(
        &self,
        hello: &Hello,
        cid: Option<u32>,
    ) -> Result<(Presence, oneshot::Receiver<()>), Turned> {
        let by_cid = cid.map(Invited::Cid).filter(|cid| self.asked.contains(cid));
        let name = Invited::Name(hello.name.clone());
        if by_cid.is_none() && !self.asked.contains(&name) {
            return Err(Turned::NotAsked);
        }
        // Under whatever name it comes, a machine is there once.
        let names: Vec<Invited> = by_cid.into_iter().chain([name]).collect();
        let mut present = self.present.lock().unwrap_or_else(PoisonError::into_inner);
        if names.iter().any(|name| present.contains(name)) {
            return Err(Turned::Twice);
        }
        present.extend(names.iter().cloned());
        let (_there, gone) = oneshot::channel();
        let presence = Presence {
            names,
            present: Arc::clone(&self.present),
            _there,
        };
        Ok((presence, gone))
    }
}

#[cfg(test)]
mod tests;
