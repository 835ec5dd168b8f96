//! Tables: which columns a stream has, and how wide they are.

use iotq_lang::ir::{Aggregate, Column as Planned, ExprKind};
use iotq_lang::plan::{StatementPlan, StreamPlan};
use iotq_probes::catalogue::{Named, Type};

use super::escaped;
use crate::sink::heat::Heat;

/// The columns of one stream.
pub(super) struct Table {
    /// What its rows begin with: the layer, where there are several streams.
    pub layer: Option<&'static str>,
    /// Its rows are groups, which are of all guests.
    pub grouped: bool,
    /// Groups of intervals begin with their time.
    pub timed: bool,
    /// Groups are drawn one by one, since there are histograms in them.
    pub drawn: bool,
    pub columns: Vec<Column>,
}

pub(super) struct Column {
    pub name: String,
    /// Grows with the values, so that what follows a long one stays aligned.
    pub width: usize,
    pub right: bool,
    /// It is a heat map.
    pub heat: Option<Heat>,
}

/// Room for the longest name of a layer.
pub(super) const LAYER_WIDTH: usize = 7;
/// Room for most names of guests.
pub(super) const GUEST_WIDTH: usize = 12;
/// Blanks behind a column.
pub(super) const GAP: usize = 2;

impl Table {
    pub fn new(statement: &StatementPlan, stream: &StreamPlan, several: bool) -> Self {
        let mut columns: Vec<Column> = stream.columns.iter().map(Column::new).collect();
        let timed = stream.groups.is_some() && statement.bounds.every.is_some();
        if timed {
            columns.push(Column::named("at", Type::Time));
        }
        let groups = stream.groups.iter();
        let all = groups.flat_map(|groups| groups.by.iter().chain(&groups.columns));
        let mut drawn = false;
        for column in all {
            drawn |= is_histogram(column);
            columns.push(Column::new(column));
        }
        Self {
            layer: several.then_some(stream.layer.name),
            grouped: stream.groups.is_some(),
            timed,
            drawn,
            columns,
        }
    }

    pub fn has_heat(&self) -> bool {
        self.columns.iter().any(|column| column.heat.is_some())
    }

    /// Gives heat maps the room that the other columns leave.
    pub fn fit(&mut self, room: usize) {
        let others = self.columns.iter().filter(|column| column.heat.is_none());
        let taken: usize = others.map(|column| column.width + GAP).sum();
        let taken = taken + self.layer.map_or(0, |_| LAYER_WIDTH + GAP);
        let heats = self.columns.iter().filter(|column| column.heat.is_some());
        let each = room.saturating_sub(taken) / heats.count().max(1);
        for column in &mut self.columns {
            if let Some(heat) = &mut column.heat {
                heat.fit(each.saturating_sub(GAP));
                column.width = heat.width();
            }
        }
    }
}

impl Column {
    fn new(column: &Planned) -> Self {
        let mut new = Self::named(&column.name, column.expr.ty);
        if matches!(column.expr.kind, ExprKind::Aggregate(Aggregate::Heat, _)) {
            let heat = Heat::new(column.expr.ty);
            (new.width, new.right) = (heat.width(), false);
            new.heat = Some(heat);
        }
        new
    }

    fn named(name: &str, ty: Type) -> Self {
        let (width, right) = shape(ty);
        let mut shown = String::new();
        escaped(&mut shown, name);
        Self {
            width: width.max(shown.chars().count()),
            name: shown,
            right,
            heat: None,
        }
    }
}

fn is_histogram(column: &Planned) -> bool {
    use Aggregate::{Hist, Lhist};
    matches!(column.expr.kind, ExprKind::Aggregate(Hist | Lhist, _))
}

/// The usual width of a type's values, and whether they are right-aligned.
fn shape(ty: Type) -> (usize, bool) {
    match ty {
        Type::Time => (15, false),
        Type::Text => (15, false),
        Type::Dev | Type::OfHost(Named::Dev) => (8, false),
        Type::File | Type::Cgroup | Type::OfHost(_) => (24, false),
        Type::Enum(_) => (6, false),
        Type::Bool => (5, false),
        Type::Int => (8, true),
        Type::Float => (8, true),
        Type::Pid => (7, true),
        Type::Duration => (6, true),
        Type::Bytes => (6, true),
    }
}

/// Appends a cell and the gap behind it.
pub(super) fn pad(line: &mut String, cell: &str, width: usize, right: bool) {
    let space = width.saturating_sub(cell.chars().count());
    let (before, behind) = if right { (space, 0) } else { (0, space) };
    line.extend(std::iter::repeat_n(' ', before));
    line.push_str(cell);
    line.extend(std::iter::repeat_n(' ', behind + GAP));
}
