//! Statements: their sources, filters and bounds.

use iotq_probes::catalogue::Type;

use super::{Checker, Env, Place, Res};
use crate::diag::Diagnostic;
use crate::diag::codes::statements::{NOT_HERE, NOT_POSITIVE};
use crate::ir::{Bounds, Expr, Join, JoinSource, Kind, SourcePoint, Statement, Stream};
use crate::source::Span;
use crate::syntax::ast::{self, Spanned, Verb};
use crate::value::Const;

impl Checker<'_> {
    /// One statement.
    pub(super) fn statement(&mut self, it: &ast::Statement, span: Span) -> Res<Statement> {
        self.env = Env::default();
        let bounds = self.bounds(it);
        let sources = self.statement_sources(it)?;
        let kind = match it.verb {
            Verb::Join => self.join(it, sources),
            Verb::Trace | Verb::On => self.streams(it, &sources),
        };
        Ok(Statement {
            span,
            kind: kind?,
            bounds: bounds?,
        })
    }

    fn streams(&mut self, it: &ast::Statement, sources: &[JoinSource]) -> Res<Kind> {
        if let Some(required) = &it.required {
            let error = Diagnostic::new(&NOT_HERE, "`required` belongs to a join")
                .label(required.span, "these rows are always full");
            return Err(self.report(error));
        }
        let streams: Vec<_> = sources
            .iter()
            .map(|one| self.stream(it, one.source))
            .collect();
        let streams: Res<Vec<_>> = streams.into_iter().collect();
        streams.map(Kind::Streams)
    }

    fn stream(&mut self, it: &ast::Statement, source: SourcePoint) -> Res<Stream> {
        self.env.sources = vec![source];
        let filter = self.filter(it);
        let output = self.output(it);
        Ok(Stream {
            source,
            filter: filter?,
            output: output?,
        })
    }

    fn join(&mut self, it: &ast::Statement, sources: Vec<JoinSource>) -> Res<Kind> {
        self.env.sources = sources.iter().map(|one| one.source).collect();
        self.env.join = true;
        let filter = self.filter(it);
        let output = self.output(it);
        Ok(Kind::Join(Join {
            sources,
            filter: filter?,
            output: output?,
            required: it.required.is_some(),
        }))
    }

    fn filter(&mut self, it: &ast::Statement) -> Res<Option<Expr>> {
        let Some(filter) = &it.filter else {
            return Ok(None);
        };
        self.in_place(Place::Row, |checker| checker.condition(&filter.node))
            .map(Some)
    }

    fn bounds(&mut self, it: &ast::Statement) -> Res<Bounds> {
        let duration = self.bound(it.duration.as_ref(), Type::Duration);
        let limit = self.bound(it.limit.as_ref(), Type::Int);
        let every = self.bound(it.every.as_ref(), Type::Duration);
        Ok(Bounds {
            duration: duration?,
            limit: limit?,
            every: every?,
        })
    }

    /// The value of `for`, `limit`, `every` or `top`; one that is `any` sets no bound.
    pub(super) fn bound(&mut self, it: Option<&Spanned<ast::Expr>>, ty: Type) -> Res<Option<u64>> {
        let Some(clause) = it else {
            return Ok(None);
        };
        if self.is_any(&clause.node) {
            return Ok(None);
        }
        let value = self.constant(&clause.node, ty, clause.span)?;
        match value {
            Const::Int(value @ 1..) if u64::try_from(value).is_ok() => {
                Ok(u64::try_from(value).ok())
            }
            _ => {
                let error = Diagnostic::new(&NOT_POSITIVE, "this must be more than zero")
                    .label(clause.node.span, "nothing would come out");
                Err(self.report(error))
            }
        }
    }
}
