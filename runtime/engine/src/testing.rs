//! Programs and records made by hand, for tests.

use std::borrow::Cow;

use iotq_lang::ir::*;
use iotq_lang::lower::lower;
use iotq_lang::plan::Plan;
use iotq_lang::source::Span;
use iotq_lang::value::Const;
use iotq_probes::catalogue::{Layer, Slot, layer};

use crate::Names;

/// A record of zeros, to be filled.
#[derive(Clone)]
pub struct Bytes(pub Vec<u8>, &'static Layer);

impl Bytes {
    /// A completed block request, for these queries.
    pub fn block(queries: u32) -> Self {
        Self::of("block", queries)
    }

    /// A system call that returned, for these queries.
    pub fn syscall(queries: u32) -> Self {
        Self::of("syscall", queries)
    }

    fn of(name: &str, queries: u32) -> Self {
        let layer = layer(name).expect("a layer");
        let mut bytes = vec![0; layer.record.expect("a layer with records")];
        bytes[8..12].copy_from_slice(&queries.to_ne_bytes());
        bytes[12] = layer.id;
        bytes[13] = layer.end_point().id;
        Self(bytes, layer)
    }

    fn slot(&self, field: &str) -> Slot {
        self.1
            .field(field)
            .and_then(|field| field.slot)
            .expect("a slot")
    }

    pub fn number(mut self, field: &str, value: u64) -> Self {
        let (offset, width) = match self.slot(field) {
            Slot::Uint { offset, width, .. } => (offset, width),
            Slot::Int { offset } => (offset, 8),
            slot => panic!("{slot:?} is not a number"),
        };
        match width {
            1 => self.put(offset, &[value as u8]),
            4 => self.put(offset, &(value as u32).to_ne_bytes()),
            _ => self.put(offset, &value.to_ne_bytes()),
        }
        self
    }

    pub fn text(mut self, field: &str, text: &[u8]) -> Self {
        let Slot::Text { offset, .. } = self.slot(field) else {
            panic!("{field} is not text")
        };
        self.put(offset, text);
        self
    }

    pub fn flag(mut self, field: &str) -> Self {
        let Slot::Bit { offset, mask, .. } = self.slot(field) else {
            panic!("{field} is not a flag")
        };
        self.put(offset, &(mask as u16).to_ne_bytes());
        self
    }

    fn put(&mut self, offset: usize, bytes: &[u8]) {
        self.0[offset..offset + bytes.len()].copy_from_slice(bytes);
    }
}

/// `trace LAYER emit COLUMNS`
pub fn trace(name: &str, columns: &[&str]) -> Statement {
    let layer = layer(name).expect("a layer");
    let column = |name: &&str| Column {
        name: (*name).into(),
        expr: field(layer, name),
    };
    Statement {
        span: Span::default(),
        kind: Kind::Streams(vec![Stream {
            source: SourcePoint {
                side: Side::Local,
                layer,
                point: layer.end_point(),
                span: Span::default(),
            },
            filter: None,
            output: Output::Rows(columns.iter().map(column).collect()),
        }]),
        bounds: Bounds::default(),
    }
}

/// A statement with a filter that only user space can decide: `comm ~ GLOB`.
pub fn with_glob(mut statement: Statement, glob: &str) -> Statement {
    let Kind::Streams(streams) = &mut statement.kind else {
        panic!("a statement of streams")
    };
    let comm = field(streams[0].source.layer, "comm");
    let kind = ExprKind::Glob(Box::new(comm), glob.into());
    streams[0].filter = Some(Expr::condition(kind, Span::default()));
    statement
}

/// A column with a constant in it.
pub fn constant(name: &str, value: Const, ty: iotq_probes::catalogue::Type) -> Column {
    Column {
        name: name.into(),
        expr: Expr::constant(value, ty, Span::default()),
    }
}

/// The same, with more columns.
pub fn with_columns(mut statement: Statement, more: Vec<Column>) -> Statement {
    if let Kind::Streams(streams) = &mut statement.kind
        && let Output::Rows(columns) = &mut streams[0].output
    {
        columns.extend(more);
    }
    statement
}

/// The plan of a query.
pub fn query(text: &str) -> Plan {
    use iotq_lang::check::{Inputs, check};
    use iotq_lang::source::{Source, Sources};

    let tree = iotq_lang::syntax::parse(text).expect("a script");
    let mut sources = Sources(vec![Source {
        name: "query".into(),
        text: text.into(),
    }]);
    let checked = check(&mut sources, &tree, &Inputs::default());
    let checked = checked.unwrap_or_else(|errors| panic!("{text}: {errors:?}"));
    lower(checked).expect("a plan").bind(&[])
}

pub fn plan(statements: Vec<Statement>) -> Plan {
    let names = Vec::new();
    lower(Checked { statements, names })
        .expect("a plan")
        .bind(&[])
}

fn field(layer: &'static Layer, name: &str) -> Expr {
    let field = layer.field(name).expect("a field");
    let source = 0;
    Expr::field(
        FieldRef {
            source,
            layer,
            field,
        },
        Span::default(),
    )
}

/// Knows one of each.
pub struct SomeNames;

impl Names for SomeNames {
    fn dev(&self, number: u32) -> Option<Cow<'_, str>> {
        (number == 253 << 20).then_some("vda".into())
    }

    fn file(&self, dev: u32, inode: u64) -> Option<Cow<'_, str>> {
        (dev == 253 << 20 && inode == 42).then_some("/var/lib/db/wal".into())
    }

    fn cgroup(&self, id: u64) -> Option<Cow<'_, str>> {
        (id == 1).then_some("/".into())
    }
}
