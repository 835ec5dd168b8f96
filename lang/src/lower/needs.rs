//! What a plan needs of the templates: points to hook, fields to fill.

use iotq_probes::catalogue::{CHILDREN, CHILDREN_POINTS, Field, LAYERS, Layer, Point, ROOTS};

use crate::ir::{Expr, FieldRef};
use crate::plan::{Plan, StreamPlan, TemplatePlan};

/// The templates of all streams, in the order of the layers.
pub(super) fn templates(plan: &Plan) -> Vec<TemplatePlan> {
    let streams: Vec<&StreamPlan> = plan.streams().collect();
    let read = read(plan);
    let follows = plan.follows();
    let guests = plan.follows_guests();
    let template = |layer: &&'static Layer| {
        let of_layer = |stream: &&&StreamPlan| stream.layer.id == layer.id;
        let streams: Vec<&StreamPlan> = streams.iter().filter(of_layer).copied().collect();
        // What is done for guests is known by QEMU's calls, whether anybody reads these or not.
        let is_needed = !streams.is_empty() || guests && layer.id == ROOTS.id;
        is_needed.then(|| template(layer, &streams, &read, follows))
    };
    LAYERS.iter().filter_map(template).collect()
}

fn template(
    layer: &'static Layer,
    streams: &[&StreamPlan],
    read: &[FieldRef],
    follows: bool,
) -> TemplatePlan {
    let is_read = |field: &&Field| {
        let same = |it: &FieldRef| it.layer.id == layer.id && it.field.name == field.name;
        read.iter().any(same)
    };
    let fields: Vec<&'static Field> = layer.fields.iter().filter(is_read).collect();
    let follows = follows && layer.id == CHILDREN.id;
    let is_hooked = |point: &&Point| {
        let asked = streams.iter().any(|stream| stream.point.id == point.id)
            || streams.is_empty() && layer.end == point.name;
        let followed = follows && CHILDREN_POINTS.contains(&point.name);
        let needed = fields.iter().any(|field| field.needs.contains(&point.name));
        asked || followed || needed
    };
    TemplatePlan {
        layer,
        optional: !streams.is_empty() && streams.iter().all(|stream| stream.optional),
        points: layer.points.iter().filter(is_hooked).collect(),
        fields,
    }
}

/// The fields that any part of the plan reads.
fn read(plan: &Plan) -> Vec<FieldRef> {
    let streams = plan.streams().flat_map(StreamPlan::exprs);
    let joins = plan.statements.iter().filter_map(|it| it.join.as_ref());
    let exprs = streams.chain(joins.filter_map(|join| join.filter.as_ref()));
    let mut read = Vec::new();
    exprs.for_each(|expr| fields(expr, &mut read));
    read
}

fn fields(expr: &Expr, read: &mut Vec<FieldRef>) {
    expr.walk(&mut |expr| read.extend(expr.reads()));
}
