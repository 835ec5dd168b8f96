//! What a plan needs of the templates: points to hook, fields to fill.

use iotq_probes::catalogue::{Field, LAYERS, Layer, Point};

use crate::ir::Expr;
use crate::plan::{Plan, StreamPlan, TemplatePlan};

/// The templates of all streams, in the order of the layers.
pub(super) fn templates(plan: &Plan) -> Vec<TemplatePlan> {
    let streams: Vec<&StreamPlan> = plan.streams().collect();
    let template = |layer: &&'static Layer| {
        let of_layer = |stream: &&&StreamPlan| stream.layer.id == layer.id;
        let streams: Vec<&StreamPlan> = streams.iter().filter(of_layer).copied().collect();
        (!streams.is_empty()).then(|| template(layer, &streams))
    };
    LAYERS.iter().filter_map(template).collect()
}

fn template(layer: &'static Layer, streams: &[&StreamPlan]) -> TemplatePlan {
    let mut read = Vec::new();
    let exprs = streams.iter().flat_map(|stream| stream.exprs());
    exprs.for_each(|expr| fields(expr, &mut read));
    let is_read = |field: &&Field| read.contains(&field.name);
    let fields: Vec<&'static Field> = layer.fields.iter().filter(is_read).collect();
    let is_hooked = |point: &&Point| {
        let asked = streams.iter().any(|stream| stream.point.id == point.id);
        asked || fields.iter().any(|field| field.needs.contains(&point.name))
    };
    TemplatePlan {
        layer,
        points: layer.points.iter().filter(is_hooked).collect(),
        fields,
    }
}

fn fields(expr: &Expr, read: &mut Vec<&'static str>) {
    expr.walk(&mut |expr| read.extend(expr.reads().map(|field| field.field.name)));
}
