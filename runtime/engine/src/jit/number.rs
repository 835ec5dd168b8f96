//! Arithmetic: in 64 bits where the ranges allow it, else in 128, and with a call where that could overflow.

use cranelift_codegen::ir::Value as Reg;
use cranelift_codegen::ir::condcodes::{FloatCC, IntCC};
use cranelift_codegen::ir::{InstBuilder, MemFlags, StackSlotData, StackSlotKind, types};
use iotq_lang::ir::ArithOp;

use super::Unsupported;
use super::emit::Emitter;
use super::entry::Helper;
use super::range::{Form, Range};
use super::value::{Data, Val};

/// An integer, in the form of its range.
#[derive(Clone, Copy, Debug)]
pub(super) struct Int {
    pub value: Reg,
    pub range: Range,
}

impl Emitter<'_> {
    /// A constant.
    pub fn int(&mut self, value: i128) -> Int {
        let range = Range::only(value);
        let low = self.word_of(value as i64);
        let value = match range.form() {
            Form::Signed | Form::Unsigned => low,
            Form::Wide => {
                let high = self.word_of((value >> 64) as i64);
                self.ins().iconcat(low, high)
            }
        };
        Int { value, range }
    }

    /// The number in the form that a result has; what does not fit is cut off.
    pub fn in_form(&mut self, int: Int, form: Form) -> Reg {
        match (int.range.form(), form) {
            (Form::Wide, Form::Wide) => int.value,
            (Form::Wide, _) => self.ins().ireduce(types::I64, int.value),
            (Form::Signed, Form::Wide) => self.ins().sextend(types::I128, int.value),
            (Form::Unsigned, Form::Wide) => self.ins().uextend(types::I128, int.value),
            _ => int.value,
        }
    }

    /// `left op right`; with `fraction`, integers are divided as fractions, too.
    pub fn arith(&mut self, op: ArithOp, left: &Val, right: &Val, fraction: bool) -> Val {
        let known = self.both(left.known, right.known);
        let result = match (&left.data, &right.data) {
            (Data::Int(left), Data::Int(right)) if !fraction => match op {
                ArithOp::Add => self.add(*left, *right),
                ArithOp::Sub => self.sub(*left, *right),
                ArithOp::Mul => self.mul(*left, *right),
                ArithOp::Div => self.div(*left, *right),
                ArithOp::Rem => self.rem(*left, *right),
            },
            (left, right) => match (self.float(left), self.float(right)) {
                (Some(left), Some(right)) => self.floats(op, left, right),
                _ => Val::NULL,
            },
        };
        self.also(result, known)
    }

    pub fn add(&mut self, left: Int, right: Int) -> Val {
        let Some(range) = left.range.add(right.range) else {
            return self.called(Helper::Add, left, right);
        };
        let (left, right) = self.pair(left, right, range.form());
        Val::int(self.ins().iadd(left, right), range, None)
    }

    fn sub(&mut self, left: Int, right: Int) -> Val {
        let Some(range) = left.range.sub(right.range) else {
            return self.called(Helper::Sub, left, right);
        };
        let (left, right) = self.pair(left, right, range.form());
        Val::int(self.ins().isub(left, right), range, None)
    }

    fn mul(&mut self, left: Int, right: Int) -> Val {
        let Some(range) = left.range.mul(right.range) else {
            return self.called(Helper::Mul, left, right);
        };
        let (left, right) = self.pair(left, right, range.form());
        Val::int(self.ins().imul(left, right), range, None)
    }

    fn div(&mut self, left: Int, right: Int) -> Val {
        let range = left.range.div(right.range);
        match (self.divisible(left, right), range) {
            (Some(Form::Unsigned), Some(range)) => {
                let (divisor, known) = self.divisor(right);
                Val::int(self.ins().udiv(left.value, divisor), range, known)
            }
            (Some(_), Some(range)) if range.form() == Form::Signed => {
                let (quotient, known) = self.signed_quotient(left.value, right);
                Val::int(quotient, range, known)
            }
            _ => self.called(Helper::Div, left, right),
        }
    }

    fn rem(&mut self, left: Int, right: Int) -> Val {
        let range = left.range.rem(right.range);
        match (self.divisible(left, right), range) {
            (Some(Form::Unsigned), Some(range)) => {
                let (divisor, known) = self.divisor(right);
                Val::int(self.ins().urem(left.value, divisor), range, known)
            }
            (Some(_), Some(range)) => {
                let (divisor, known) = self.divisor(right);
                Val::int(self.ins().srem(left.value, divisor), range, known)
            }
            _ => self.called(Helper::Rem, left, right),
        }
    }

    /// `bucket(x, width)`: rounded down to a multiple of a width above zero.
    pub fn bucket(&mut self, value: &Val, width: &Val) -> Val {
        let known = self.both(value.known, width.known);
        let result = match (&value.data, &width.data) {
            (Data::Int(value), Data::Int(width)) => self.int_bucket(*value, *width),
            (value, width) => match (self.float(value), self.float(width)) {
                (Some(value), Some(width)) => {
                    let zero = self.ins().f64const(0.0);
                    let above = self.ins().fcmp(FloatCC::GreaterThan, width, zero);
                    let quotient = self.ins().fdiv(value, width);
                    let floor = self.call(Helper::Floor, &[quotient]);
                    let result = self.ins().fmul(floor, width);
                    let result = self.finite(result);
                    self.also(result, Some(above))
                }
                _ => Val::NULL,
            },
        };
        self.also(result, known)
    }

    fn int_bucket(&mut self, value: Int, width: Int) -> Val {
        let range = value.range.bucket(width.range);
        match (self.divisible(value, width), range) {
            (Some(Form::Unsigned), Some(range)) => {
                let (divisor, known) = self.divisor(width);
                let above = self.ins().urem(value.value, divisor);
                Val::int(self.ins().isub(value.value, above), range, known)
            }
            (Some(_), Some(range)) if range.form() == Form::Signed && width.range.low > 0 => {
                let (divisor, known) = self.divisor(width);
                let above = self.ins().srem(value.value, divisor);
                let next = self.ins().iadd(above, divisor);
                let below = self.ins().icmp_imm(IntCC::SignedLessThan, above, 0);
                let above = self.ins().select(below, next, above);
                Val::int(self.ins().isub(value.value, above), range, known)
            }
            _ => self.called(Helper::Bucket, value, width),
        }
    }

    /// `-x`
    pub fn negative(&mut self, value: &Val) -> Val {
        let result = match &value.data {
            Data::Int(int) => {
                let zero = self.int(0);
                self.sub(zero, *int)
            }
            Data::Float(float) => {
                let negative = self.ins().fneg(*float);
                self.finite(negative)
            }
            _ => Val::NULL,
        };
        self.also(result, value.known)
    }

    /// `abs(x)`
    pub fn absolute(&mut self, value: &Val) -> Result<Val, Unsupported> {
        let result = match &value.data {
            Data::Int(int) if int.range.low >= 0 => return Ok(value.clone()),
            Data::Int(int) => {
                let (int, zero) = (*int, self.int(0));
                let negative = self.sub(zero, int);
                let (left, right) = (self.widen(int), self.widen(zero));
                let below = self.ins().icmp(IntCC::SignedLessThan, left, right);
                let positive = Val::sure(Data::Int(int));
                self.choose(below, &negative, &positive)?
            }
            Data::Float(float) => {
                let positive = self.ins().fabs(*float);
                self.finite(positive)
            }
            _ => Val::NULL,
        };
        Ok(self.also(result, value.known))
    }

    /// The number as a fraction; none if it is no number.
    pub fn float(&mut self, data: &Data) -> Option<Reg> {
        Some(match data {
            Data::Float(value) => *value,
            Data::Int(int) => match int.range.form() {
                Form::Signed => self.ins().fcvt_from_sint(types::F64, int.value),
                Form::Unsigned => self.ins().fcvt_from_uint(types::F64, int.value),
                Form::Wide => self.wide_float(*int),
            },
            _ => return None,
        })
    }

    /// Mostly 64 bits are enough for the number itself.
    fn wide_float(&mut self, int: Int) -> Reg {
        let (low, high) = self.ins().isplit(int.value);
        let sign = self.ins().sshr_imm(low, 63);
        let short = self.ins().icmp(IntCC::Equal, high, sign);
        let (then, long) = (self.builder.create_block(), self.builder.create_block());
        let done = self.builder.create_block();
        let result = self.builder.append_block_param(done, types::F64);
        self.ins().brif(short, then, &[], long, &[]);
        self.builder.switch_to_block(then);
        let float = self.ins().fcvt_from_sint(types::F64, low);
        self.ins().jump(done, &[float.into()]);
        self.builder.switch_to_block(long);
        let float = self.call(Helper::Float, &[low, high]);
        self.ins().jump(done, &[float.into()]);
        self.builder.switch_to_block(done);
        result
    }

    fn floats(&mut self, op: ArithOp, left: Reg, right: Reg) -> Val {
        let result = match op {
            ArithOp::Add => self.ins().fadd(left, right),
            ArithOp::Sub => self.ins().fsub(left, right),
            ArithOp::Mul => self.ins().fmul(left, right),
            ArithOp::Div => self.ins().fdiv(left, right),
            ArithOp::Rem => self.call(Helper::Modulo, &[left, right]),
        };
        self.finite(result)
    }

    /// Null where a result is not finite.
    fn finite(&mut self, value: Reg) -> Val {
        let size = self.ins().fabs(value);
        let infinite = self.ins().f64const(f64::INFINITY);
        let known = self.ins().fcmp(FloatCC::LessThan, size, infinite);
        Val::when(Some(known), Data::Float(value))
    }

    /// How to divide in 64 bits, if that can be.
    fn divisible(&self, left: Int, right: Int) -> Option<Form> {
        if left.range.is_unsigned() && right.range.is_unsigned() {
            Some(Form::Unsigned)
        } else {
            let signed = |int: Int| int.range.form() == Form::Signed;
            (signed(left) && signed(right)).then_some(Form::Signed)
        }
    }

    /// A divisor that does not trap, and where it is the one that was asked for. Whatever stands in the registers of nulls
    /// may come here, so that a range alone is no promise.
    fn divisor(&mut self, int: Int) -> (Reg, Option<Reg>) {
        if int.range.single().is_some_and(|only| only > 0) {
            return (int.value, None);
        }
        let one = self.word_of(1);
        let known = self.ins().icmp_imm(IntCC::NotEqual, int.value, 0);
        (self.ins().select(known, int.value, one), Some(known))
    }

    /// A division by -1 traps, too, where the negative does not fit.
    fn signed_quotient(&mut self, left: Reg, right: Int) -> (Reg, Option<Reg>) {
        let (divisor, known) = self.divisor(right);
        if known.is_none() {
            return (self.ins().sdiv(left, divisor), known);
        }
        let one = self.word_of(1);
        let turns = self.ins().icmp_imm(IntCC::Equal, divisor, -1);
        let divisor = self.ins().select(turns, one, divisor);
        let quotient = self.ins().sdiv(left, divisor);
        let negative = self.ins().ineg(left);
        (self.ins().select(turns, negative, quotient), known)
    }

    /// Both in one form.
    pub fn pair(&mut self, left: Int, right: Int, form: Form) -> (Reg, Reg) {
        (self.in_form(left, form), self.in_form(right, form))
    }

    pub fn widen(&mut self, int: Int) -> Reg {
        self.in_form(int, Form::Wide)
    }

    /// An operation that may have no result.
    fn called(&mut self, helper: Helper, left: Int, right: Int) -> Val {
        let slot = StackSlotData::new(StackSlotKind::ExplicitSlot, 16, 3);
        let slot = self.builder.create_sized_stack_slot(slot);
        let place = self.ins().stack_addr(types::I64, slot, 0);
        let (left, right) = (self.widen(left), self.widen(right));
        let (low, high) = self.ins().isplit(left);
        let (other_low, other_high) = self.ins().isplit(right);
        let known = self.call(helper, &[low, high, other_low, other_high, place]);
        let flags = MemFlags::trusted();
        let low = self.ins().load(types::I64, flags, place, 0);
        let high = self.ins().load(types::I64, flags, place, 8);
        Val::int(self.ins().iconcat(low, high), Range::ALL, Some(known))
    }
}
