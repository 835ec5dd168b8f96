//! Choices out of bytes: what a fuzzer changes, or a generator of random bytes, becomes another expression or record.

/// Bytes that are read once, from the front; zeros follow them.
#[derive(Clone, Debug)]
pub struct Tape<'a>(&'a [u8]);

impl<'a> Tape<'a> {
    /// All of the bytes.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// The next so many bytes.
    pub fn bytes<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        let there = self.0.len().min(N);
        let (read, rest) = self.0.split_at(there);
        bytes[..there].copy_from_slice(read);
        self.0 = rest;
        bytes
    }

    /// As many of the next bytes as there are, and not more than so many.
    pub fn take(&mut self, most: usize) -> &'a [u8] {
        let (read, rest) = self.0.split_at(self.0.len().min(most));
        self.0 = rest;
        read
    }

    /// A number below a bound.
    pub fn below(&mut self, bound: usize) -> usize {
        let [byte] = self.bytes();
        usize::from(byte) % bound.max(1)
    }

    /// One of them.
    pub fn pick<'b, T>(&mut self, list: &'b [T]) -> &'b T {
        &list[self.below(list.len())]
    }

    /// True half of the time.
    pub fn coin(&mut self) -> bool {
        self.below(2) == 1
    }

    /// Whether all bytes are read.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
