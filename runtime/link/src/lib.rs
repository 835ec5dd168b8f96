//! The link between a host and its guests: transports, messages, handshake, sessions.
//!
//! A peer is not trusted. What it sends has bounds before it is kept, and whoever breaks one loses its own session and
//! nothing else.

#![forbid(unsafe_code)]

pub mod address;
pub mod backoff;
pub mod clock;
pub mod codec;
pub mod convert;
pub mod dictionary;
pub mod fingerprint;
pub mod handshake;
pub mod message;
pub mod reception;
pub mod records;
pub mod session;
pub mod strangers;
pub mod token;
pub mod transport;
pub mod wire;

pub use address::Address;
pub use backoff::Backoff;
pub use dictionary::Dictionary;
pub use handshake::{HandshakeError, Introduction};
pub use message::{ToGuest, ToHost};
pub use reception::{Arrival, Invited, Reception, Visit};
pub use session::{Gone, Session};
pub use token::Token;

/// The version of the messages: both sides must have the same.
pub const PROTOCOL: u8 = 1;

/// Bytes of records that a guest may have sent and the host not yet taken.
pub const WINDOW: u32 = 1 << 20;
