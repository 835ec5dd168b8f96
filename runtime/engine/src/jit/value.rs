//! Values in a function under construction, and how they come out of a record.

use std::rc::Rc;

use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{InstBuilder, MemFlags, Type as Register, Value as Reg, types};
use iotq_lang::ir::FieldRef;
use iotq_lang::value::Const;
use iotq_probes::catalogue::{Slot, Type};

use super::Unsupported;
use super::emit::Emitter;
use super::entry::Kind;
use super::number::Int;
use super::range::Range;

/// A value: what it is made of, and whether it is there.
#[derive(Clone, Debug)]
pub(super) struct Val {
    /// 1 where there is a value, 0 where it is null; none if there always is.
    pub known: Option<Reg>,
    /// Anything where it is null, but nothing that traps or points astray.
    pub data: Data,
    /// The integer that it has where it is null, if that is above all others that it can be.
    pub null: Option<u64>,
}

/// What a value is made of.
#[derive(Clone, Debug)]
pub(super) enum Data {
    /// Never there.
    Null,
    /// 0 or 1.
    Bool(Reg),
    /// Every integer type.
    Int(Int),
    /// Finite, if it is not a constant.
    Float(Reg),
    Text(Text),
    /// Device and inode, as unsigned words.
    File(Reg, Reg),
}

/// Where a text lies.
#[derive(Clone, Debug)]
pub(super) enum Text {
    /// So many bytes that end at the first NUL, in the record or in the room; null if empty.
    Field(Reg, usize),
    /// Known.
    Const(Rc<[u8]>),
    /// Anywhere: place, length, and the most that the length can be.
    At(Reg, Reg, usize),
}

impl Val {
    pub const NULL: Val = Val {
        known: None,
        data: Data::Null,
        null: None,
    };

    /// One that is always there.
    pub fn sure(data: Data) -> Self {
        Self::when(None, data)
    }

    /// One that is there where `known` is 1.
    pub fn when(known: Option<Reg>, data: Data) -> Self {
        Self {
            known,
            data,
            null: None,
        }
    }

    pub fn int(value: Reg, range: Range, known: Option<Reg>) -> Self {
        Self::when(known, Data::Int(Int { value, range }))
    }
}

impl Data {
    pub fn kind(&self) -> Kind {
        match self {
            Data::Null => Kind::Null,
            Data::Bool(_) => Kind::Bool,
            Data::Int(_) => Kind::Int,
            Data::Float(_) => Kind::Float,
            Data::Text(_) => Kind::Text,
            Data::File(..) => Kind::File,
        }
    }
}

impl Emitter<'_> {
    pub fn constant(&mut self, value: &Const) -> Val {
        Val::sure(match value {
            Const::Bool(value) => Data::Bool(self.flag(*value)),
            Const::Int(value) => Data::Int(self.int(*value)),
            Const::Float(value) => Data::Float(self.ins().f64const(*value)),
            Const::Text(text) => Data::Text(Text::Const(text.as_bytes().into())),
        })
    }

    pub fn field(&mut self, field: FieldRef) -> Result<Val, Unsupported> {
        if field.source != 0 || field.layer.id != self.layer.id {
            return Err(Unsupported::OtherRecord);
        }
        let Some(slot) = field.field.slot else {
            return Ok(Val::NULL);
        };
        Ok(match slot {
            Slot::Uint {
                offset,
                width,
                nullable,
            } => self.unsigned(field.field.ty, offset, width, nullable)?,
            Slot::Int { offset } => {
                let value = self.load(types::I64, offset)?;
                Val::int(value, Range::new(i64::MIN.into(), i64::MAX.into()), None)
            }
            Slot::Bit {
                offset,
                width,
                mask,
            } => {
                let word = self.word(offset, width)?;
                let bit = self.ins().band_imm(word, mask as i64);
                Val::sure(Data::Bool(self.ins().icmp_imm(IntCC::NotEqual, bit, 0)))
            }
            Slot::Text { offset, len } => {
                self.within(offset + len)?;
                let first = self.load(types::I8, offset)?;
                let known = self.ins().icmp_imm(IntCC::NotEqual, first, 0);
                let record = self.record;
                let start = self.ins().iadd_imm(record, offset as i64);
                Val::when(Some(known), Data::Text(Text::Field(start, len)))
            }
            Slot::File { dev, inode } => {
                let (dev, inode) = (self.word(dev, 4)?, self.word(inode, 8)?);
                let known = self.ins().icmp_imm(IntCC::NotEqual, inode, -1);
                Val::when(Some(known), Data::File(dev, inode))
            }
        })
    }

    fn unsigned(
        &mut self,
        ty: Type,
        offset: usize,
        width: usize,
        nullable: bool,
    ) -> Result<Val, Unsupported> {
        let word = self.word(offset, width)?;
        let ones = u64::MAX >> (64 - 8 * width);
        let known = nullable.then(|| self.ins().icmp_imm(IntCC::NotEqual, word, ones as i64));
        let range = Range::new(0, i128::from(ones) - i128::from(nullable));
        if ty != Type::Time {
            let null = nullable.then_some(ones);
            let value = Val::int(word, range, known);
            return Ok(Val { null, ..value });
        }
        let (moment, shift) = (Int { value: word, range }, self.clock.mono_to_wall_ns);
        let shift = self.int(shift.into());
        let mut moment = self.add(moment, shift);
        moment.known = known;
        Ok(moment)
    }

    /// An unsigned number of so many bytes, as a word.
    fn word(&mut self, offset: usize, width: usize) -> Result<Reg, Unsupported> {
        let narrow = match width {
            1 => types::I8,
            2 => types::I16,
            4 => types::I32,
            8 => return self.load(types::I64, offset),
            _ => return Err(Unsupported::Slot),
        };
        let value = self.load(narrow, offset)?;
        Ok(self.ins().uextend(types::I64, value))
    }

    /// Reads the record: where the ring has it, which need not be aligned.
    pub fn load(&mut self, ty: Register, offset: usize) -> Result<Reg, Unsupported> {
        self.within(offset + ty.bytes() as usize)?;
        let offset = i32::try_from(offset).map_err(|_| Unsupported::Slot)?;
        let flags = MemFlags::new().with_notrap().with_readonly();
        let record = self.record;
        Ok(self.ins().load(ty, flags, record, offset))
    }

    /// Refuses what ends behind the record.
    fn within(&self, end: usize) -> Result<(), Unsupported> {
        if end > self.length {
            return Err(Unsupported::Slot);
        }
        Ok(())
    }

    /// One of two values of a kind, the first where `first` is 1.
    pub fn choose(&mut self, first: Reg, one: &Val, other: &Val) -> Result<Val, Unsupported> {
        let data = match (&one.data, &other.data) {
            (data, Data::Null) | (Data::Null, data) => data.clone(),
            (Data::Bool(one), Data::Bool(other)) => {
                Data::Bool(self.ins().select(first, *one, *other))
            }
            (Data::Float(one), Data::Float(other)) => {
                Data::Float(self.ins().select(first, *one, *other))
            }
            (Data::File(dev, inode), Data::File(other, same)) => Data::File(
                self.ins().select(first, *dev, *other),
                self.ins().select(first, *inode, *same),
            ),
            (Data::Int(one), Data::Int(other)) => {
                let range = one.range.union(other.range);
                let one = self.in_form(*one, range.form());
                let other = self.in_form(*other, range.form());
                let value = self.ins().select(first, one, other);
                Data::Int(Int { value, range })
            }
            (Data::Text(one), Data::Text(other)) => {
                let (one, other) = (self.place(one)?, self.place(other)?);
                Data::Text(Text::At(
                    self.ins().select(first, one.0, other.0),
                    self.ins().select(first, one.1, other.1),
                    one.2.max(other.2),
                ))
            }
            _ => return Err(Unsupported::Mixed),
        };
        let (one, other) = (self.whether(one), self.whether(other));
        let known = self.ins().select(first, one, other);
        Ok(Val::when(Some(known), data))
    }

    /// 1 where there is a value.
    pub fn whether(&mut self, value: &Val) -> Reg {
        match (&value.data, value.known) {
            (Data::Null, _) => self.flag(false),
            (_, Some(known)) => known,
            (_, None) => self.flag(true),
        }
    }
}
