//! What the language means and this build cannot run: all of it, in one go.

use iotq_probes::abi;

use crate::diag::codes::build;
use crate::diag::{Diagnostic, Errors};
use crate::ir::{
    Expr, ExprKind, Groups, Join, Name, NameId, NameKind, Output, Side, SourcePoint, Stream,
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
        if let Some(filter) = &stream.filter {
            self.names(filter);
        }
        self.output(&stream.output);
    }

    pub(super) fn join(&mut self, join: &Join) {
        for (index, each) in join.sources.iter().enumerate() {
            self.source(&each.source);
            self.joined(join, index);
        }
        if let Some(filter) = &join.filter {
            self.names(filter);
        }
        self.output(&join.output);
    }

    /// The root's layer must be one whose operations can be followed, and the others lie below it.
    fn joined(&mut self, join: &Join, index: usize) {
        let (Some(root), Some(source)) = (join.sources.first(), join.sources.get(index)) else {
            return;
        };
        let (root, source) = (root.source.layer, &source.source);
        let layer = source.layer;
        let why = match index {
            0 if layer.root.is_none() => (
                "its operations have nothing followed below them",
                "begin with the layer of the caller: `join syscall, block …`",
            ),
            0 => return,
            _ if layer.is_of_guests() => (
                "its requests are a guest's: no call here causes them",
                "begin with it: `join qemu, syscall, block …`",
            ),
            _ if root.is_of_guests() && layer.is_beside_calls() => (
                "it tells of callers, and a guest's request has none here",
                "below a guest's request are `syscall`, `block` and the drivers",
            ),
            _ if layer.root.is_some() && !root.is_of_guests() => (
                "it stands above the others: it must come first",
                "begin with it",
            ),
            _ => return,
        };
        let message = format!("a join cannot be made of `{}` in this place", layer.name);
        let error = Diagnostic::new(&build::JOIN, message);
        self.found.push(error.label(source.span, why.0).help(why.1));
    }

    fn source(&mut self, source: &SourcePoint) {
        let elsewhere = match source.side {
            Side::Local => None,
            Side::Guest => Some((
                "a guest is asked from its host",
                "on the host: `iotq host --guest NAME -e '…'`; or in the guest, without the qualifier",
            )),
            Side::Host => Some((
                "without `iotq host` there is only this machine",
                "leave the qualifier out",
            )),
        };
        if let Some((message, help)) = elsewhere {
            let error = Diagnostic::new(&build::SIDES, message)
                .label(source.span, "this is one side of a VM boundary");
            self.found.push(error.help(help));
        }
    }

    fn output(&mut self, output: &Output) {
        match output {
            Output::Rows(columns) => columns.iter().for_each(|it| self.names(&it.expr)),
            Output::Groups(groups) | Output::Stages(groups) => self.groups(groups),
            Output::Tree => {}
        }
    }

    fn groups(&mut self, groups: &Groups) {
        for column in groups.columns.iter().chain(&groups.by) {
            self.names(&column.expr);
        }
        groups.having.iter().for_each(|having| self.names(having));
    }

    fn names(&mut self, expr: &Expr) {
        expr.walk(&mut |expr| {
            let ExprKind::Under(field, NameId(name)) = expr.kind else {
                return;
            };
            let is_directory = self.names.get(name).is_some_and(|name| name.kind == NameKind::Dir);
            if !is_directory || field.field.in_directories {
                return;
            }
            let layer = field.layer.name;
            let message = format!("in which directories a file lies is not known to `{layer}`");
            let error = Diagnostic::new(&build::DIRECTORIES, message)
                .label(expr.span, "asks for every file below a directory")
                .help("ask the calls: `trace syscall where file under …`, or a join that begins with them");
            self.found.push(error);
        });
    }
}
