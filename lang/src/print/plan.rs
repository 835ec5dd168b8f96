//! Plans: what the kernel decides and when, what is left, what is emitted, what is hooked.

use std::fmt::{Display, Formatter, Result};

use iotq_probes::catalogue::Type;

use super::{Constant, bare, column, list};
use crate::aggregate::Keep;
use crate::ir::{Bounds, Column, Name, NameKind};
use crate::plan::{
    GroupPlan, Kept, Operand, Plan, Role, StatementPlan, StreamPlan, TemplatePlan, Test,
    kept_words, key_words,
};
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
    let Some(join) = &statement.join else {
        return Ok(());
    };
    let only = if join.required {
        ", only full ones"
    } else {
        ""
    };
    out.write_str("  rows of requests: streams ")?;
    list(out, join.sources.iter().map(u8::to_string), ", ")?;
    writeln!(out, "{only}")?;
    if let Some(residual) = &join.residual {
        writeln!(out, "    user space:           {}", residual.display(names))?;
    }
    Ok(())
}

fn stream_text(out: &mut Formatter<'_>, stream: &StreamPlan, names: &[Name]) -> Result {
    let (layer, point) = (stream.layer.name, stream.point.name);
    let role = match stream.role {
        Role::Rows => "",
        Role::Root => ", with what it causes",
        Role::Child => ", as part of what caused it",
        Role::Beyond => ", of the host, looked up",
    };
    let optional = if stream.optional {
        ", if it is here"
    } else {
        ""
    };
    writeln!(
        out,
        "  stream {}: {layer}.{point}{role}{optional}",
        stream.bit
    )?;
    if !stream.is_judged() {
        return Ok(());
    }
    for clause in &stream.start {
        writeln!(out, "    kernel, at the start: {}", clause.display(names))?;
    }
    for clause in &stream.end {
        writeln!(out, "    kernel, at the end:   {}", clause.display(names))?;
    }
    if let Some(residual) = &stream.residual {
        writeln!(out, "    user space:           {}", residual.display(names))?;
    }
    match &stream.groups {
        Some(groups) => groups_text(out, groups, names),
        None => columns_text(out, "emit", &stream.columns, names),
    }
}

fn columns_text(out: &mut Formatter<'_>, what: &str, columns: &[Column], names: &[Name]) -> Result {
    write!(out, "    {what}: ")?;
    let each = |each: &Column| column(&each.expr.display(names), &each.name);
    list(out, columns.iter().map(each), ", ")?;
    writeln!(out)
}

fn groups_text(out: &mut Formatter<'_>, groups: &GroupPlan, names: &[Name]) -> Result {
    if !groups.by.is_empty() {
        let keys = groups.by.iter().enumerate();
        let keys = keys.map(|(index, key)| match groups.guest {
            Some(guest) if guest == index => column(&"the guest", &key.name),
            _ => column(&key.expr.display(names), &key.name),
        });
        write!(out, "    group by: ")?;
        list(out, keys, ", ")?;
        writeln!(out)?;
    }
    for (index, measure) in groups.measures.iter().enumerate() {
        let of = measure.of.display(names);
        write!(out, "    keep of {of}: {}", KeepText(measure.keep))?;
        match groups.kernel.iter().find_map(|it| it.kept.get(index)) {
            Some(kept) => writeln!(out, ", {}", KeptText(kept, measure.keep))?,
            None => writeln!(out)?,
        }
    }
    kernel_text(out, groups)?;
    columns_text(out, "emit", &groups.columns, names)?;
    if let Some(having) = &groups.having {
        writeln!(out, "    having: {}", having.display(names))?;
    }
    if let Some(top) = groups.top {
        writeln!(out, "    top: {top}")?;
    }
    Ok(())
}

/// Where the groups are.
fn kernel_text(out: &mut Formatter<'_>, groups: &GroupPlan) -> Result {
    let Some(kernel) = &groups.kernel else {
        return writeln!(out, "    groups: in user space");
    };
    let each = |key: &Operand| {
        let words = key.slot().map_or(0, key_words);
        let name = key.field().map_or("?", |field| field.name);
        format!("{name} ({words})")
    };
    write!(out, "    groups: in the kernel; key: ")?;
    list(out, kernel.key.iter().map(each), ", ")?;
    if kernel.key.is_empty() {
        out.write_str("none")?;
    }
    writeln!(
        out,
        "; {} of {} bytes on each CPU, two generations",
        kernel.room,
        kernel.bytes()
    )
}

/// Where it is kept in the kernel: `words 2..5, histogram 0`.
struct KeptText<'a>(&'a Kept, Keep);

impl Display for KeptText<'_> {
    fn fmt(&self, out: &mut Formatter<'_>) -> Result {
        let first = usize::from(self.0.cell);
        match kept_words(self.1) {
            1 => write!(out, "word {first}")?,
            words => write!(out, "words {first}..{}", first + words - 1)?,
        }
        match self.0.histogram {
            Some(number) => write!(out, ", histogram {number}"),
            None => Ok(()),
        }
    }
}

/// What is kept: `count, sum, histogram`.
struct KeepText(Keep);

impl Display for KeepText {
    fn fmt(&self, out: &mut Formatter<'_>) -> Result {
        let parts = match self.0 {
            Keep::Truth => return out.write_str("how often it holds"),
            Keep::Linear(linear) => return write!(out, "{} equal steps", linear.steps()),
            Keep::Numbers(parts) => parts,
        };
        let named = [
            (true, "count"),
            (parts.sum, "sum"),
            (parts.min, "min"),
            (parts.max, "max"),
            (parts.squares, "squares"),
            (parts.histogram, "histogram"),
        ];
        let kept = named.iter().filter(|(kept, _)| *kept);
        list(out, kept.map(|(_, name)| name), ", ")
    }
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
            writeln!(out, "  {name}: {} -> {}", hook.target, hook.program)?;
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
