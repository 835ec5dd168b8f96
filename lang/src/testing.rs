//! Programs and records made by hand, for the tests of the stages behind the checker.

use std::collections::BTreeMap;

use iotq_probes::catalogue::{Layer, Type, layer};

use crate::ir::*;
use crate::source::Span;
use crate::value::{Const, Record, Value};

/// A layer that must exist.
pub fn known(name: &str) -> &'static Layer {
    layer(name).expect("a layer of the catalogue")
}

/// A field of a layer.
pub fn field_ref(layer: &'static Layer, name: &str) -> FieldRef {
    FieldRef {
        source: 0,
        layer,
        field: layer.field(name).expect("a field of the layer"),
    }
}

/// The value of a field of the block layer.
pub fn block(name: &str) -> Expr {
    Expr::field(field_ref(known("block"), name), Span::default())
}

pub fn is(layer: &str, field: &str, name: usize) -> Expr {
    condition(ExprKind::Is(field_ref(known(layer), field), NameId(name)))
}

pub fn under(layer: &str, field: &str, name: usize) -> Expr {
    condition(ExprKind::Under(
        field_ref(known(layer), field),
        NameId(name),
    ))
}

pub fn condition(kind: ExprKind) -> Expr {
    Expr::condition(kind, Span::default())
}

/// A comparison of something with a number in the unit of its type.
pub fn compare(left: Expr, op: CompareOp, right: i128) -> Expr {
    let right = Expr::constant(Const::Int(right), left.ty, Span::default());
    condition(ExprKind::Compare(op, Box::new(left), Box::new(right)))
}

pub fn same_text(left: Expr, right: &str) -> Expr {
    let right = Expr::constant(Const::Text(right.into()), Type::Text, Span::default());
    condition(ExprKind::Compare(
        CompareOp::Eq,
        Box::new(left),
        Box::new(right),
    ))
}

pub fn glob(value: Expr, glob: &str) -> Expr {
    condition(ExprKind::Glob(Box::new(value), glob.into()))
}

pub fn not(inner: Expr) -> Expr {
    condition(ExprKind::Not(Box::new(inner)))
}

pub fn all<const N: usize>(list: [Expr; N]) -> Expr {
    Expr::all(list.into(), Span::default())
}

pub fn any<const N: usize>(list: [Expr; N]) -> Expr {
    Expr::any(list.into(), Span::default())
}

/// `trace LAYER where FILTER`, with one column.
pub fn trace(name: &str, filter: Option<Expr>) -> Statement {
    let layer = known(name);
    let source = SourcePoint {
        side: Side::Local,
        layer,
        point: layer.end_point(),
        span: Span::default(),
    };
    let column = layer.columns[1];
    let column = Column {
        name: column.into(),
        expr: Expr::field(field_ref(layer, column), Span::default()),
    };
    Statement {
        span: Span::default(),
        kind: Kind::Streams(vec![Stream {
            source,
            filter,
            output: Output::Rows(vec![column]),
        }]),
        bounds: Bounds::default(),
    }
}

pub fn name(kind: NameKind, text: &str) -> Name {
    Name {
        kind,
        text: text.into(),
        span: Span::default(),
    }
}

pub fn checked(statements: Vec<Statement>, names: Vec<Name>) -> Checked {
    Checked { statements, names }
}

/// A record of some values; what it does not have is null.
#[derive(Clone, Debug, Default)]
pub struct Sample {
    pub values: BTreeMap<&'static str, Value<'static>>,
    pub members: u64,
}

impl Sample {
    pub fn of<const N: usize>(values: [(&'static str, Value<'static>); N]) -> Self {
        Self {
            values: values.into(),
            members: 0,
        }
    }
}

impl Record for Sample {
    fn value(&self, FieldRef { field, .. }: FieldRef) -> Value<'_> {
        self.values.get(field.name).cloned().unwrap_or(Value::Null)
    }

    fn members(&self) -> u64 {
        self.members
    }
}
