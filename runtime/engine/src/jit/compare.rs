//! Comparisons of two values.

use cranelift_codegen::ir::condcodes::{FloatCC, IntCC};
use cranelift_codegen::ir::{InstBuilder, Value as Reg};
use iotq_lang::ir::CompareOp;

use super::Unsupported;
use super::condition::Truth;
use super::emit::Emitter;
use super::number::Int;
use super::range::Form;
use super::value::{Data, Text, Val};

impl Emitter<'_> {
    /// A comparison; null where there is no order.
    pub fn compare(
        &mut self,
        op: CompareOp,
        left: &Val,
        right: &Val,
    ) -> Result<Truth, Unsupported> {
        let known = self.both(left.known, right.known);
        if let Some(holds) = self.compare_field(op, left, right) {
            return Ok(Truth::strict(known, holds));
        }
        let holds = match (&left.data, &right.data) {
            (Data::Text(left), Data::Text(right)) => self.compare_texts(op, left, right)?,
            (Data::Bool(left), Data::Bool(right)) => self.ins().icmp(unsigned(op), *left, *right),
            (Data::File(dev, inode), Data::File(other, same)) => {
                let left = self.ins().iconcat(*inode, *dev);
                let right = self.ins().iconcat(*same, *other);
                self.ins().icmp(unsigned(op), left, right)
            }
            (Data::Int(left), Data::Int(right)) => self.compare_ints(op, *left, *right),
            (left, right) => {
                let (Some(left), Some(right)) = (self.float(left), self.float(right)) else {
                    return Ok(self.never());
                };
                let ordered = self.ins().fcmp(FloatCC::Ordered, left, right);
                let holds = self.ins().fcmp(float(op), left, right);
                let known = self.both(known, Some(ordered));
                return Ok(Truth::when(known, holds));
            }
        };
        Ok(Truth::when(known, holds))
    }

    /// A field that has a null of its own with a constant that differs from it: in one comparison, which null fails.
    fn compare_field(&mut self, op: CompareOp, left: &Val, right: &Val) -> Option<Reg> {
        let (Data::Int(field), Data::Int(constant)) = (&left.data, &right.data) else {
            return None;
        };
        // What is one number if it is anything may still be null.
        let null = left.null.filter(|_| right.known.is_none())?;
        let constant = u64::try_from(constant.range.single()?).ok()?;
        let past = constant.checked_add(1).filter(|_| constant < null)?;
        // Null is above all that the field can be.
        let from = match op {
            CompareOp::Ne => return None,
            CompareOp::Eq | CompareOp::Lt | CompareOp::Le => {
                return Some(
                    self.ins()
                        .icmp_imm(unsigned(op), field.value, constant as i64),
                );
            }
            CompareOp::Gt => past,
            CompareOp::Ge => constant,
        };
        let above = self.ins().iadd_imm(field.value, from.wrapping_neg() as i64);
        let room = null - from;
        Some(
            self.ins()
                .icmp_imm(IntCC::UnsignedLessThan, above, room as i64),
        )
    }

    fn compare_ints(&mut self, op: CompareOp, left: Int, right: Int) -> Reg {
        let form = left.range.union(right.range).form();
        let (left, right) = self.pair(left, right, form);
        let op = if form == Form::Unsigned {
            unsigned(op)
        } else {
            signed(op)
        };
        self.ins().icmp(op, left, right)
    }

    fn compare_texts(
        &mut self,
        op: CompareOp,
        left: &Text,
        right: &Text,
    ) -> Result<Reg, Unsupported> {
        if let CompareOp::Eq | CompareOp::Ne = op {
            let equal = self.same_text(left, right)?;
            return Ok(if op == CompareOp::Eq {
                equal
            } else {
                self.not(equal)
            });
        }
        let order = self.text_order(left, right)?;
        Ok(self.ins().icmp_imm(signed(op), order, 0))
    }
}

fn signed(op: CompareOp) -> IntCC {
    match op {
        CompareOp::Eq => IntCC::Equal,
        CompareOp::Ne => IntCC::NotEqual,
        CompareOp::Lt => IntCC::SignedLessThan,
        CompareOp::Le => IntCC::SignedLessThanOrEqual,
        CompareOp::Gt => IntCC::SignedGreaterThan,
        CompareOp::Ge => IntCC::SignedGreaterThanOrEqual,
    }
}

fn unsigned(op: CompareOp) -> IntCC {
    signed(op).unsigned()
}

fn float(op: CompareOp) -> FloatCC {
    match op {
        CompareOp::Eq => FloatCC::Equal,
        CompareOp::Ne => FloatCC::NotEqual,
        CompareOp::Lt => FloatCC::LessThan,
        CompareOp::Le => FloatCC::LessThanOrEqual,
        CompareOp::Gt => FloatCC::GreaterThan,
        CompareOp::Ge => FloatCC::GreaterThanOrEqual,
    }
}
