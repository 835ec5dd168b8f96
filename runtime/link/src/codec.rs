//! Messages as bytes: a magic and the version of the protocol, then frames.
//!
//! A frame is its length and its number (32 bits each, little endian), and a message in the postcard format. Frames are
//! numbered through, so one that is repeated, left out or in another's place is noticed. Pure: no sockets, no clock.
//!
//! What has not arrived costs nothing: of a frame that says that it is long, only bytes that came are kept, and a list
//! in it gets room for at most a mebibyte before its items are read.

use std::marker::PhantomData;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::PROTOCOL;

/// Bytes before the message.
const HEADER: usize = 8;

/// What a stream begins with; the version comes behind it.
const MAGIC: &[u8; 7] = b"iotqlnk";

/// The longest message, in bytes.
pub const LONGEST: u32 = 256 << 10;

/// The longest before a peer has shown who it is.
pub const LONGEST_GREETING: u32 = 4 << 10;

/// Why bytes are no messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CodecError {
    /// Somebody else's protocol.
    #[error("the peer does not speak iotq's protocol")]
    Foreign,
    /// Another version.
    #[error("the peer speaks version {0} of the protocol, this is {PROTOCOL}")]
    Version(u8),
    /// A frame that is too long.
    #[error("a message of {length} bytes, where {most} are allowed")]
    TooLong {
        /// What it says.
        length: u32,
        /// What is allowed.
        most: u32,
    },
    /// A frame in the wrong place.
    #[error("the message {found} came where {expected} was to come")]
    Order {
        /// Its number.
        found: u32,
        /// What it should be.
        expected: u32,
    },
    /// A frame that holds no message.
    #[error("a message that cannot be understood")]
    Malformed,
}

/// Writes the messages of one direction.
#[derive(Debug, Default)]
pub struct Encoder {
    next: u32,
}

impl Encoder {
    /// What a stream begins with.
    pub fn preamble() -> [u8; 8] {
        let mut bytes = [PROTOCOL; 8];
        bytes[..MAGIC.len()].copy_from_slice(MAGIC);
        bytes
    }

    /// Appends a message as a frame.
    ///
    /// # Errors
    /// If the message is too long.
    pub fn encode<M: Serialize>(
        &mut self,
        message: &M,
        out: &mut Vec<u8>,
    ) -> Result<(), CodecError> {
        let begin = out.len();
        out.extend_from_slice(&[0; HEADER]);
        let encoded = postcard::to_extend(message, std::mem::take(out));
        *out = encoded.map_err(|_| CodecError::Malformed)?;
        let length = u32::try_from(out.len() - begin - HEADER).unwrap_or(u32::MAX);
        if length > LONGEST {
            out.truncate(begin);
            let most = LONGEST;
            return Err(CodecError::TooLong { length, most });
        }
        out[begin..begin + 4].copy_from_slice(&length.to_le_bytes());
        out[begin + 4..begin + HEADER].copy_from_slice(&self.next.to_le_bytes());
        self.next = self.next.wrapping_add(1);
        Ok(())
    }
}

/// Reads the messages of one direction, from pieces of any size.
///
/// What it holds is at most what was fed since `take` had no more, and one frame.
#[derive(Debug)]
pub struct Decoder<M> {
    bytes: Vec<u8>,
    /// How many of them have been read.
    read: usize,
    begun: bool,
    next: u32,
    longest: u32,
    messages: PhantomData<fn() -> M>,
}

impl<M> Default for Decoder<M> {
    fn default() -> Self {
        Self {
            bytes: Vec::new(),
            read: 0,
            begun: false,
            next: 0,
            longest: LONGEST_GREETING,
            messages: PhantomData,
        }
    }
}

impl<M: DeserializeOwned> Decoder<M> {
    /// The peer has shown who it is: its messages may be long.
    pub fn trust(&mut self) {
        self.longest = LONGEST;
    }

    /// Takes bytes that came.
    pub fn feed(&mut self, bytes: &[u8]) {
        self.bytes.drain(..self.read);
        self.read = 0;
        self.bytes.extend_from_slice(bytes);
    }

    /// The next message, if all of it is there. After an error there is nothing that could be understood.
    ///
    /// # Errors
    /// If the bytes are no messages of this protocol.
    pub fn take(&mut self) -> Result<Option<M>, CodecError> {
        if !self.begun && !self.begin()? {
            return Ok(None);
        }
        let Some((length, number)) = self.header() else {
            return Ok(None);
        };
        let most = self.longest;
        if length > most {
            return Err(CodecError::TooLong { length, most });
        }
        let expected = self.next;
        if number != expected {
            let found = number;
            return Err(CodecError::Order { found, expected });
        }
        let begin = self.read + HEADER;
        let end = begin + length as usize;
        let Some(payload) = self.bytes.get(begin..end) else {
            return Ok(None);
        };
        let message = message(payload)?;
        self.read = end;
        self.next = expected.wrapping_add(1);
        Ok(Some(message))
    }

    /// Whether the beginning is there. A wrong one is told as soon as it is known.
    fn begin(&mut self) -> Result<bool, CodecError> {
        let here = self.bytes.len().min(MAGIC.len());
        if self.bytes[..here] != MAGIC[..here] {
            return Err(CodecError::Foreign);
        }
        match self.bytes.get(MAGIC.len()) {
            None => Ok(false),
            Some(&PROTOCOL) => {
                (self.begun, self.read) = (true, MAGIC.len() + 1);
                Ok(true)
            }
            Some(&version) => Err(CodecError::Version(version)),
        }
    }

    fn header(&self) -> Option<(u32, u32)> {
        let word = |at: usize| {
            let bytes = self.bytes.get(self.read + at..)?;
            Some(u32::from_le_bytes(*bytes.first_chunk()?))
        };
        Some((word(0)?, word(4)?))
    }
}

/// The message that bytes are, all of them.
///
/// # Errors
/// If they are none.
pub fn message<M: DeserializeOwned>(bytes: &[u8]) -> Result<M, CodecError> {
    match postcard::take_from_bytes(bytes) {
        Ok((message, [])) => Ok(message),
        _ => Err(CodecError::Malformed),
    }
}

#[cfg(test)]
mod tests;
