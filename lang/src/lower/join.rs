//! Joins: the root's stream, the streams of what it causes, and how the predicate is divided among them.

use iotq_probes::abi;
use iotq_probes::catalogue::{CHILDREN, Field, Layer, Type};

use super::clauses::{clauses, whole};
use super::{Lowering, groups};
use crate::ir::{Aggregate, Column, Expr, ExprKind, FieldRef, Groups, Join, Output, SourcePoint};
use crate::plan::{GroupPlan, JoinPlan, Plan, Role, Shape, StatementPlan, StreamPlan};
use crate::source::Span;

impl Lowering<'_> {
    pub(super) fn join(&mut self, plan: &mut StatementPlan, join: Join) {
        self.refusals.join(&join);
        let Some(root) = join.sources.first() else {
            return;
        };
        let (shape, columns, groups) =
            output_of(join.output, |it| groups::plan(stages(it, &root.source)));
        let mut sources = Vec::new();
        for (index, it) in join.sources.iter().enumerate() {
            let Some(mut stream) = self.source(&it.source) else {
                return;
            };
            stream.optional = it.optional;
            if index == 0 {
                stream.role = Role::Root;
            }
            sources.push(stream.bit);
            plan.streams.push(stream);
        }
        if shape == Shape::Tree {
            let streams = plan.streams.iter_mut().enumerate();
            streams.for_each(|(source, stream)| stream.columns = node(source, stream.layer));
        } else if let Some(root) = plan.streams.first_mut() {
            root.columns = columns;
            root.groups = groups;
        }
        let is_there = plan.streams.iter().any(|it| it.layer.id == CHILDREN.id);
        self.follows |= is_there;
        if !self.follows {
            plan.streams.extend(self.children());
        }
        plan.join = Some(JoinPlan {
            sources,
            filter: join.filter,
            residual: None,
            required: join.required,
            shape,
            via: None,
        });
    }

    fn source(&mut self, source: &SourcePoint) -> Option<StreamPlan> {
        let bit = self.bit()?;
        Some(child(bit, source.layer))
    }

    /// The stream by which what operations cause is known, even if nobody reads it: one is enough.
    pub(super) fn children(&mut self) -> Option<StreamPlan> {
        self.follows = true;
        Some(child(self.bit()?, CHILDREN))
    }
}

/// What becomes of requests, with their columns or groups. `stages`: what stages are groups of.
pub(super) fn output_of(
    output: Output,
    stages: impl FnOnce(Groups) -> GroupPlan,
) -> (Shape, Vec<Column>, Option<GroupPlan>) {
    match output {
        Output::Rows(columns) => (Shape::Rows, columns, None),
        Output::Groups(it) => (Shape::Rows, Vec::new(), Some(groups::plan(it))),
        Output::Stages(it) => (Shape::Whole, Vec::new(), Some(stages(it))),
        Output::Tree => (Shape::Tree, Vec::new(), None),
    }
}

/// A stream of what a root causes.
pub(super) fn child(bit: u8, layer: &'static Layer) -> StreamPlan {
    part(Role::Child, bit, layer)
}

/// A stream of something that belongs to a root.
pub(super) fn part(role: Role, bit: u8, layer: &'static Layer) -> StreamPlan {
    StreamPlan {
        role,
        optional: false,
        bit,
        layer,
        point: layer.end_point(),
        filter: None,
        start: Vec::new(),
        end: Vec::new(),
        residual: None,
        columns: Vec::new(),
        groups: None,
    }
}

/// What a tree tells of an operation on a layer: its usual columns, and its stages.
pub(super) fn node(source: usize, layer: &'static Layer) -> Vec<Column> {
    let usual = layer.columns.iter().filter_map(|name| layer.field(name));
    let stages = layer.fields.iter().filter(|field| field.followed);
    let column = |field: &'static Field| Column {
        name: field.name.into(),
        expr: Expr::field(
            FieldRef {
                source,
                layer,
                field,
            },
            Span::default(),
        ),
    };
    usual.chain(stages).map(column).collect()
}

/// How many requests there were, how long they took, and how this time is made up.
pub(super) fn stages(groups: Groups, root: &SourcePoint) -> Groups {
    let layer = root.layer;
    let aggregate = |name: &str, aggregate, args: Vec<Expr>| {
        let ty = args.first().map_or(Type::Int, |arg| arg.ty);
        Column {
            name: name.into(),
            expr: Expr {
                kind: ExprKind::Aggregate(aggregate, args),
                ty,
                span: root.span,
            },
        }
    };
    let is_part = |field: &&'static Field| {
        field.name == "lat" || field.followed && field.ty == Type::Duration
    };
    let sum = |field: &'static Field| {
        let field_ref = FieldRef {
            source: 0,
            layer,
            field,
        };
        let value = Expr::field(field_ref, root.span);
        aggregate(field.name, Aggregate::Sum, vec![value])
    };
    let sums = layer.fields.iter().filter(is_part).map(sum);
    let count = aggregate("requests", Aggregate::Count, Vec::new());
    Groups {
        columns: std::iter::once(count).chain(sums).collect(),
        ..groups
    }
}

/// Gives each join's root the clauses that are about it alone; the others judge rows.
pub(super) fn divide(plan: &mut Plan) {
    for statement in &mut plan.statements {
        let Some(join) = &mut statement.join else {
            continue;
        };
        // What the guest has decided of it is not known here: all of it is decided anew.
        if join.via.is_some() {
            join.residual.clone_from(&join.filter);
            continue;
        }
        let clauses = join.filter.as_ref().map(clauses).unwrap_or_default();
        let (of_root, of_rows): (Vec<_>, Vec<_>) = clauses
            .into_iter()
            .partition(|clause| clause.iter().all(is_of_root));
        join.residual = (!of_rows.is_empty()).then(|| whole(of_rows));
        if let Some(root) = statement.streams.first_mut() {
            root.filter = (!of_root.is_empty()).then(|| whole(of_root));
        }
    }
}

fn is_of_root(literal: &Expr) -> bool {
    let mut alone = true;
    literal.walk(&mut |expr| {
        let of_origin = matches!(expr.kind, ExprKind::Member(bit) if u32::from(bit) >= abi::IOTQ_MAX_MEMBERSHIPS);
        alone &= !of_origin && expr.reads().is_none_or(|field| field.source == 0);
    });
    alone
}
