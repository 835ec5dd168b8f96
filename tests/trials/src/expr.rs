//! Expressions over the records of a layer, most of them of fitting types.

use iotq_lang::ir::{ArithOp, CompareOp, Expr, ExprKind, FieldRef, Function, NameId};
use iotq_lang::source::Span;
use iotq_lang::value::Const;
use iotq_probes::catalogue::{Field, Layer, Slot, Type};

use crate::Tape;

const NUMBERS: [i128; 16] = [
    0,
    1,
    -1,
    2,
    7,
    512,
    -4096,
    1_000_000,
    0xffff_ffff,
    i64::MAX as i128,
    i64::MIN as i128,
    u64::MAX as i128,
    1 << 64,
    -(1 << 100),
    i128::MAX,
    i128::MIN,
];
const FRACTIONS: [f64; 8] = [0.0, -0.0, 0.5, -1.5, 1e18, 1e308, f64::INFINITY, f64::NAN];
const TEXTS: [&str; 8] = [
    "",
    "a",
    "fio",
    "postgres",
    "PostGres",
    "fifteen_bytes_x",
    "sixteen_bytes_xx",
    "longer than any field",
];
const GLOBS: [&str; 10] = [
    "*",
    "",
    "post*",
    "p?st*",
    "*s",
    "fio",
    "*i*",
    "sixteen_bytes_xx*",
    "a\0*",
    "*longer*",
];

/// Makes expressions over the records of a layer.
pub struct Maker<'t, 'b> {
    /// What they read.
    pub layer: &'static Layer,
    /// Where the choices come from.
    pub tape: &'t mut Tape<'b>,
}

impl Maker<'_, '_> {
    /// Anything.
    pub fn any(&mut self, depth: usize) -> Expr {
        match self.tape.below(4) {
            0 => self.text(depth),
            1 => self.field(|slot| matches!(slot, Slot::File { .. })),
            2 => self.condition(depth),
            _ => self.number(depth),
        }
    }

    /// A condition.
    pub fn condition(&mut self, depth: usize) -> Expr {
        if depth == 0 {
            return match self.tape.below(3) {
                0 => self.field(|slot| matches!(slot, Slot::Bit { .. })),
                1 => condition(ExprKind::Member(self.tape.bytes::<1>()[0] % 70)),
                _ => self.constant(Type::Bool),
            };
        }
        let depth = depth - 1;
        let kind = match self.tape.below(12) {
            0 => return Expr::all(self.list(depth, Self::condition), Span::default()),
            1 => return Expr::any(self.list(depth, Self::condition), Span::default()),
            2 => ExprKind::Not(self.condition(depth).into()),
            3 => ExprKind::Between(
                self.number(depth).into(),
                self.number(depth).into(),
                self.number(depth).into(),
            ),
            4 => {
                let set = self.list(0, |maker, _| maker.number_const());
                ExprKind::In(self.number(depth).into(), set)
            }
            5 => {
                let set = self.list(0, |maker, _| maker.text_const());
                ExprKind::In(self.text(depth).into(), set)
            }
            6 => ExprKind::Glob(self.text(depth).into(), (*self.tape.pick(&GLOBS)).into()),
            7 => self.compared(Self::text, depth),
            8 => self.compared(Self::any, depth),
            9 if self.tape.coin() => match self.tape.pick(self.layer.fields) {
                field if self.tape.coin() => ExprKind::Is(self.reference(field), NameId(0)),
                field => ExprKind::Under(self.reference(field), NameId(0)),
            },
            10 => ExprKind::Call(Function::Coalesce, self.list(depth, Self::condition)),
            _ => self.compared(Self::number, depth),
        };
        condition(kind)
    }

    fn compared(&mut self, operand: fn(&mut Self, usize) -> Expr, depth: usize) -> ExprKind {
        use CompareOp::*;
        let op = *self.tape.pick(&[Eq, Ne, Lt, Le, Gt, Ge]);
        let left = operand(self, depth);
        ExprKind::Compare(op, left.into(), operand(self, depth).into())
    }

    fn number(&mut self, depth: usize) -> Expr {
        use ArithOp::*;
        if depth == 0 {
            return match self.tape.below(3) {
                0 => self.constant(Type::Int),
                _ => self.field(|slot| matches!(slot, Slot::Uint { .. } | Slot::Int { .. })),
            };
        }
        let depth = depth - 1;
        let ty = if self.tape.below(6) == 0 {
            Type::Float
        } else {
            Type::Int
        };
        let kind = match self.tape.below(12) {
            0 => ExprKind::Neg(self.number(depth).into()),
            1 => ExprKind::Call(Function::Abs, vec![self.number(depth)]),
            2 => ExprKind::Call(
                Function::Bucket,
                vec![self.number(depth), self.number(depth)],
            ),
            3 => ExprKind::Call(Function::Least, self.list(depth, Self::number)),
            4 => ExprKind::Call(Function::Greatest, self.list(depth, Self::number)),
            5 => ExprKind::Call(Function::Coalesce, self.list(depth, Self::number)),
            6 => ExprKind::Call(Function::Length, vec![self.text(depth)]),
            _ => {
                let op = *self.tape.pick(&[Add, Sub, Mul, Div, Rem]);
                ExprKind::Arith(op, self.number(depth).into(), self.number(depth).into())
            }
        };
        let span = Span::default();
        Expr { kind, ty, span }
    }

    fn text(&mut self, depth: usize) -> Expr {
        if depth == 0 || self.tape.coin() {
            return match self.tape.below(4) {
                0 => self.constant(Type::Text),
                _ => self.field(|slot| matches!(slot, Slot::Text { .. })),
            };
        }
        let depth = depth - 1;
        let (function, args) = match self.tape.below(4) {
            0 => (Function::Least, self.list(depth, Self::text)),
            1 => (Function::Coalesce, self.list(depth, Self::text)),
            _ => (Function::Lower, vec![self.text(depth)]),
        };
        let (kind, ty, span) = (ExprKind::Call(function, args), Type::Text, Span::default());
        Expr { kind, ty, span }
    }

    /// Two to nine, as a junction and a function have them.
    fn list<T>(&mut self, depth: usize, each: fn(&mut Self, usize) -> T) -> Vec<T> {
        let most = if depth == 0 { 12 } else { 3 };
        let count = 2 + self.tape.below(most);
        (0..count).map(|_| each(self, depth)).collect()
    }

    fn field(&mut self, wanted: fn(Slot) -> bool) -> Expr {
        let suits = |field: &&Field| field.slot.is_some_and(wanted);
        let fields: Vec<_> = self.layer.fields.iter().filter(suits).collect();
        if fields.is_empty() {
            return self.constant(Type::Int);
        }
        let field = fields[self.tape.below(fields.len())];
        let field = self.reference(field);
        Expr::field(field, Span::default())
    }

    fn reference(&self, field: &'static Field) -> FieldRef {
        let (source, layer) = (0, self.layer);
        FieldRef {
            source,
            layer,
            field,
        }
    }

    fn constant(&mut self, ty: Type) -> Expr {
        let value = match ty {
            Type::Bool => Const::Bool(self.tape.coin()),
            Type::Text => self.text_const(),
            _ => self.number_const(),
        };
        Expr::constant(value, ty, Span::default())
    }

    fn text_const(&mut self) -> Const {
        Const::Text((*self.tape.pick(&TEXTS)).into())
    }

    fn number_const(&mut self) -> Const {
        match self.tape.below(10) {
            0 => Const::Float(*self.tape.pick(&FRACTIONS)),
            1 => Const::Int(i128::from_ne_bytes(self.tape.bytes())),
            2 => Const::Int(u32::from_ne_bytes(self.tape.bytes()).into()),
            _ => Const::Int(*self.tape.pick(&NUMBERS)),
        }
    }
}

fn condition(kind: ExprKind) -> Expr {
    Expr::condition(kind, Span::default())
}
