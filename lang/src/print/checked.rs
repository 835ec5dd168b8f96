//! Checked programs, as the statements that they stand for.

use std::fmt::{Display, Formatter, Result};

use super::plan::BoundsText;
use super::{Named, column, list};
use crate::ir::{
    Checked, Column, Expr, Groups, Join, JoinSource, Kind, Output, Side, SourcePoint, Statement,
    Stream,
};

impl Display for Checked {
    fn fmt(&self, out: &mut Formatter<'_>) -> Result {
        for (index, statement) in self.statements.iter().enumerate() {
            writeln!(out, "statement {index}{}", BoundsText(&statement.bounds))?;
            self.statement(out, statement)?;
        }
        Ok(())
    }
}

impl Checked {
    fn statement(&self, out: &mut Formatter<'_>, statement: &Statement) -> Result {
        match &statement.kind {
            Kind::Streams(streams) => streams.iter().try_for_each(|each| self.stream(out, each)),
            Kind::Join(join) => self.join(out, join),
        }
    }

    fn stream(&self, out: &mut Formatter<'_>, stream: &Stream) -> Result {
        writeln!(out, "  on {}", source(&stream.source))?;
        self.rest(out, stream.filter.as_ref(), &stream.output, false)
    }

    fn join(&self, out: &mut Formatter<'_>, join: &Join) -> Result {
        let required = if join.required { " required" } else { "" };
        let each = |each: &JoinSource| {
            let optional = if each.optional { "?" } else { "" };
            source(&each.source) + optional
        };
        out.write_str("  join ")?;
        list(out, join.sources.iter().map(each), ", ")?;
        writeln!(out, "{required}")?;
        self.rest(out, join.filter.as_ref(), &join.output, true)
    }

    fn rest(
        &self,
        out: &mut Formatter<'_>,
        filter: Option<&Expr>,
        output: &Output,
        qualified: bool,
    ) -> Result {
        if let Some(filter) = filter {
            writeln!(out, "    where {}", self.expr(filter, qualified))?;
        }
        match output {
            Output::Rows(columns) => {
                out.write_str("    emit ")?;
                self.columns(out, columns, qualified)
            }
            Output::Groups(groups) => {
                out.write_str("    emit ")?;
                self.groups(out, groups, qualified)
            }
            Output::Tree => writeln!(out, "    emit tree"),
            Output::Stages(groups) => {
                out.write_str("    emit stages ")?;
                self.groups(out, groups, qualified)
            }
        }
    }

    fn groups(&self, out: &mut Formatter<'_>, groups: &Groups, qualified: bool) -> Result {
        self.columns(out, &groups.columns, qualified)?;
        if !groups.by.is_empty() {
            out.write_str("    by ")?;
            self.columns(out, &groups.by, qualified)?;
        }
        if let Some(top) = groups.top {
            writeln!(out, "    top {top}")?;
        }
        if let Some(having) = &groups.having {
            writeln!(out, "    having {}", self.expr(having, qualified))?;
        }
        Ok(())
    }

    fn columns(&self, out: &mut Formatter<'_>, columns: &[Column], qualified: bool) -> Result {
        let each = |each: &Column| column(&self.expr(&each.expr, qualified), &each.name);
        list(out, columns.iter().map(each), ", ")?;
        writeln!(out)
    }

    fn expr<'a>(&'a self, expr: &'a Expr, qualified: bool) -> Named<'a, Expr> {
        Named {
            what: expr,
            names: &self.names,
            qualified,
        }
    }
}

fn source(source: &SourcePoint) -> String {
    let side = match source.side {
        Side::Local => "",
        Side::Guest => "guest.",
        Side::Host => "host.",
    };
    format!("{side}{}.{}", source.layer.name, source.point.name)
}
