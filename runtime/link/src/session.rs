//! A session: what is sent and received goes through bounded queues, and a peer that falls silent is gone.

use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::mpsc;
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
    tasks: [JoinHandle<()>; 2],
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
        let tasks = [
            tokio::spawn(read(wire.reader, incoming)),
            tokio::spawn(write(wire.writer, outgoing)),
        ];
        Self {
            inbox,
            outbox,
            tasks,
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

    /// Sends a message if there is room for it: a peer that does not take its messages loses its session.
    ///
    /// # Errors
    /// If there is none, or the session has ended.
    pub fn send_now(&self, message: Out) -> Result<(), Gone> {
        self.outbox.try_send(message).map_err(|_| Gone)
    }
}

impl<In, Out> Drop for Session<In, Out> {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

async fn read<S: AsyncRead + AsyncWrite, In: Beats + DeserializeOwned>(
    mut reader: Reader<S, In>,
    inbox: mpsc::Sender<Result<In, WireError>>,
) {
    loop {
        let next = timeout(SILENCE, reader.next()).await;
        let next = next.unwrap_or(Err(WireError::Silent(SILENCE)));
        let is_last = next.is_err();
        let is_beat = next.as_ref().is_ok_and(Beats::is_beat);
        if !is_beat && inbox.send(next).await.is_err() || is_last {
            return;
        }
    }
}

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
