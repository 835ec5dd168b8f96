//! Conditions: as jumps where it matters only whether they hold, as three values where they are values.

use cranelift_codegen::ir::{Block, InstBuilder, Value as Reg};
use iotq_lang::ir::{ArithOp, CompareOp, Expr, ExprKind};
use iotq_lang::value::Const;
use iotq_probes::catalogue::Type;

use super::Unsupported;
use super::emit::Emitter;
use super::entry::Helper;
use super::number::Int;
use super::value::{Data, Val};

/// The truth of a condition.
#[derive(Clone, Copy, Debug)]
pub(super) struct Truth {
    /// 0 where it is null; none if it never is.
    pub known: Option<Reg>,
    /// 1 where it holds, if it is not null.
    pub holds: Reg,
    /// `holds` is 0 where it is null.
    pub strict: bool,
}

impl Truth {
    /// One of which only `known` tells where it is null.
    pub fn when(known: Option<Reg>, holds: Reg) -> Self {
        Self {
            known,
            holds,
            strict: false,
        }
    }

    /// One that does not hold where it is null.
    pub fn strict(known: Option<Reg>, holds: Reg) -> Self {
        Self {
            known,
            holds,
            strict: true,
        }
    }
}

/// Sets up to this size are compared one by one.
const FEW: usize = 8;
/// Comparisons that cost as much as a jump that is not foreseen.
const CHEAP: usize = 8;

impl Emitter<'_> {
    /// Ends the function with whether a condition holds.
    pub fn finish_condition(&mut self, expr: &Expr) -> Result<(), Unsupported> {
        if is_cheap(expr) {
            let holds = self.certain(expr, true)?;
            self.ins().return_(&[holds]);
            return Ok(());
        }
        let (yes, no) = (self.builder.create_block(), self.builder.create_block());
        self.branch(expr, true, yes, no)?;
        for (block, answer) in [(yes, true), (no, false)] {
            self.builder.switch_to_block(block);
            let answer = self.flag(answer);
            self.ins().return_(&[answer]);
        }
        Ok(())
    }

    /// Goes on at `yes` where the condition is `wanted`, and at `no` where it is the opposite or null.
    pub fn branch(
        &mut self,
        expr: &Expr,
        wanted: bool,
        yes: Block,
        no: Block,
    ) -> Result<(), Unsupported> {
        let (list, all) = match &expr.kind {
            ExprKind::Not(inner) => return self.branch(inner, !wanted, yes, no),
            // What is not true is false or null: all that is not `a and b` is wanted as soon as one is false.
            ExprKind::And(list) if !is_cheap(expr) => (list, wanted),
            ExprKind::Or(list) if !is_cheap(expr) => (list, !wanted),
            _ => {
                let holds = self.certain(expr, wanted)?;
                self.ins().brif(holds, yes, &[], no, &[]);
                return Ok(());
            }
        };
        for each in list {
            let next = self.builder.create_block();
            let (then, otherwise) = if all { (next, no) } else { (yes, next) };
            self.branch(each, wanted, then, otherwise)?;
            self.builder.switch_to_block(next);
        }
        self.ins().jump(if all { yes } else { no }, &[]);
        Ok(())
    }

    /// 1 where a condition is `wanted`, 0 where it is the opposite or null: without what would tell these two apart.
    fn certain(&mut self, expr: &Expr, wanted: bool) -> Result<Reg, Unsupported> {
        let (list, all) = match &expr.kind {
            ExprKind::Not(inner) => return self.certain(inner, !wanted),
            ExprKind::And(list) => (list, wanted),
            ExprKind::Or(list) => (list, !wanted),
            _ => {
                let truth = self.truth(expr)?;
                let (holds, fails) = self.sides(truth);
                return Ok(if wanted { holds } else { fails });
            }
        };
        let mut result = None;
        for each in list {
            let each = self.certain(each, wanted)?;
            result = Some(match result {
                None => each,
                Some(others) if all => self.ins().band(others, each),
                Some(others) => self.ins().bor(others, each),
            });
        }
        Ok(result.unwrap_or_else(|| self.flag(all)))
    }

    /// A condition as a value.
    pub fn truth(&mut self, expr: &Expr) -> Result<Truth, Unsupported> {
        match &expr.kind {
            ExprKind::And(list) => self.junction(list, true),
            ExprKind::Or(list) => self.junction(list, false),
            ExprKind::Not(inner) => {
                let inner = self.truth(inner)?;
                let holds = self.not(inner.holds);
                Ok(Truth::when(inner.known, holds))
            }
            ExprKind::Compare(op, left, right) => {
                let (left, right) = (self.value(left)?, self.value(right)?);
                self.compare(*op, &left, &right)
            }
            ExprKind::In(value, set) => {
                let value = self.value(value)?;
                self.among(&value, set)
            }
            ExprKind::Between(value, low, high) => {
                let value = self.value(value)?;
                let (low, high) = (self.value(low)?, self.value(high)?);
                let above = self.compare(CompareOp::Ge, &value, &low)?;
                let below = self.compare(CompareOp::Le, &value, &high)?;
                Ok(self.joined(above, below, true))
            }
            ExprKind::Glob(value, glob) => {
                let value = self.value(value)?;
                self.glob(&value, glob)
            }
            // As long as it is not bound, a name is null.
            ExprKind::Is(..) | ExprKind::Under(..) => Ok(self.never()),
            ExprKind::Children(_) | ExprKind::Aggregate(..) => Err(Unsupported::Several),
            ExprKind::Const(_)
            | ExprKind::Field(_)
            | ExprKind::Member(_)
            | ExprKind::Arith(..)
            | ExprKind::Neg(_)
            | ExprKind::Call(..) => {
                let value = self.value(expr)?;
                Ok(match value.data {
                    Data::Bool(holds) => Truth::when(value.known, holds),
                    _ => self.never(),
                })
            }
        }
    }

    /// `and` where `all`, else `or`.
    fn junction(&mut self, list: &[Expr], all: bool) -> Result<Truth, Unsupported> {
        let mut result = Truth::when(None, self.flag(all));
        for each in list {
            let truth = self.truth(each)?;
            result = self.joined(result, truth, all);
        }
        Ok(result)
    }

    /// `and` where `all`, else `or`: decided by the one that decides, else null by one that is null.
    fn joined(&mut self, one: Truth, other: Truth, all: bool) -> Truth {
        let (yes, no) = self.sides(one);
        let (also, nor) = self.sides(other);
        let (holds, fails) = if all {
            (self.ins().band(yes, also), self.ins().bor(no, nor))
        } else {
            (self.ins().bor(yes, also), self.ins().band(no, nor))
        };
        let sure = one.known.is_none() && other.known.is_none();
        let known = (!sure).then(|| self.ins().bor(holds, fails));
        Truth::strict(known, holds)
    }

    /// 1 where it is true, and 1 where it is false.
    fn sides(&mut self, truth: Truth) -> (Reg, Reg) {
        let fails = self.not(truth.holds);
        let Some(known) = truth.known else {
            return (truth.holds, fails);
        };
        let holds = match truth.strict {
            true => truth.holds,
            false => self.ins().band(truth.holds, known),
        };
        (holds, self.ins().band(fails, known))
    }

    /// 0 for 1, and 1 for 0.
    pub fn not(&mut self, flag: Reg) -> Reg {
        self.ins().bxor_imm(flag, 1)
    }

    /// Null.
    pub fn never(&mut self) -> Truth {
        let flag = self.flag(false);
        Truth::when(Some(flag), flag)
    }

    fn among(&mut self, value: &Val, set: &[Const]) -> Result<Truth, Unsupported> {
        if let Data::Null = value.data {
            return Ok(self.never());
        }
        let known = value.known;
        if let (Data::Int(int), true) = (&value.data, set.len() > FEW) {
            let holds = self.among_many(*int, set)?;
            return Ok(Truth::when(known, holds));
        }
        let mut any = self.flag(false);
        for item in set {
            let item = self.constant(item);
            let value = Val::sure(value.data.clone());
            let equal = self.compare(CompareOp::Eq, &value, &item)?;
            let (equal, _) = self.sides(equal);
            any = self.ins().bor(any, equal);
        }
        Ok(Truth::when(known, any))
    }

    fn among_many(&mut self, int: Int, set: &[Const]) -> Result<Reg, Unsupported> {
        let number = |item: &Const| match item {
            Const::Int(number) => Some(*number),
            _ => None,
        };
        let numbers: Option<Vec<i128>> = set.iter().map(number).collect();
        let mut numbers = numbers.ok_or(Unsupported::Mixed)?;
        numbers.sort_unstable();
        let bytes: Vec<u8> = numbers.iter().flat_map(|each| each.to_ne_bytes()).collect();
        let place = self.constant_bytes(&bytes)?;
        let length = self.word_of(numbers.len() as i64);
        let wide = self.widen(int);
        let (low, high) = self.ins().isplit(wide);
        Ok(self.call(Helper::Among, &[place, length, low, high]))
    }
}

/// Whether computing all of it costs less than a jump that is not foreseen.
fn is_cheap(expr: &Expr) -> bool {
    let mut cost = 0;
    expr.walk(&mut |each| {
        cost += match &each.kind {
            ExprKind::In(_, set) => set.len(),
            ExprKind::Glob(..) | ExprKind::Call(..) => CHEAP,
            ExprKind::Arith(ArithOp::Mul | ArithOp::Div | ArithOp::Rem, ..) => CHEAP,
            _ if each.ty == Type::Text => CHEAP,
            ExprKind::Compare(..) | ExprKind::Between(..) => 1,
            _ => 0,
        }
    });
    cost < CHEAP
}
