//! Plans: what the kernel decides and when, what is left, what is emitted, what is hooked.

use std::fmt::{Display, Formatter, Result};

use iotq_probes::catalogue::Type;

use super::{Constant, bare, column, list};
use crate::ir::{Bounds, Name, NameKind};
use crate::plan::{Plan, StatementPlan, StreamPlan, TemplatePlan, Test};
use crate::value::Const;

impl Display for Plan {
    fn fmt(&self, out: &mut Formatter<'_>) -> Result {
        for (index, statement) in self.statements.iter().enumerate() {
            statement_text(out, index, statement, &self.names)?;
        }
        for template in &self.templates {
            template_text(out, template)?;
        }
        for name in &self.names {
            writeln!(out, "name {}: {}", bare(&name.text), kind(name.kind))?;
        }
        let texts = self.texts();
        if !texts.is_empty() {
            out.write_str("texts: ")?;
            list(out, texts.into_iter().map(text), ", ")?;
            writeln!(out)?;
        }
        Ok(())
    }
}

fn statement_text(
    out: &mut Formatter<'_>,
    index: usize,
    statement: &StatementPlan,
    names: &[Name],
) -> Result {
    writeln!(out, "statement {index}{}", BoundsText(&statement.bounds))?;
    for stream in &statement.streams {
        stream_text(out, stream, names)?;
    }
    Ok(())
}

fn stream_text(out: &mut Formatter<'_>, stream: &StreamPlan, names: &[Name]) -> Result {
    let (layer, point) = (stream.layer.name, stream.point.name);
    writeln!(out, "  stream {}: {layer}.{point}", stream.bit)?;
    for clause in &stream.start {
        writeln!(out, "    kernel, at the start: {}", clause.display(names))?;
    }
    for clause in &stream.end {
        writeln!(out, "    kernel, at the end:   {}", clause.display(names))?;
    }
    if let Some(residual) = &stream.residual {
        writeln!(out, "    user space:           {}", residual.display(names))?;
    }
    out.write_str("    emit: ")?;
    list(
        out,
        stream
            .columns
            .iter()
            .map(|each| column(&each.expr.display(names), &each.name)),
        ", ",
    )?;
    writeln!(out)
}

fn template_text(out: &mut Formatter<'_>, template: &TemplatePlan) -> Result {
    let layer = template.layer;
    writeln!(out, "template {}", layer.name)?;
    let points = template
        .points
        .iter()
        .map(|point| (point.name, point.hooks));
    for (name, hooks) in points.chain([("upkeep", layer.upkeep)]) {
        for hook in hooks {
            writeln!(out, "  {name}: {} -> {}", hook.tracepoint, hook.program)?;
        }
    }
    out.write_str("  fields: ")?;
    list(out, template.fields.iter().map(|field| field.name), ", ")?;
    writeln!(out)
}

/// What ends a statement: `: for 30s, limit 10`.
pub(super) struct BoundsText<'a>(pub(super) &'a Bounds);

impl Display for BoundsText<'_> {
    fn fmt(&self, out: &mut Formatter<'_>) -> Result {
        let Bounds {
            duration,
            limit,
            every,
        } = *self.0;
        let time = |ns: u64| Constant(&Const::Int(ns.into()), Type::Duration).to_string();
        let bounds = [
            duration.map(|ns| format!("for {}", time(ns))),
            limit.map(|rows| format!("limit {rows}")),
            every.map(|ns| format!("every {}", time(ns))),
        ];
        let bounds: Vec<String> = bounds.into_iter().flatten().collect();
        if !bounds.is_empty() {
            out.write_str(": ")?;
        }
        list(out, bounds, ", ")
    }
}

fn kind(kind: NameKind) -> &'static str {
    match kind {
        NameKind::Dev => "a block device",
        NameKind::File => "a file",
        NameKind::Dir => "a directory",
        NameKind::Cgroup => "a control group",
        NameKind::CgroupTree => "a control group and those below it",
        NameKind::Family => "a process and its descendants",
        NameKind::Child => "the command's process",
    }
}

fn text(test: &Test) -> String {
    match test {
        Test::Prefix(prefix) => format!("{:?}", format!("{prefix}*")),
        Test::Text(text) => format!("{text:?}"),
        _ => String::new(),
    }
}
