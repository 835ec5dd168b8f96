//! Joins over a VM boundary: a guest's streams, with those of its host behind them.
//!
//! The guest's kernel decides what its half says; whoever has both parts decides all of it anew.

use iotq_probes::abi;
use iotq_probes::catalogue::{CHILDREN, Type};

use super::join::{output_of, part, stages};
use super::{fit, groups};
use crate::check::across::{TO, is_way};
use crate::diag::codes::build::STREAMS;
use crate::diag::{Diagnostic, Errors};
use crate::ir::{
    Aggregate, ArithOp, Checked, Column, Expr, ExprKind, FieldRef, Function, Groups, Join,
    JoinSource, Kind, Name, NameId, Output, Side, Statement,
};
use crate::plan::{JoinPlan, Plan, Role, Shape, StatementPlan};
use crate::value::Const;

/// The plan of all rows, from that of the guest's half.
///
/// # Errors
/// If there are more streams than records can tell apart.
pub(crate) fn whole(guest: &Plan, program: Checked) -> Result<Plan, Errors> {
    let mut plan = guest.clone();
    let mut crossing = Crossing {
        names: program.names,
        guest: guest.names.len(),
        all: guest.names.clone(),
        next: plan
            .streams()
            .map(|it| u32::from(it.bit) + 1)
            .max()
            .unwrap_or(0),
    };
    for (planned, statement) in plan.statements.iter_mut().zip(program.statements) {
        let Statement { span, kind, bounds } = statement;
        match kind {
            Kind::Join(join) if join.crosses() => {
                planned.bounds = bounds;
                crossing.join(planned, join);
            }
            _ => continue,
        }
        if crossing.next > abi::IOTQ_MAX_QUERIES {
            let message = format!("more than {} streams in one script", abi::IOTQ_MAX_QUERIES);
            let error = Diagnostic::new(&STREAMS, message)
                .label(span, format!("with this, there are {}", crossing.next))
                .help("join fewer layers, or run the statements in several scripts");
            return Err(Errors(vec![error]));
        }
    }
    plan.names = crossing.all;
    fit::push_down(&mut plan);
    Ok(plan)
}

struct Crossing {
    /// The names of the program.
    names: Vec<Name>,
    /// How many are the guest's, which come first,
    guest: usize,
    /// of all.
    all: Vec<Name>,
    /// The next bit.
    next: u32,
}

impl Crossing {
    fn join(&mut self, plan: &mut StatementPlan, mut join: Join) {
        self.rename(&mut join);
        let mut sources = Vec::new();
        let mut guests = plan
            .streams
            .iter()
            .map(|it| it.bit)
            .collect::<Vec<_>>()
            .into_iter();
        for it in &join.sources {
            if it.source.side == Side::Guest {
                sources.extend(guests.next());
                continue;
            }
            let bit = u8::try_from(self.next).unwrap_or(u8::MAX);
            self.next += 1;
            sources.push(bit);
            plan.streams.push(part(Role::Beyond, bit, it.source.layer));
        }
        let is_via = |it: &JoinSource| it.source.side == Side::Guest && is_way(it.source.layer);
        let via = join.sources.iter().position(is_via);
        let via = via
            .and_then(|at| sources.get(at).copied())
            .or_else(|| guests.next());
        let (filter, required) = (join.filter.take(), join.required);
        let (shape, columns, groups) = output_of(join.output, |it| {
            groups::plan(match &join.sources[..] {
                [root, ..] if root.source.layer.root.is_none() => ring_stages(it, &join.sources),
                all => stages_across(it, all),
            })
        });
        for (index, stream) in plan.streams.iter_mut().enumerate() {
            stream.filter = None;
            stream.columns = Vec::new();
            stream.groups = None;
            if index == 0 {
                stream.role = Role::Root;
            }
        }
        if shape == Shape::Tree {
            for (source, bit) in sources.iter().enumerate() {
                let mut streams = plan.streams.iter_mut();
                if let Some(stream) = streams.find(|it| it.bit == *bit) {
                    stream.columns = super::join::node(source, stream.layer);
                    if stream.role == Role::Beyond {
                        stream
                            .columns
                            .iter_mut()
                            .for_each(|it| of_host(&mut it.expr));
                    }
                }
            }
        } else if let Some(root) = plan.streams.first_mut() {
            root.columns = columns;
            root.groups = groups;
        }
        plan.join = Some(JoinPlan {
            sources,
            filter,
            residual: None,
            required,
            shape,
            via,
        });
    }

    /// Gives the names their numbers: what the guest's mean, it tells.
    fn rename(&mut self, join: &mut Join) {
        let sides: Vec<Side> = join.sources.iter().map(|it| it.source.side).collect();
        let mut replace = |expr: &Expr| {
            let is_guest = |field: FieldRef| sides.get(field.source) == Some(&Side::Guest);
            let (field, NameId(name)) = match expr.kind {
                ExprKind::Is(field, name) | ExprKind::Under(field, name) => (field, name),
                _ => return None,
            };
            let is_guest = is_guest(field);
            let name = NameId(self.number(name, is_guest));
            let kind = match expr.kind {
                ExprKind::Is(..) => ExprKind::Is(field, name),
                _ => ExprKind::Under(field, name),
            };
            Some(Expr::condition(kind, expr.span))
        };
        let mut each = |expr: &mut Expr| {
            *expr = expr.rewrite(&mut replace);
            named_there(expr, &sides);
        };
        join.filter.iter_mut().for_each(&mut each);
        let (columns, groups) = match &mut join.output {
            Output::Rows(columns) => (Some(columns), None),
            Output::Groups(groups) | Output::Stages(groups) => (None, Some(groups)),
            Output::Tree => (None, None),
        };
        let (by, having) = match groups {
            Some(it) => (Some((&mut it.columns, &mut it.by)), it.having.as_mut()),
            None => (None, None),
        };
        let columns = columns.into_iter().flatten();
        let by = by
            .into_iter()
            .flat_map(|(columns, by)| columns.iter_mut().chain(by));
        columns.chain(by).for_each(|column| each(&mut column.expr));
        having.into_iter().for_each(each);
    }

    fn number(&mut self, name: usize, is_guest: bool) -> usize {
        let Some(name) = self.names.get(name) else {
            return usize::MAX;
        };
        let same = |it: &Name| it.kind == name.kind && it.text == name.text;
        let from = if is_guest { 0 } else { self.guest };
        let known = self.all.iter().skip(from).position(same);
        known.map_or_else(
            || {
                self.all.push(name.clone());
                self.all.len() - 1
            },
            |at| at + from,
        )
    }
}

/// A value that is made of the host's has the names that the host has for it; one of both sides has none.
fn named_there(expr: &mut Expr, sides: &[Side]) {
    let (mut guest, mut host) = (false, false);
    expr.walk(&mut |it| {
        if let Some(field) = it.reads() {
            let is_guest = sides.get(field.source) == Some(&Side::Guest);
            guest |= is_guest;
            host |= !is_guest;
        }
    });
    match (guest, host) {
        (_, false) => {}
        (false, true) => of_host(expr),
        (true, true) if matches!(expr.ty, Type::Dev | Type::Cgroup) => expr.ty = Type::Int,
        (true, true) => {}
    }
}

/// What is the host's has the host's names.
fn of_host(expr: &mut Expr) {
    expr.ty = expr.ty.named().map_or(expr.ty, Type::OfHost);
}

/// What the time in the guest's device is cut into, as columns of sums: names and fields of the host's layer.
const PARTS: [(&str, &str); 5] = [
    ("kick", "kick"),
    ("vmm", "lat"),
    ("host.queue", "queued"),
    ("host.device", "device"),
    ("inject", "inject"),
];

/// Of these, those that are known with what the host's disks did.
const OF_DISKS: [&str; 2] = ["host.queue", "host.device"];

fn parts(sources: &[JoinSource]) -> Vec<(&'static str, Expr)> {
    let is_host = |it: &JoinSource, layer: &str| {
        it.source.side != Side::Guest && it.source.layer.name == layer
    };
    let host = sources.iter().position(|it| is_host(it, TO));
    let has_disks = sources.iter().any(|it| is_host(it, CHILDREN.name));
    let value = |(name, field): (&'static str, &str)| {
        let source = host?;
        let at = sources.get(source)?.source;
        let (layer, field) = (at.layer, at.layer.field(field)?);
        let field = FieldRef {
            source,
            layer,
            field,
        };
        Some((name, Expr::field(field, at.span)))
    };
    let is_known = |(name, _): &(&str, &str)| has_disks || !OF_DISKS.contains(name);
    PARTS
        .into_iter()
        .filter(is_known)
        .filter_map(value)
        .collect()
}

fn sum((name, value): (&'static str, Expr)) -> Column {
    let (ty, span) = (value.ty, value.span);
    let kind = ExprKind::Aggregate(Aggregate::Sum, vec![value]);
    let name = name.into();
    let expr = Expr { kind, ty, span };
    Column { name, expr }
}

/// Those of a call, with the parts before what is left of the time at the device.
fn stages_across(it: Groups, sources: &[JoinSource]) -> Groups {
    let Some(root) = sources.first() else {
        return it;
    };
    let mut groups = stages(it, &root.source);
    let at = groups
        .columns
        .iter()
        .position(|column| column.name == "device");
    let at = at.unwrap_or(groups.columns.len());
    let parts = parts(sources).into_iter().map(sum);
    groups.columns.splice(at..at, parts);
    groups
}

/// Those of a request on the ring: what its host has not seen of it is all at the device.
fn ring_stages(it: Groups, sources: &[JoinSource]) -> Groups {
    let Some(root) = sources.first() else {
        return it;
    };
    let mut groups = stages(it, &root.source);
    let parts = parts(sources);
    let lat = groups.columns.iter().find(|column| column.name == "lat");
    let lat = lat.and_then(|column| match &column.expr.kind {
        ExprKind::Aggregate(_, values) => values.first().cloned(),
        _ => None,
    });
    let known = parts.iter().map(|(_, value)| value.clone());
    let known = known.reduce(|left, right| arith(ArithOp::Add, left, right));
    let rest = lat.zip(known).map(|(lat, known)| {
        let (ty, span) = (lat.ty, lat.span);
        let zero = Expr::constant(Const::Int(0), ty, span);
        let kind = ExprKind::Call(Function::Coalesce, vec![known, zero]);
        ("device", arith(ArithOp::Sub, lat, Expr { kind, ty, span }))
    });
    groups
        .columns
        .extend(parts.into_iter().chain(rest).map(sum));
    groups
}

fn arith(op: ArithOp, left: Expr, right: Expr) -> Expr {
    let (ty, span) = (left.ty, left.span);
    let kind = ExprKind::Arith(op, Box::new(left), Box::new(right));
    Expr { kind, ty, span }
}
