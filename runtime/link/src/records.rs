//! Records in a message, one behind the other.

/// Enough for one message: then it is sent.
pub const FULL: usize = 32 << 10;

/// Records that are collected for a message.
#[derive(Debug, Default)]
pub struct Batch {
    bytes: Vec<u8>,
    records: u64,
}

impl Batch {
    /// Adds a record, and says whether it can: none has more than 65535 bytes.
    pub fn push(&mut self, record: &[u8]) -> bool {
        let Ok(length) = u16::try_from(record.len()) else {
            return false;
        };
        self.bytes.extend_from_slice(&length.to_le_bytes());
        self.bytes.extend_from_slice(record);
        self.records += 1;
        true
    }

    /// Bytes that it takes in a message.
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Whether there is nothing to send.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Whether it is to be sent before more is added.
    pub fn is_full(&self) -> bool {
        self.bytes.len() >= FULL
    }

    /// The bytes and the number of its records; it is empty again.
    pub fn take(&mut self) -> (Vec<u8>, u64) {
        (
            std::mem::take(&mut self.bytes),
            std::mem::take(&mut self.records),
        )
    }
}

/// The records of a message. What is behind the last whole one is left out.
pub fn records(mut bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        let (length, rest) = bytes.split_first_chunk()?;
        let length = usize::from(u16::from_le_bytes(*length));
        let (record, rest) = rest.split_at_checked(length)?;
        bytes = rest;
        Some(record)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_in_comes_out() {
        let mut batch = Batch::default();
        assert!(batch.push(b"one") && batch.push(b"") && batch.push(&[7; 300]));
        assert!(!batch.push(&[0; 1 << 16]));
        let (bytes, count) = batch.take();
        assert!(batch.is_empty() && count == 3);
        let found: Vec<&[u8]> = records(&bytes).collect();
        assert_eq!(found, [&b"one"[..], b"", &[7; 300]]);
        assert_eq!(records(&bytes[..bytes.len() - 1]).count(), 2);
    }
}
