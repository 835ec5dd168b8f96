//! The greeting: each side shows that it knows the token, that its records mean the same, and what time it has.

use std::io;
use std::time::Duration;

use serde::Serialize;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::timeout;

use crate::clock::{self, Exchange, Offset};
use crate::fingerprint;
use crate::message::{Hello, Nonce, ToGuest, ToHost, Turned, is_name};
use crate::token::{Side, Token};
use crate::wire::{Wire, WireError};

/// How long a greeting may take.
pub const PATIENCE: Duration = Duration::from_secs(5);

/// Questions for the guest's time.
const QUESTIONS: usize = 8;

/// Why a greeting failed.
#[derive(Debug, thiserror::Error)]
pub enum HandshakeError {
    /// The connection.
    #[error(transparent)]
    Wire(#[from] WireError),
    /// It took too long.
    #[error("the greeting took longer than {} seconds", PATIENCE.as_secs())]
    Late,
    /// The host turned the guest away.
    #[error(transparent)]
    Turned(#[from] Turned),
    /// The host does not know the token.
    #[error("the host has another token")]
    Host,
    /// The system has no chance.
    #[error("the system gives no random numbers")]
    Chance,
}

/// What a guest says of itself.
#[derive(Clone, Debug)]
pub struct Introduction {
    /// What it is called.
    pub name: String,
    /// The release of its kernel.
    pub kernel: String,
}

impl Introduction {
    /// This machine's, under a name; without one, the name of the machine.
    ///
    /// # Errors
    /// If that cannot be the name of a guest.
    pub fn of_machine(name: Option<&str>) -> Result<Self, Turned> {
        let system = rustix::system::uname();
        let text = |text: &std::ffi::CStr| text.to_string_lossy().into_owned();
        let name = name.map_or_else(|| text(system.nodename()), str::to_owned);
        if !is_name(&name) {
            return Err(Turned::Name);
        }
        let kernel = text(system.release());
        Ok(Self { name, kernel })
    }
}

/// Greets a host, as a guest.
///
/// # Errors
/// If there will be no session.
pub async fn greet<S: AsyncRead + AsyncWrite>(
    wire: &mut Wire<S, ToGuest>,
    who: &Introduction,
    token: &Token,
) -> Result<(), HandshakeError> {
    timeout(PATIENCE, greeting(wire, who, token))
        .await
        .unwrap_or(Err(HandshakeError::Late))
}

async fn greeting<S: AsyncRead + AsyncWrite>(
    wire: &mut Wire<S, ToGuest>,
    who: &Introduction,
    token: &Token,
) -> Result<(), HandshakeError> {
    let hello = Hello {
        fingerprint: fingerprint::own(),
        name: who.name.clone(),
        kernel: who.kernel.clone(),
        monotonic_ns: clock::now(),
        boot_ns: boot(),
        nonce: nonce()?,
    };
    wire.writer.send(&ToHost::Hello(hello.clone())).await?;
    let said = match wire.reader.next().await? {
        ToGuest::Challenge(nonce) => said(&hello, &nonce),
        other => return Err(not_now(&other)),
    };
    let proof = token.proof(Side::Guest, &said);
    wire.writer.send(&ToHost::Proof(proof)).await?;
    match wire.reader.next().await? {
        ToGuest::Welcome(proof) if token.proves(Side::Host, &said, &proof) => {}
        ToGuest::Welcome(_) => return Err(HandshakeError::Host),
        other => return Err(not_now(&other)),
    }
    wire.reader.trust();
    for _ in 0..QUESTIONS {
        match wire.reader.next().await? {
            ToGuest::Ask => wire.writer.send(&ToHost::Answer(clock::now())).await?,
            other => return Err(not_now(&other)),
        }
    }
    Ok(())
}

fn not_now(message: &ToGuest) -> HandshakeError {
    match message {
        ToGuest::Turned(why) => (*why).into(),
        _ => Turned::Manners.into(),
    }
}

/// Receives a guest, as its host. `admit` judges who it is, and gives what stands for that it is there; a guest that has
/// not proved that it knows the token learns nothing of that.
///
/// # Errors
/// If there will be no session.
pub async fn receive<S: AsyncRead + AsyncWrite, P>(
    wire: &mut Wire<S, ToHost>,
    token: &Token,
    admit: impl FnOnce(&Hello) -> Result<P, Turned>,
) -> Result<(Hello, P, Offset), HandshakeError> {
    let received = timeout(PATIENCE, receiving(wire, token, admit)).await;
    let received = received.unwrap_or(Err(HandshakeError::Late));
    if let Err(HandshakeError::Turned(why)) = &received {
        // It is told if it listens.
        let _ = timeout(PATIENCE, wire.writer.send(&ToGuest::Turned(*why))).await;
    }
    received
}

async fn receiving<S: AsyncRead + AsyncWrite, P>(
    wire: &mut Wire<S, ToHost>,
    token: &Token,
    admit: impl FnOnce(&Hello) -> Result<P, Turned>,
) -> Result<(Hello, P, Offset), HandshakeError> {
    let ToHost::Hello(hello) = wire.reader.next().await? else {
        return Err(Turned::Manners.into());
    };
    let challenge = nonce()?;
    wire.writer.send(&ToGuest::Challenge(challenge)).await?;
    let said = said(&hello, &challenge);
    match wire.reader.next().await? {
        ToHost::Proof(proof) if token.proves(Side::Guest, &said, &proof) => {}
        ToHost::Proof(_) => return Err(Turned::Token.into()),
        _ => return Err(Turned::Manners.into()),
    }
    if hello.fingerprint != fingerprint::own() {
        return Err(Turned::Fingerprint.into());
    }
    if !is_name(&hello.name) {
        return Err(Turned::Name.into());
    }
    let presence = admit(&hello)?;
    let proof = token.proof(Side::Host, &said);
    wire.writer.send(&ToGuest::Welcome(proof)).await?;
    let offset = ask_for_time(wire).await?;
    wire.reader.trust();
    Ok((hello, presence, offset))
}

async fn ask_for_time<S: AsyncRead + AsyncWrite>(
    wire: &mut Wire<S, ToHost>,
) -> Result<Offset, HandshakeError> {
    let mut exchanges = Vec::with_capacity(QUESTIONS);
    for _ in 0..QUESTIONS {
        let asked = clock::now();
        wire.writer.send(&ToGuest::Ask).await?;
        let ToHost::Answer(answered) = wire.reader.next().await? else {
            return Err(Turned::Manners.into());
        };
        exchanges.push(Exchange {
            asked,
            answered,
            returned: clock::now(),
        });
    }
    Ok(Offset::best(&exchanges).unwrap_or_default())
}

/// What both have said, so that a proof is of this conversation and no other.
fn said(hello: &Hello, challenge: &Nonce) -> Vec<u8> {
    #[derive(Serialize)]
    struct Said<'a>(&'a Hello, &'a Nonce);
    postcard::to_stdvec(&Said(hello, challenge)).unwrap_or_default()
}

fn nonce() -> Result<Nonce, HandshakeError> {
    let mut nonce = Nonce::default();
    getrandom::fill(&mut nonce).map_err(|_| HandshakeError::Chance)?;
    Ok(nonce)
}

fn boot() -> u64 {
    use rustix::time::{ClockId, clock_gettime};
    let now = clock_gettime(ClockId::Boottime);
    let whole = u64::try_from(now.tv_sec).unwrap_or(0);
    whole.saturating_mul(1_000_000_000)
}

impl HandshakeError {
    /// Whether the connection itself ended or failed: the other side was not there, or went.
    pub fn is_of_connection(&self) -> bool {
        let Self::Wire(error) = self else {
            return false;
        };
        matches!(error, WireError::Ended | WireError::Io(_))
    }
}

impl From<io::Error> for HandshakeError {
    fn from(error: io::Error) -> Self {
        Self::Wire(error.into())
    }
}

#[cfg(test)]
mod tests;
