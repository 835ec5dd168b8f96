//! A function under construction.

use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{FuncRef, InstBuilder, MemFlags, Value as Reg, types};
use cranelift_frontend::{FuncInstBuilder, FunctionBuilder};
use cranelift_jit::JITModule;
use cranelift_module::{DataDescription, FuncId, Linkage, Module};
use iotq_lang::ir::{Expr, ExprKind};
use iotq_probes::catalogue::{Layer, Type};

use super::Unsupported;
use super::entry::{Helper, Kind, ROOM};
use super::number::Int;
use super::range::Form;
use super::text::Place;
use super::value::{Data, Val};
use crate::Clock;

/// Emits the code of one expression.
pub(super) struct Emitter<'a> {
    pub builder: FunctionBuilder<'a>,
    pub module: &'a mut JITModule,
    /// In the order of [`Helper`].
    pub helpers: &'a [FuncId],
    /// Those that this function calls.
    pub calls: Vec<(Helper, FuncRef)>,
    /// What it reads records of.
    pub layer: &'static Layer,
    /// Bytes of them.
    pub length: usize,
    pub clock: Clock,
    /// The place of the record.
    pub record: Reg,
    /// The place of the room for texts.
    pub room: Reg,
    /// Bytes of it that are taken.
    pub taken: usize,
}

impl<'a> Emitter<'a> {
    /// Where instructions go.
    pub fn ins<'short>(&'short mut self) -> FuncInstBuilder<'short, 'a> {
        self.builder.ins()
    }

    /// The value of an expression.
    pub fn value(&mut self, expr: &Expr) -> Result<Val, Unsupported> {
        match &expr.kind {
            ExprKind::Const(value) => Ok(self.constant(value)),
            ExprKind::Field(field) => self.field(*field),
            ExprKind::Member(bit) => self.member(*bit),
            ExprKind::Arith(op, left, right) => {
                let (left, right) = (self.value(left)?, self.value(right)?);
                Ok(self.arith(*op, &left, &right, expr.ty == Type::Float))
            }
            ExprKind::Neg(inner) => {
                let inner = self.value(inner)?;
                Ok(self.negative(&inner))
            }
            ExprKind::Call(function, args) => self.function(*function, args),
            _ => {
                let truth = self.truth(expr)?;
                Ok(Val::when(truth.known, Data::Bool(truth.holds)))
            }
        }
    }

    /// Ends the function with a value in the cell, and whether it is there.
    pub fn finish_value(&mut self, expr: &Expr, cell: Reg) -> Result<Kind, Unsupported> {
        let value = self.value(expr)?;
        let (first, second) = match &value.data {
            Data::Null => (None, None),
            Data::Bool(flag) => (Some(self.ins().uextend(types::I64, *flag)), None),
            Data::Int(int) => {
                let (low, high) = self.halves(*int);
                (Some(low), Some(high))
            }
            Data::Float(float) => {
                let flags = MemFlags::new();
                (Some(self.ins().bitcast(types::I64, flags, *float)), None)
            }
            Data::Text(text) => {
                let Place(start, length, _) = self.place(text)?;
                (Some(start), Some(length))
            }
            Data::File(dev, inode) => (Some(*dev), Some(*inode)),
        };
        let flags = MemFlags::trusted();
        for (half, at) in [(first, 0), (second, 8)] {
            if let Some(half) = half {
                self.ins().store(flags, half, cell, at);
            }
        }
        let known = self.whether(&value);
        self.ins().return_(&[known]);
        Ok(value.data.kind())
    }

    fn halves(&mut self, int: Int) -> (Reg, Reg) {
        match int.range.form() {
            Form::Wide => self.ins().isplit(int.value),
            Form::Signed => {
                let sign = self.ins().sshr_imm(int.value, 63);
                (int.value, sign)
            }
            Form::Unsigned => (int.value, self.word_of(0)),
        }
    }

    fn member(&mut self, bit: u8) -> Result<Val, Unsupported> {
        let Some(mask) = 1u64.checked_shl(bit.into()) else {
            return Ok(Val::sure(Data::Bool(self.flag(false))));
        };
        let members = self.load(types::I64, crate::record::MEMBERS)?;
        let set = self.ins().band_imm(members, mask as i64);
        let set = self.ins().icmp_imm(IntCC::NotEqual, set, 0);
        Ok(Val::sure(Data::Bool(set)))
    }

    /// A constant of 0 or 1.
    pub fn flag(&mut self, value: bool) -> Reg {
        self.ins().iconst(types::I8, i64::from(value))
    }

    /// A constant of 64 bits.
    pub fn word_of(&mut self, value: i64) -> Reg {
        self.ins().iconst(types::I64, value)
    }

    /// 1 where both are; what is none is always 1.
    pub fn both(&mut self, one: Option<Reg>, other: Option<Reg>) -> Option<Reg> {
        match (one, other) {
            (Some(one), Some(other)) => Some(self.ins().band(one, other)),
            (one, other) => one.or(other),
        }
    }

    /// The value, null where `known` is 0, too.
    pub fn also(&mut self, value: Val, known: Option<Reg>) -> Val {
        let known = self.both(value.known, known);
        Val::when(known, value.data)
    }

    /// Calls one of ours. Those without a result give a value that nobody reads.
    pub fn call(&mut self, helper: Helper, args: &[Reg]) -> Reg {
        let known = self.calls.iter().find(|(known, _)| *known == helper);
        let callee = match known {
            Some((_, callee)) => *callee,
            None => {
                let id = self.helpers[helper as usize];
                let callee = self.module.declare_func_in_func(id, self.builder.func);
                self.calls.push((helper, callee));
                callee
            }
        };
        let call = self.ins().call(callee, args);
        let result = self.builder.inst_results(call).first().copied();
        result.unwrap_or_else(|| self.word_of(0))
    }

    /// The place of bytes that live as long as the code.
    pub fn constant_bytes(&mut self, bytes: &[u8]) -> Result<Reg, Unsupported> {
        // Not `Local`: it would be addressed relative to the code, which may be too far away.
        let linkage = Linkage::Preemptible;
        let name = format!(
            "data{}",
            self.module.declarations().get_data_objects().count()
        );
        let id = self.module.declare_data(&name, linkage, false, false)?;
        let mut data = DataDescription::new();
        data.define(bytes.into());
        data.set_align(16);
        self.module.define_data(id, &data)?;
        let data = self.module.declare_data_in_func(id, self.builder.func);
        Ok(self.ins().symbol_value(types::I64, data))
    }

    /// The place of so many bytes for a text.
    pub fn take_room(&mut self, bytes: usize) -> Result<Reg, Unsupported> {
        let at = self.taken;
        self.taken += bytes;
        if self.taken > ROOM {
            return Err(Unsupported::LongTexts);
        }
        let room = self.room;
        Ok(self.ins().iadd_imm(room, at as i64))
    }
}
