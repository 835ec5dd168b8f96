//! What the language means and this build cannot run: all of it, in one go.

use iotq_probes::abi;

use crate::diag::codes::build;
use crate::diag::{Diagnostic, Errors};
use crate::ir::{
    Column, Expr, ExprKind, Groups, Join, Name, NameId, NameKind, Output, Side, SourcePoint, Stream,
};
use crate::source::Span;

/// The refusals so far.
pub(super) struct Refusals<'a> {
    names: &'a [Name],
    found: Vec<Diagnostic>,
}

impl<'a> Refusals<'a> {
    pub(super) fn new(names: &'a [Name]) -> Self {
        let found = Vec::new();
        Self { names, found }
    }

    pub(super) fn into_result(self) -> Result<(), Errors> {
        if self.found.is_empty() {
            Ok(())
        } else {
            Err(Errors(self.found))
        }
    }

    /// `more` streams after those `before`, of all statements.
    pub(super) fn count(&mut self, before: usize, more: usize, span: Span) {
        let most = abi::IOTQ_MAX_QUERIES as usize;
        if before <= most && before + more > most {
            let message = format!("more than {most} streams in one script");
            let error = Diagnostic::new(&build::STREAMS, message)
                .label(span, format!("with this, there are {}", before + more))
                .help("run the statements in several scripts, or trace fewer layers in each");
            self.found.push(error);
        }
    }

    pub(super) fn stream(&mut self, stream: &Stream) {
        self.source(&stream.source);
        self.filter(stream.filter.as_ref());
        match &stream.output {
            Output::Groups(groups) => self.groups(groups),
            output => self.output(output, stream.source.span),
        }
    }

    pub(super) fn join(&mut self, join: &Join, span: Span) {
        let error = Diagnostic::new(&build::JOIN, "joins are not in this build")
            .label(span, "asks for rows over several layers")
            .help("trace the layers side by side: `trace syscall, block where …`");
        self.found.push(error);
        for each in &join.sources {
            self.source(&each.source);
        }
        self.filter(join.filter.as_ref());
        self.output(&join.output, span);
    }

    fn source(&mut self, source: &SourcePoint) {
        let layer = source.layer.name;
        if source.side != Side::Local {
            let error =
                Diagnostic::new(&build::SIDES, "the two sides of a VM are not in this build")
                    .label(source.span, "is on the other side of a VM boundary")
                    .help(format!(
                        "run the query where `{layer}` is, without the qualifier"
                    ));
            self.found.push(error);
        }
        let message = if source.layer.record.is_none() {
            format!("the layer `{layer}` is not in this build")
        } else if source.point.hooks.is_empty() {
            format!(
                "the point `{layer}.{}` is not in this build",
                source.point.name
            )
        } else {
            return;
        };
        let error = Diagnostic::new(&build::LAYER, message)
            .label(source.span, "has no probes yet")
            .help("`iotq list` shows the layers and points that can be traced");
        self.found.push(error);
    }

    fn output(&mut self, output: &Output, span: Span) {
        match output {
            Output::Rows(columns) => self.columns(columns),
            Output::Groups(groups) => {
                self.grouped(groups, span);
                self.groups(groups);
            }
            Output::Tree => self.shape("tree", span),
            Output::Stages(groups) => {
                self.shape("stages", span);
                self.groups(groups);
            }
        }
    }

    fn grouped(&mut self, groups: &Groups, span: Span) {
        let first = groups.columns.first().or(groups.by.first());
        let place = first.map_or(span, |column| column.expr.span);
        self.aggregation(place);
    }

    fn aggregation(&mut self, place: Span) {
        let error = Diagnostic::new(
            &build::GROUPS,
            "aggregation over a join is not in this build",
        )
        .label(place, "is computed over many operations")
        .help("aggregate a single layer: `on syscall.exit emit p99(lat) by op`");
        self.found.push(error);
    }

    fn shape(&mut self, shape: &str, span: Span) {
        let error = Diagnostic::new(
            &build::SHAPES,
            format!("`emit {shape}` is not in this build"),
        )
        .label(span, "asks for the parts of whole requests")
        .help(
            "the fields `q2i`, `i2d`, `q2d` and `d2c` of `block` say where a request's time went",
        );
        self.found.push(error);
    }

    fn groups(&mut self, groups: &Groups) {
        for column in groups.columns.iter().chain(&groups.by) {
            self.names(&column.expr);
        }
        groups.having.iter().for_each(|having| self.names(having));
    }

    fn columns(&mut self, columns: &[Column]) {
        columns
            .iter()
            .for_each(|column| self.condition(&column.expr));
    }

    fn filter(&mut self, filter: Option<&Expr>) {
        filter.into_iter().for_each(|filter| self.condition(filter));
    }

    /// An expression of single records.
    fn condition(&mut self, expr: &Expr) {
        self.names(expr);
        expr.walk(&mut |expr| {
            let of_many = matches!(expr.kind, ExprKind::Aggregate(..) | ExprKind::Children(_));
            if of_many {
                self.aggregation(expr.span);
            }
        });
    }

    fn names(&mut self, expr: &Expr) {
        expr.walk(&mut |expr| {
            let (ExprKind::Is(_, NameId(name)) | ExprKind::Under(_, NameId(name))) = expr.kind
            else {
                return;
            };
            let Some(Name { kind: NameKind::Dir, text, .. }) = self.names.get(name) else {
                return;
            };
            let error = Diagnostic::new(&build::DIRECTORIES, "directories are not in this build")
                .label(expr.span, format!("asks for every file below `{text}`"))
                .help("name the files: `file == \"/path\"`, or match the last component: `name ~ \"*.log\"`");
            self.found.push(error);
        });
    }
}
