//! A session: what is sent and received goes through bounded queues, and a peer that falls silent is gone.

use std::pin::pin;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval, timeout};

use crate::message::{ToGuest, ToHost};
use crate::wire::{Reader, Wire, WireError, Writer};

/// How often each side shows that it is there.
const BEAT: Duration = Duration::from_secs(2);

/// A peer that is not heard for so long is gone. Longer than an installation takes, during which a guest says nothing.
const SILENCE: Duration = Duration::from_secs(20);

/// Messages that wait, in each direction. A peer whose messages are not taken is not read.
const QUEUE: usize = 8;

/// Messages that may show that a side is there, and say nothing else.
pub trait Beats: Sized {
    /// One of them.
    fn beat() -> Self;
    /// Whether this is one.
    fn is_beat(&self) -> bool;
}

impl Beats for ToHost {
    fn beat() -> Self {
        Self::Beat
    }

    fn is_beat(&self) -> bool {
        matches!(self, Self::Beat)
    }
}

impl Beats for ToGuest {
    fn beat() -> Self {
        Self::Beat
    }

    fn is_beat(&self) -> bool {
        matches!(self, Self::Beat)
    }
}

/// The session has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the session has ended")]
pub struct Gone;

/// A session at work. Dropping it ends it.
#[derive(Debug)]
pub struct Session<In, Out> {
    inbox: mpsc::Receiver<Result<In, WireError>>,
    outbox: mpsc::Sender<Out>,
    task: JoinHandle<()>,
}

impl<In, Out> Session<In, Out>
where
    In: Beats + DeserializeOwned + Send + 'static,
    Out: Beats + Serialize + Send + Sync + 'static,
{
    /// Over a connection whose sides have greeted each other.
    pub fn start<S: AsyncRead + AsyncWrite + Send + 'static>(wire: Wire<S, In>) -> Self {
        let (incoming, inbox) = mpsc::channel(QUEUE);
        let (outbox, outgoing) = mpsc::channel(QUEUE);
        Self {
            inbox,
            outbox,
            task: tokio::spawn(run(wire, incoming, outgoing)),
        }
    }

    /// The next message. Nothing is lost if this is given up before it comes.
    ///
    /// # Errors
    /// If the session has ended.
    pub async fn next(&mut self) -> Result<In, WireError> {
        self.inbox.recv().await.unwrap_or(Err(WireError::Ended))
    }

    /// The same, for who waits for several.
    pub fn poll(
        &mut self,
        context: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Result<In, WireError>> {
        let received = self.inbox.poll_recv(context);
        received.map(|message| message.unwrap_or(Err(WireError::Ended)))
    }

    /// Sends a message as soon as there is room for it.
    ///
    /// # Errors
    /// If the session has ended.
    pub async fn send(&self, message: Out) -> Result<(), Gone> {
        self.outbox.send(message).await.map_err(|_| Gone)
    }

    /// Sends a message if there is room for it: a peer that does not take its messages loses its session. Why a session has
    /// ended is told by what comes of it, not here.
    ///
    /// # Errors
    /// If there is none.
    pub fn send_now(&self, message: Out) -> Result<(), Gone> {
        match self.outbox.try_send(message) {
            Err(TrySendError::Full(_)) => Err(Gone),
            Ok(()) | Err(TrySendError::Closed(_)) => Ok(()),
        }
    }
}

impl<In, Out> Drop for Session<In, Out> {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Both directions, until nothing comes any more. Then nothing is sent, either: whoever waits for room for a message
/// learns that there will be none.
async fn run<S, In, Out>(
    wire: Wire<S, In>,
    inbox: mpsc::Sender<Result<In, WireError>>,
    outbox: mpsc::Receiver<Out>,
) where
    S: AsyncRead + AsyncWrite,
    In: Beats + DeserializeOwned,
    Out: Beats + Serialize,
{
    let Wire { reader, writer } = wire;
    let why = {
        let mut reading = pin!(read(reader, &inbox));
        tokio::select! {
            why = &mut reading => why,
            // What the peer has sent before it stopped taking anything still counts.
            () = write(writer, outbox) => reading.await,
        }
    };
    if let Some(why) = why {
        let _ = inbox.send(Err(why)).await;
    }
}

/// Why nothing comes any more; none if nobody wants it. A peer whose messages are not taken is not expected to say more.
async fn read<S: AsyncRead + AsyncWrite, In: Beats + DeserializeOwned>(
    mut reader: Reader<S, In>,
    inbox: &mpsc::Sender<Result<In, WireError>>,
) -> Option<WireError> {
    loop {
        match timeout(SILENCE, reader.next()).await {
            Ok(Ok(message)) if message.is_beat() => {}
            Ok(Ok(message)) => inbox.send(Ok(message)).await.ok()?,
            Ok(Err(why)) => return Some(why),
            Err(_) => return Some(WireError::Silent(SILENCE)),
        }
    }
}

/// Until the connection fails, or the session is dropped. A peer that is slow to take messages is not gone as long as it
/// is heard.
async fn write<S: AsyncRead + AsyncWrite, Out: Beats + Serialize>(
    mut writer: Writer<S>,
    mut outbox: mpsc::Receiver<Out>,
) {
    let mut beat = interval(BEAT);
    beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let message = tokio::select! {
            message = outbox.recv() => match message {
                Some(message) => message,
                None => return,
            },
            _ = beat.tick() => Out::beat(),
        };
        if writer.send(&message).await.is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests;
