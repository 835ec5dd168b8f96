//! Statements over a VM boundary: which can be, and the part of a guest and of its host in them.
//!
//! A guest is asked for whole requests, of which it decides what it can by itself; all else is decided where both parts
//! are known. Nothing is decided by the host's part alone: what it had turned away would look like what it had not seen.

use std::collections::{BTreeMap, BTreeSet};

use iotq_probes::catalogue::Layer;

use super::fields::source_name;
use super::{Checker, Env, Place};
use crate::diag::Diagnostic;
use crate::diag::codes::build::BOUNDARY;
use crate::half::Half;
use crate::ir::{self, Expr, ExprKind, Join, JoinSource, NameId, NameKind, Output, Side};
use crate::source::Span;
use crate::syntax::ast::{self, Item, Spanned};
use crate::syntax::{self, quote};

/// The layers of a guest that lead to its host: the first of them where none is named. And the one that they lead to.
const WAYS: [&str; 2] = ["virtio", "nvme"];
pub(crate) const TO: &str = "qemu";

/// The layers of the host that tell what was done for a request, and the layers of its disks' drivers.
const BELOW: [&str; 4] = ["syscall", "block", "nvme", "scsi"];

impl Join {
    /// Whether it is over a VM boundary.
    pub(crate) fn crosses(&self) -> bool {
        let guest = |it: &JoinSource| it.source.side == Side::Guest;
        self.sources.iter().any(guest) && !self.sources.iter().all(guest)
    }

    /// What guests have of it, in its order.
    pub(crate) fn of_guest(&self) -> impl Iterator<Item = &JoinSource> {
        let sources = self.sources.iter();
        sources.filter(|it| it.source.side == Side::Guest)
    }

    /// What the host has of it.
    fn of_host(&self) -> impl Iterator<Item = &JoinSource> {
        let sources = self.sources.iter();
        sources.filter(|it| it.source.side != Side::Guest)
    }

    /// All expressions of it.
    fn exprs(&self) -> impl Iterator<Item = &Expr> {
        let (columns, groups) = match &self.output {
            Output::Rows(columns) => (columns.as_slice(), None),
            Output::Groups(it) | Output::Stages(it) => (it.columns.as_slice(), Some(it)),
            Output::Tree => (&[][..], None),
        };
        let by = groups.into_iter().flat_map(|it| &it.by);
        let having = groups.into_iter().flat_map(|it| &it.having);
        let columns = columns.iter().chain(by).map(|column| &column.expr);
        self.filter.iter().chain(columns).chain(having)
    }

    fn is_of_guest(&self, source: usize) -> bool {
        let source = self.sources.get(source);
        source.is_some_and(|it| it.source.side == Side::Guest)
    }
}

/// Why a join cannot be over a boundary.
pub(super) fn refusal(join: &Join, names: &[ir::Name]) -> Option<Diagnostic> {
    let refuse = |span: Span, label: &str, help: &str| {
        let message = "this does not follow a request from a guest to its host";
        Some(
            Diagnostic::new(&BOUNDARY, message)
                .label(span, label)
                .help(help),
        )
    };
    let first = join.sources.first()?;
    let begins = "begin with `guest.syscall`, `guest.virtio` or `guest.nvme`";
    if first.source.side != Side::Guest {
        return refuse(first.source.span, "requests begin in the guest", begins);
    }
    let is_ring = is_way(first.source.layer);
    if first.source.layer.root.is_none() && !is_ring {
        let label = "its operations have nothing followed below them";
        return refuse(first.source.span, label, begins);
    }
    for it in join.of_guest().skip(1) {
        if is_ring {
            let help = "begin with `guest.syscall`, and all of its layers can be joined";
            return refuse(it.source.span, "the ring has nothing below it there", help);
        }
        if is_way(it.source.layer) && way(join).is_some_and(|way| way.id != it.source.layer.id) {
            let help = "ask in another statement for the other disks";
            return refuse(it.source.span, "one layer leads to the host", help);
        }
        if it.source.layer.root.is_some() || it.source.layer.is_of_guests() {
            let label = "nothing of the guest's that is caused by its calls";
            return refuse(it.source.span, label, "leave it out");
        }
    }
    for it in join.of_host() {
        let name = source_name(&it.source);
        let layer = it.source.layer.name;
        if layer != TO && !BELOW.contains(&layer) {
            let label = format!("`{name}` cannot be joined with layers of a guest");
            let help = "of the host, `host.qemu` can be joined, what a guest's request was in QEMU; and below it what \
                        was done for it: `host.syscall`, `host.block`, `host.nvme`, `host.scsi`";
            return refuse(it.source.span, &label, help);
        }
        if !join.of_host().any(|it| it.source.layer.name == TO) {
            let help = "add `host.qemu` before it";
            return refuse(it.source.span, "the way there leads over QEMU", help);
        }
        if it.optional && layer == TO {
            let help = "leave `optional` out: requests that are not seen there are rows anyway";
            return refuse(it.source.span, "the way to the host is not optional", help);
        }
    }
    under_host(join, names).and_then(|span| {
        let help = "compare with `==`: the host keeps what guests ask, whoever runs them";
        refuse(span, "of the host's part, this is not kept", help)
    })
}

/// Where something of the host is to lie below a name.
fn under_host(join: &Join, names: &[ir::Name]) -> Option<Span> {
    let mut found = None;
    for expr in join.exprs() {
        expr.walk(&mut |expr| {
            let (ExprKind::Under(field, name) | ExprKind::Is(field, name)) = expr.kind else {
                return;
            };
            let is_tree = matches!(expr.kind, ExprKind::Under(..));
            let is_child = names
                .get(name.0)
                .is_some_and(|it| it.kind == NameKind::Child);
            if (is_tree || is_child) && !join.is_of_guest(field.source) {
                found = Some(expr.span);
            }
        });
    }
    found
}

impl Checker<'_> {
    /// A guest's part of a statement: the layers of the guest and the one that leads to its host, what can be decided
    /// there, and whatever is read of it.
    pub(super) fn part_of_guest(&mut self, it: &mut ast::Statement, join: &Join) {
        let conjuncts = self.of_guest(it.filter.take(), join);
        let names = self.names_left(join, &conjuncts);
        let text = text_of_guest(join, &names);
        let Some(Item::Statement(mut part)) = parsed(&text) else {
            return;
        };
        part.filter = conjunction(conjuncts);
        if let Some(filter) = &mut part.filter {
            super::sides::unqualify(&mut filter.node);
        }
        part.duration = it.duration.take();
        *it = *part;
    }

    /// The conditions that are about the guest alone.
    fn of_guest(
        &mut self,
        filter: Option<Spanned<ast::Expr>>,
        join: &Join,
    ) -> Vec<(ast::Expr, Expr)> {
        let all = match filter.map(|filter| filter.node) {
            None => Vec::new(),
            Some(Spanned {
                node: ast::ExprKind::And(all),
                ..
            }) => all,
            Some(one) => vec![one],
        };
        self.env = Env {
            sources: join.sources.iter().map(|it| it.source).collect(),
            join: true,
            ..Env::default()
        };
        let mut found = Vec::new();
        for written in all {
            let checked = self.in_place(Place::Row, |checker| checker.condition(&written));
            if let Ok(checked) = checked
                && is_of_guest(&checked, join)
            {
                found.push((written, checked));
            }
        }
        found
    }

    /// The comparisons with names of the guest that are not among these conditions: it tells what the names mean.
    fn names_left(&self, join: &Join, conjuncts: &[(ast::Expr, Expr)]) -> BTreeSet<String> {
        let mut known = BTreeSet::new();
        for (_, checked) in conjuncts {
            checked.walk(&mut |expr| known.extend(self.named(expr, join)));
        }
        let mut all = BTreeSet::new();
        for expr in join.exprs() {
            expr.walk(&mut |expr| all.extend(self.named(expr, join)));
        }
        &all - &known
    }

    /// A comparison with a name of the guest, as text.
    fn named(&self, expr: &Expr, join: &Join) -> Option<String> {
        let (field, NameId(name), relation) = match expr.kind {
            ExprKind::Is(field, name) => (field, name, "=="),
            ExprKind::Under(field, name) => (field, name, "under"),
            _ => return None,
        };
        let name = self.names.get(name)?;
        join.is_of_guest(field.source).then(|| {
            let name = match name.kind {
                NameKind::Family | NameKind::Child => name.text.clone(),
                _ => quote(&name.text),
            };
            let (layer, field) = (field.layer.name, field.field.name);
            format!("{layer}.{field} {relation} {name}")
        })
    }
}

fn is_of_guest(expr: &Expr, join: &Join) -> bool {
    let mut is = true;
    expr.walk(&mut |expr| {
        is &= expr.reads().is_none_or(|it| join.is_of_guest(it.source));
    });
    is
}

fn parsed(text: &str) -> Option<Item> {
    let mut script = syntax::parse(text).ok()?;
    script.items.pop().map(|item| item.node)
}

fn conjunction(conjuncts: Vec<(ast::Expr, Expr)>) -> Option<Spanned<ast::Expr>> {
    let mut all: Vec<ast::Expr> = conjuncts.into_iter().map(|(written, _)| written).collect();
    let first = all.first()?;
    let span = first.span;
    let node = match all.len() {
        1 => all.remove(0),
        _ => Spanned {
            node: ast::ExprKind::And(all),
            span,
        },
    };
    Some(Spanned { node, span })
}

/// Whether a guest's layer leads to its host.
pub(crate) fn is_way(layer: &Layer) -> bool {
    WAYS.contains(&layer.name)
}

/// The first of a guest's layers of a join that leads to its host.
fn way(join: &Join) -> Option<&'static Layer> {
    let mut layers = join.of_guest().map(|it| it.source.layer);
    layers.find(|layer| is_way(layer))
}

fn text_of_guest(join: &Join, names: &BTreeSet<String>) -> String {
    let mut layers: Vec<String> = join.of_guest().map(written).collect();
    if way(join).is_none() {
        layers.extend(WAYS.first().map(|it| (*it).to_owned()));
    }
    let root = join.sources.first().map(|it| it.source.layer);
    let verb = if root.is_some_and(is_way) {
        "trace"
    } else {
        "join"
    };
    let layers = layers.join(", ");
    if matches!(join.output, Output::Tree) && names.is_empty() && verb == "join" {
        return format!("{verb} {layers} emit tree");
    }
    let columns: Vec<String> = read(join, Side::Guest).into_iter().collect();
    let named = names.iter().enumerate();
    let named = named.map(|(index, name)| format!("{name} as name{index}"));
    let columns: Vec<String> = columns.into_iter().chain(named).collect();
    format!("{verb} {layers} emit {}", columns.join(", "))
}

fn written(it: &JoinSource) -> String {
    let optional = if it.optional { "optional " } else { "" };
    format!("{optional}{}", it.source.layer.name)
}

/// What the host keeps of the requests of these joins: what they were in QEMU, and what was done for them if one of the joins
/// has a layer of it.
pub(super) fn of_host<'a>(joins: impl Iterator<Item = &'a Join>) -> Half {
    let mut fields = BTreeSet::from([format!("{TO}.lat")]);
    // A layer is optional if all joins say so.
    let mut below: BTreeMap<&str, bool> = BTreeMap::new();
    for join in joins {
        fields.extend(read(join, Side::Host));
        for it in join.of_host().filter(|it| it.source.layer.name != TO) {
            *below.entry(it.source.layer.name).or_insert(true) &= it.optional;
        }
    }
    let mut layers = vec![TO.to_owned()];
    for layer in BELOW {
        let optional = below
            .get(layer)
            .map(|optional| if *optional { "optional " } else { "" });
        layers.extend(optional.map(|optional| format!("{optional}{layer}")));
    }
    let verb = if below.is_empty() { "trace" } else { "join" };
    let fields: Vec<String> = fields.into_iter().collect();
    Half {
        text: format!("{verb} {} emit {}\n", layers.join(", "), fields.join(", ")),
        ..Half::default()
    }
}

/// The fields that a join reads on a side, as they are written.
fn read(join: &Join, side: Side) -> BTreeSet<String> {
    let mut fields = BTreeSet::new();
    let mut add = |layer: &Layer, field: &str| {
        fields.insert(format!("{}.{field}", layer.name));
    };
    for expr in join.exprs() {
        expr.walk(&mut |expr| {
            let reads = expr.reads();
            if let Some(it) =
                reads.filter(|it| join.is_of_guest(it.source) == (side == Side::Guest))
            {
                add(it.layer, it.field.name);
            }
        });
    }
    let of_side = |it: &&JoinSource| (it.source.side == Side::Guest) == (side == Side::Guest);
    for (index, it) in join.sources.iter().filter(of_side).enumerate() {
        let layer = it.source.layer;
        let is_root = index == 0 && side == Side::Guest;
        if is_root || matches!(join.output, Output::Tree) {
            add(layer, "lat");
        }
        if is_root && matches!(join.output, Output::Stages(_)) {
            let followed = layer.fields.iter().filter(|field| field.followed);
            followed.for_each(|field| add(layer, field.name));
        }
        if matches!(join.output, Output::Tree) {
            layer.columns.iter().for_each(|name| add(layer, name));
        }
    }
    fields
}
