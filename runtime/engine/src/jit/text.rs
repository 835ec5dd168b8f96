//! Texts: compared in place with what is known, a word at a time; whatever else with a call.

use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{InstBuilder, Value as Reg, types};

use super::Unsupported;
use super::condition::Truth;
use super::emit::Emitter;
use super::entry::Helper;
use super::range::Range;
use super::value::{Data, Text, Val};

/// Where a text lies, how long it is, and the most that this can be.
pub(super) struct Place(pub Reg, pub Reg, pub usize);

impl Emitter<'_> {
    /// Where a text lies.
    pub fn place(&mut self, text: &Text) -> Result<Place, Unsupported> {
        Ok(match text {
            Text::At(start, length, most) => Place(*start, *length, *most),
            Text::Const(bytes) => {
                let start = self.constant_bytes(bytes)?;
                Place(start, self.word_of(bytes.len() as i64), bytes.len())
            }
            Text::Field { at, size } => {
                let record = self.record;
                let start = self.ins().iadd_imm(record, *at as i64);
                Place(start, self.field_length(*at, *size)?, *size)
            }
        })
    }

    /// Bytes before the first NUL.
    fn field_length(&mut self, at: usize, size: usize) -> Result<Reg, Unsupported> {
        if !size.is_multiple_of(8) || size > 32 || cfg!(target_endian = "big") {
            let record = self.record;
            let start = self.ins().iadd_imm(record, at as i64);
            let most = self.word_of(size as i64);
            return Ok(self.call(Helper::Length, &[start, most]));
        }
        let mut length = self.word_of(0);
        for at in (at..at + size).step_by(8).rev() {
            let word = self.load(types::I64, at)?;
            // The lowest byte that borrows is the first NUL: its highest bit is set, and those of lower bytes are not.
            let lent = self.ins().iadd_imm(word, -0x0101_0101_0101_0101);
            let lent = self.ins().band_not(lent, word);
            let zeros = self.ins().band_imm(lent, 0x8080_8080_8080_8080_u64 as i64);
            let bits = self.ins().ctz(zeros);
            let bytes = self.ins().ushr_imm(bits, 3);
            let longer = self.ins().iadd_imm(length, 8);
            let full = self.ins().icmp_imm(IntCC::Equal, zeros, 0);
            length = self.ins().select(full, longer, bytes);
        }
        Ok(length)
    }

    /// 1 where both texts are the same.
    pub fn same_text(&mut self, left: &Text, right: &Text) -> Result<Reg, Unsupported> {
        match (left, right) {
            (Text::Const(left), Text::Const(right)) => Ok(self.flag(left == right)),
            (Text::Field { at, size }, Text::Const(text))
            | (Text::Const(text), Text::Field { at, size }) => {
                self.field_begins(*at, *size, text, true)
            }
            _ => {
                let order = self.text_order(left, right)?;
                Ok(self.ins().icmp_imm(IntCC::Equal, order, 0))
            }
        }
    }

    /// 1 where a field begins with a text, and, if it is the `whole`, ends with it.
    fn field_begins(
        &mut self,
        at: usize,
        size: usize,
        text: &[u8],
        whole: bool,
    ) -> Result<Reg, Unsupported> {
        let mut wanted = text.to_vec();
        if text.len() > size || text.contains(&0) || (whole && text.is_empty()) {
            return Ok(self.flag(false));
        }
        if whole && text.len() < size {
            wanted.push(0);
        }
        let (mut differs, mut done) = (self.word_of(0), 0);
        while done < wanted.len() {
            let (bytes, part) = self.differing(at + done, size - done, &wanted[done..])?;
            differs = self.ins().bor(differs, part);
            done += bytes;
        }
        Ok(self.ins().icmp_imm(IntCC::Equal, differs, 0))
    }

    /// Compares the first bytes of `wanted` with a field of which `left` bytes are left: how many, and zero where they
    /// are the same.
    fn differing(
        &mut self,
        at: usize,
        left: usize,
        wanted: &[u8],
    ) -> Result<(usize, Reg), Unsupported> {
        if left < 8 {
            let byte = self.load(types::I8, at)?;
            let byte = self.ins().uextend(types::I64, byte);
            return Ok((1, self.ins().bxor_imm(byte, i64::from(wanted[0]))));
        }
        let (mut bytes, mut mask) = ([0; 8], [0; 8]);
        let length = wanted.len().min(8);
        bytes[..length].copy_from_slice(&wanted[..length]);
        mask[..length].fill(0xff);
        let mut word = self.load(types::I64, at)?;
        if length < 8 {
            word = self.ins().band_imm(word, i64::from_ne_bytes(mask));
        }
        Ok((length, self.ins().bxor_imm(word, i64::from_ne_bytes(bytes))))
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
            let flag = self.flag(false);
            let known = Some(flag);
            return Ok(Truth { known, holds: flag });
        };
        let plain = |text: &str| !text.contains(['*', '?']);
        let holds = match (text, glob.strip_suffix('*')) {
            (Text::Field { at, size }, Some(prefix)) if plain(prefix) => {
                self.field_begins(*at, *size, prefix.as_bytes(), false)?
            }
            (Text::Field { at, size }, None) if plain(glob) => {
                self.field_begins(*at, *size, glob.as_bytes(), true)?
            }
            _ => {
                let Place(start, length, _) = self.place(text)?;
                let size = self.word_of(glob.len() as i64);
                let glob = self.constant_bytes(glob.as_bytes())?;
                self.call(Helper::Glob, &[glob, size, start, length])
            }
        };
        Ok(Truth { known, holds })
    }

    /// `lower(text)`
    pub fn lower(&mut self, value: &Val) -> Result<Val, Unsupported> {
        let Data::Text(text) = &value.data else {
            return Ok(Val::NULL);
        };
        let text = match text {
            Text::Const(text) => Text::Const(text.to_ascii_lowercase().into()),
            _ => {
                let Place(start, length, most) = self.place(text)?;
                let made = self.take_room(most)?;
                self.call(Helper::Lower, &[start, length, made]);
                Text::At(made, length, most)
            }
        };
        Ok(Val::when(value.known, Data::Text(text)))
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
