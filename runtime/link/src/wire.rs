//! A connection as messages of two directions.

use std::io;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadHalf, WriteHalf};

use crate::codec::{CodecError, Decoder, Encoder};

/// Bytes that are read at once.
const CHUNK: usize = 64 << 10;

/// Why there are no more messages.
#[derive(Debug, thiserror::Error)]
pub enum WireError {
    /// The connection ended.
    #[error("the connection has ended")]
    Ended,
    /// The connection failed.
    #[error("the connection failed")]
    Io(#[from] io::Error),
    /// The peer has sent something else.
    #[error(transparent)]
    Codec(#[from] CodecError),
    /// The peer was not heard for long.
    #[error("nothing was heard for {} seconds", .0.as_secs())]
    Silent(Duration),
}

/// The messages that come.
pub struct Reader<S, In> {
    stream: ReadHalf<S>,
    decoder: Decoder<In>,
    chunk: Vec<u8>,
}

/// The messages that go.
pub struct Writer<S> {
    stream: WriteHalf<S>,
    encoder: Encoder,
    bytes: Vec<u8>,
}

/// Both directions of a connection.
pub struct Wire<S, In> {
    /// What comes.
    pub reader: Reader<S, In>,
    /// What goes.
    pub writer: Writer<S>,
}

impl<S: AsyncRead + AsyncWrite, In: DeserializeOwned> Wire<S, In> {
    /// Over a new connection.
    pub fn new(stream: S) -> Self {
        let (reader, writer) = tokio::io::split(stream);
        Self {
            reader: Reader {
                stream: reader,
                decoder: Decoder::default(),
                chunk: vec![0; 1 << 10],
            },
            writer: Writer {
                stream: writer,
                encoder: Encoder::default(),
                bytes: Encoder::preamble().to_vec(),
            },
        }
    }
}

impl<S: AsyncRead + AsyncWrite, In: DeserializeOwned> Reader<S, In> {
    /// The next message. What has been read is kept if this is given up before it comes.
    ///
    /// # Errors
    /// If there will be none.
    pub async fn next(&mut self) -> Result<In, WireError> {
        loop {
            if let Some(message) = self.decoder.take()? {
                return Ok(message);
            }
            let count = self.stream.read(&mut self.chunk).await?;
            if count == 0 {
                return Err(WireError::Ended);
            }
            self.decoder.feed(&self.chunk[..count]);
        }
    }

    /// The peer has shown who it is.
    pub fn trust(&mut self) {
        self.decoder.trust();
        self.chunk.resize(CHUNK, 0);
    }
}

impl<S: AsyncRead + AsyncWrite> Writer<S> {
    /// Sends a message, as soon as the peer takes it.
    ///
    /// # Errors
    /// If it is too long, or the connection has ended.
    pub async fn send<M: Serialize>(&mut self, message: &M) -> Result<(), WireError> {
        self.encoder.encode(message, &mut self.bytes)?;
        let written = self.stream.write_all(&self.bytes).await;
        self.bytes.clear();
        Ok(written?)
    }
}
