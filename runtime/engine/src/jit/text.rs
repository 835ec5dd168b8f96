//! Texts: those of fields a word at a time, in place; whatever else with a call.

use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{InstBuilder, MemFlags, Type, Value as Reg, types};

use super::Unsupported;
use super::condition::Truth;
use super::emit::Emitter;
use super::entry::Helper;
use super::range::Range;
use super::value::{Data, Text, Val};

/// Where a text lies, how long it is, and the most that this can be.
pub(super) struct Place(pub Reg, pub Reg, pub usize);

/// Fields of more bytes are left to calls.
const SHORT: usize = 32;

/// A byte in each of a word.
const fn each(byte: u8) -> i64 {
    i64::from_ne_bytes([byte; 8])
}

impl Emitter<'_> {
    /// Where a text lies.
    pub fn place(&mut self, text: &Text) -> Result<Place, Unsupported> {
        Ok(match text {
            Text::At(start, length, most) => Place(*start, *length, *most),
            Text::Const(bytes) => {
                let start = self.constant_bytes(bytes)?;
                Place(start, self.word_of(bytes.len() as i64), bytes.len())
            }
            Text::Field(start, size) => Place(*start, self.field_length(*start, *size), *size),
        })
    }

    /// Reads bytes of a text.
    fn bytes(&mut self, ty: Type, start: Reg, at: usize) -> Reg {
        let flags = MemFlags::new().with_notrap();
        self.ins().load(ty, flags, start, at as i32)
    }

    /// Bytes before the first NUL.
    fn field_length(&mut self, start: Reg, size: usize) -> Reg {
        if !in_words(size) || cfg!(target_endian = "big") {
            let most = self.word_of(size as i64);
            return self.call(Helper::Length, &[start, most]);
        }
        let mut length = self.word_of(0);
        for at in (0..size).step_by(8).rev() {
            let word = self.bytes(types::I64, start, at);
            // The lowest byte that borrows is the first NUL: its highest bit is set, and those of lower bytes are not.
            let lent = self.ins().iadd_imm(word, -each(1));
            let lent = self.ins().band_not(lent, word);
            let zeros = self.ins().band_imm(lent, each(0x80));
            let bits = self.ins().ctz(zeros);
            let bytes = self.ins().ushr_imm(bits, 3);
            let longer = self.ins().iadd_imm(length, 8);
            let full = self.ins().icmp_imm(IntCC::Equal, zeros, 0);
            length = self.ins().select(full, longer, bytes);
        }
        length
    }

    /// 1 where both texts are the same.
    pub fn same_text(&mut self, left: &Text, right: &Text) -> Result<Reg, Unsupported> {
        match (left, right) {
            (Text::Const(left), Text::Const(right)) => Ok(self.flag(left == right)),
            (Text::Field(start, size), Text::Const(text))
            | (Text::Const(text), Text::Field(start, size)) => {
                Ok(self.field_is(*start, *size, text))
            }
            _ => {
                let order = self.text_order(left, right)?;
                Ok(self.ins().icmp_imm(IntCC::Equal, order, 0))
            }
        }
    }

    /// 1 where a field is a text.
    fn field_is(&mut self, start: Reg, size: usize, text: &[u8]) -> Reg {
        if text.is_empty() || text.len() > size || text.contains(&0) {
            return self.flag(false);
        }
        let mut whole = text.to_vec();
        if text.len() < size {
            whole.push(0);
        }
        self.field_has(start, size, &whole)
    }

    /// 1 where a field ends with a text.
    fn field_ends(&mut self, start: Reg, size: usize, text: &[u8]) -> Reg {
        if text.len() > size || text.contains(&0) {
            return self.flag(false);
        }
        let length = self.field_length(start, size);
        let before = self.ins().iadd_imm(length, -(text.len() as i64));
        let long = self
            .ins()
            .icmp_imm(IntCC::SignedGreaterThanOrEqual, before, 0);
        let zero = self.word_of(0);
        let before = self.ins().select(long, before, zero);
        let end = self.ins().iadd(start, before);
        let same = self.field_has(end, text.len(), text);
        self.ins().band(long, same)
    }

    /// 1 where there are these bytes, not more than `size`.
    fn field_has(&mut self, start: Reg, size: usize, wanted: &[u8]) -> Reg {
        let (mut differs, mut done) = (self.word_of(0), 0);
        while done < wanted.len() {
            let (bytes, part) = self.differing(start, done, size, &wanted[done..]);
            differs = self.ins().bor(differs, part);
            done += bytes;
        }
        self.ins().icmp_imm(IntCC::Equal, differs, 0)
    }

    /// Compares the first of these bytes: how many, and zero where they are the same.
    fn differing(&mut self, start: Reg, at: usize, size: usize, wanted: &[u8]) -> (usize, Reg) {
        if at + 8 > size {
            let byte = self.bytes(types::I8, start, at);
            let byte = self.ins().uextend(types::I64, byte);
            return (1, self.ins().bxor_imm(byte, i64::from(wanted[0])));
        }
        let (mut bytes, mut mask) = ([0; 8], [0; 8]);
        let length = wanted.len().min(8);
        bytes[..length].copy_from_slice(&wanted[..length]);
        mask[..length].fill(0xff);
        let mut word = self.bytes(types::I64, start, at);
        if length < 8 {
            word = self.ins().band_imm(word, i64::from_ne_bytes(mask));
        }
        let differs = self.ins().bxor_imm(word, i64::from_ne_bytes(bytes));
        (length, differs)
    }

    /// Less than zero, zero, or more.
    pub fn text_order(&mut self, left: &Text, right: &Text) -> Result<Reg, Unsupported> {
        let (left, right) = (self.place(left)?, self.place(right)?);
        Ok(self.call(Helper::Compare, &[left.0, left.1, right.0, right.1]))
    }

    /// Whether a text matches a glob; null if it is no text.
    pub fn glob(&mut self, value: &Val, glob: &str) -> Result<Truth, Unsupported> {
        let known = value.known;
        let Data::Text(text) = &value.data else {
            return Ok(self.never());
        };
        let plain = |text: &str| !text.contains(['*', '?']);
        let (prefix, suffix) = (glob.strip_suffix('*'), glob.strip_prefix('*'));
        let holds = match (text, prefix, suffix) {
            (&Text::Field(start, size), ..) if plain(glob) => {
                self.field_is(start, size, glob.as_bytes())
            }
            (&Text::Field(start, size), Some(prefix), _)
                if plain(prefix) && prefix.len() <= size && !prefix.contains('\0') =>
            {
                self.field_has(start, size, prefix.as_bytes())
            }
            (&Text::Field(start, size), _, Some(suffix)) if plain(suffix) => {
                self.field_ends(start, size, suffix.as_bytes())
            }
            _ => {
                let Place(start, length, _) = self.place(text)?;
                let size = self.word_of(glob.len() as i64);
                let glob = self.constant_bytes(glob.as_bytes())?;
                self.call(Helper::Glob, &[glob, size, start, length])
            }
        };
        Ok(Truth::when(known, holds))
    }

    /// `lower(text)`
    pub fn lower(&mut self, value: &Val) -> Result<Val, Unsupported> {
        let Data::Text(text) = &value.data else {
            return Ok(Val::NULL);
        };
        let text = match text {
            Text::Const(text) => Text::Const(text.to_ascii_lowercase().into()),
            &Text::Field(start, size) if in_words(size) => {
                let made = self.take_room(size)?;
                for at in (0..size).step_by(8) {
                    let word = self.bytes(types::I64, start, at);
                    let word = self.lower_word(word);
                    let flags = MemFlags::new().with_notrap();
                    self.ins().store(flags, word, made, at as i32);
                }
                Text::Field(made, size)
            }
            _ => {
                let Place(start, length, most) = self.place(text)?;
                let made = self.take_room(most)?;
                self.call(Helper::Lower, &[start, length, made]);
                Text::At(made, length, most)
            }
        };
        Ok(Val::when(value.known, Data::Text(text)))
    }

    /// The word with small letters. Sums of seven bits stay in their bytes; the eighth says which letters are large.
    fn lower_word(&mut self, word: Reg) -> Reg {
        let low = self.ins().band_imm(word, each(0x7f));
        let from_a = self.ins().iadd_imm(low, each(0x80 - b'A'));
        let above_z = self.ins().iadd_imm(low, each(0x7f - b'Z'));
        let large = self.ins().bxor(from_a, above_z);
        let large = self.ins().band_not(large, word);
        let large = self.ins().band_imm(large, each(0x80));
        let bit = self.ins().ushr_imm(large, 2);
        self.ins().bor(word, bit)
    }

    /// `length(text)`
    pub fn length(&mut self, value: &Val) -> Result<Val, Unsupported> {
        let Data::Text(text) = &value.data else {
            return Ok(Val::NULL);
        };
        let Place(_, length, most) = self.place(text)?;
        Ok(Val::int(length, Range::new(0, most as i128), value.known))
    }
}

fn in_words(size: usize) -> bool {
    size.is_multiple_of(8) && size <= SHORT
}
