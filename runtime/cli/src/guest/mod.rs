//! `iotq guest`: the agent in a virtual machine. It holds no query of its own: it waits for its host, installs what that
//! asks, ships what passes, and goes back to wait when the host is gone.

mod told;
mod work;

use std::process::ExitCode;
use std::time::{Duration, Instant};

use iotq_lang::diag::codes::link;
use iotq_lang::half::Half;
use iotq_lang::source::Sources;
use iotq_link::address::HOST;
use iotq_link::handshake::{HandshakeError, greet};
use iotq_link::message::{self, Complaint};
use iotq_link::transport::{Connection, Listener, connect};
use iotq_link::wire::{Wire, WireError};
use iotq_link::{Backoff, Gone, Introduction, Session, ToGuest, ToHost, Token};
use tokio::time::sleep;

use crate::args::Guest;
use crate::linked;
use crate::report::{Failure, chain, note};
use crate::stop::Stop;
use work::Work;

/// A run that is no failure, however it ended.
const LONG: Duration = Duration::from_secs(5);
/// The largest ring that a host may ask for: it is memory of the guest's kernel.
const MOST_RING: u32 = 64 << 20;

/// Serves hosts, one after the other, until it is to stop.
///
/// # Errors
/// If this user may not trace, or the token cannot be read.
pub fn guest(options: &Guest, stop: &Stop) -> Result<ExitCode, Failure> {
    if !iotq_kernel::privileged() {
        return Err(Failure::not_permitted(&Sources::default()));
    }
    let token = linked::token(options.token.as_deref())?;
    let who = Introduction::of_machine(options.name.as_deref());
    let who = who.map_err(|why| linked::wrong("this cannot be the name of a guest", &why))?;
    // The session has a thread of its own: on a slow machine, programs may take long to be verified, and the host is not to
    // miss this guest meanwhile.
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_io()
        .enable_time()
        .build()?;
    runtime.block_on(async {
        let door = options.listen.as_ref().map(Listener::open).transpose();
        let door =
            door.map_err(|error| Failure::plain(&link::LISTEN, "nobody can connect", &error))?;
        let agent = Agent {
            options,
            door,
            who,
            token,
        };
        tokio::select! {
            () = agent.serve() => {}
            asked = stop.when_asked() => asked?,
        }
        Ok(ExitCode::SUCCESS)
    })
}

struct Agent<'a> {
    options: &'a Guest,
    /// Where the host connects to, if it does.
    door: Option<Listener>,
    who: Introduction,
    token: Token,
}

/// Why the agent is without a host.
#[derive(Debug, thiserror::Error)]
enum Alone {
    #[error("no host at {address}")]
    Nobody {
        address: String,
        source: std::io::Error,
    },
    #[error("vsock:{0} is no host of this guest, and there is no token")]
    Stranger(u32),
    #[error("the host does not take this guest")]
    Turned(#[from] HandshakeError),
    #[error("the host is gone")]
    Lost(#[from] WireError),
    #[error("the host is gone")]
    Gone(#[from] Gone),
    #[error("the host said what was not to be said now")]
    Manners,
}

impl Agent<'_> {
    /// Finds a host and serves it, again and again. What keeps it from that is said once, until it changes.
    async fn serve(&self) {
        let mut backoff = Backoff::default();
        let mut said = String::new();
        loop {
            let Err(alone) = self.visit(&mut backoff).await;
            let text = chain(&alone);
            // That a host came and went is told each time.
            let is_new = text != said;
            if is_new || !matches!(alone, Alone::Nobody { .. } | Alone::Turned(_)) {
                note(&format!("iotq: {text}; trying again"));
                said = text;
            }
            sleep(backoff.wait()).await;
        }
    }

    /// Connects to the host, or waits until it does.
    async fn meet(&self) -> Result<Connection, Alone> {
        let Some(door) = &self.door else {
            let address = &self.options.host;
            return connect(address).await.map_err(|source| Alone::Nobody {
                address: address.to_string(),
                source,
            });
        };
        match door.accept().await.map_err(WireError::from)? {
            // Without a secret, nobody else than the host of this machine is known to be one.
            (_, Some(cid)) if cid != HOST && self.options.token.is_none() => {
                Err(Alone::Stranger(cid))
            }
            (connection, _) => Ok(connection),
        }
    }

    async fn visit(&self, backoff: &mut Backoff) -> Result<std::convert::Infallible, Alone> {
        let mut wire: Wire<Connection, ToGuest> = Wire::new(self.meet().await?);
        greet(&mut wire, &self.who, &self.token).await?;
        note(&format!("iotq: serving the host as {}", self.who.name));
        let mut session = Session::start(wire);
        loop {
            match session.next().await? {
                ToGuest::Plan(half) => {
                    let begun = Instant::now();
                    let worked = self.work(half, &mut session).await;
                    // A host that has gone at once may do so again.
                    if worked.is_ok() || begun.elapsed() >= LONG {
                        backoff.reset();
                    }
                    worked?;
                }
                // Said to a run that has ended meanwhile.
                ToGuest::Credit(_) | ToGuest::Report { .. } | ToGuest::Stop | ToGuest::Beat => {}
                _ => return Err(Alone::Manners),
            }
        }
    }

    /// One plan, from its text to its end. Whatever ends this detaches everything.
    async fn work(
        &self,
        half: message::Half,
        session: &mut Session<ToGuest, ToHost>,
    ) -> Result<(), Alone> {
        let asked = Half {
            text: half.text,
            args: half.args,
            params: half.params,
            ..Half::default()
        };
        let how = iotq_kernel::Options {
            btf: self.options.btf.clone(),
            ring: half.ring.map(|it| it.min(MOST_RING)),
            keep: false,
        };
        match Work::start(&asked, half.no_pushdown, &how) {
            Ok((work, ready)) => {
                session.send(ToHost::Ready(ready)).await?;
                note("iotq: what the host asks is attached");
                work.run(session).await
            }
            Err(failure) => {
                let complaints: Vec<Complaint> = failure.errors().iter().map(Into::into).collect();
                note(&format!(
                    "iotq: cannot do what the host asks: {}",
                    failure.message()
                ));
                Ok(session.send(ToHost::Refused(complaints)).await?)
            }
        }
    }
}
