//! The layers and points that a statement reads.

use iotq_probes::catalogue::{self, LAYERS, Layer, Point};

use super::near::{did_you_mean, near};
use super::{Checker, Res};
use crate::diag::Diagnostic;
use crate::diag::codes::names::{UNKNOWN_LAYER, UNKNOWN_POINT};
use crate::diag::codes::statements::{NOT_A_LAYER, NOT_A_POINT, NOT_HERE, TWICE};
use crate::ir::{JoinSource, Side, SourcePoint};
use crate::source::Span;
use crate::syntax::ast::{Name, Source, Statement, Verb};

/// The machine that a qualifier means.
pub(super) fn side(word: &str) -> Option<Side> {
    match word {
        "guest" => Some(Side::Guest),
        "host" => Some(Side::Host),
        _ => None,
    }
}

impl Checker<'_> {
    /// All sources of a statement.
    pub(super) fn statement_sources(&mut self, it: &Statement) -> Res<Vec<JoinSource>> {
        let all: Vec<_> = it
            .sources
            .iter()
            .map(|source| self.source(source, it.verb))
            .collect();
        let all: Vec<JoinSource> = all.into_iter().collect::<Res<_>>()?;
        for (index, one) in all.iter().enumerate() {
            let same = |other: &&JoinSource| {
                let (a, b) = (&one.source, &other.source);
                (a.side, a.layer.id, a.point.id) == (b.side, b.layer.id, b.point.id)
            };
            if let Some(first) = all[..index].iter().find(same) {
                let error = Diagnostic::new(&TWICE, "this source is named twice")
                    .label(one.source.span, "again")
                    .label(first.source.span, "first here");
                return Err(self.report(error));
            }
        }
        Ok(all)
    }

    fn source(&mut self, it: &Source, verb: Verb) -> Res<JoinSource> {
        if let Some(word) = it.optional.filter(|_| verb != Verb::Join) {
            let error = Diagnostic::new(&NOT_HERE, "only a join has optional layers")
                .label(word.span, "nothing to join here");
            return Err(self.report(error));
        }
        let source = self.source_point(&it.path.node, it.path.span, verb)?;
        Ok(JoinSource {
            source,
            optional: it.optional.is_some(),
        })
    }

    fn source_point(&mut self, path: &[Name], span: Span, verb: Verb) -> Res<SourcePoint> {
        let (side, path) = match path.split_first() {
            Some((first, rest)) if !rest.is_empty() => match side(&first.node) {
                Some(side) => (side, rest),
                None => (Side::Local, path),
            },
            _ => (Side::Local, path),
        };
        let Some((first, rest)) = path.split_first() else {
            return Err(super::Reported);
        };
        let layer = self.layer(first)?;
        let point = match (verb, rest) {
            (Verb::On, [point]) => self.point(layer, point)?,
            (Verb::On, _) => return Err(self.not_a_point(layer, rest, span)),
            (_, []) => layer.end_point(),
            (_, [point, ..]) => return Err(self.not_a_layer(layer, point, span, verb)),
        };
        Ok(SourcePoint {
            side,
            layer,
            point,
            span,
        })
    }

    fn layer(&mut self, name: &Name) -> Res<&'static Layer> {
        if let Some(layer) = catalogue::layer(&name.node) {
            return Ok(layer);
        }
        if self.is_full() {
            return Err(super::Reported);
        }
        let names = LAYERS.map(|layer| layer.name);
        let mut error = Diagnostic::new(&UNKNOWN_LAYER, format!("unknown layer `{}`", name.node))
            .label(name.span, "no such layer");
        error.help.extend(did_you_mean(&near(&name.node, names)));
        Err(self.report(error.help(format!("layers are {}", names.join(", ")))))
    }

    fn point(&mut self, layer: &'static Layer, name: &Name) -> Res<&'static Point> {
        if let Some(point) = layer.point(&name.node) {
            return Ok(point);
        }
        let message = format!("`{}` has no point `{}`", layer.name, name.node);
        let mut error = Diagnostic::new(&UNKNOWN_POINT, message).label(name.span, "no such point");
        let names = layer.points.iter().map(|point| point.name);
        error.help.extend(did_you_mean(&near(&name.node, names)));
        Err(self.report(error.help(format!("its points are {}", points(layer)))))
    }

    fn not_a_point(&mut self, layer: &Layer, rest: &[Name], span: Span) -> super::Reported {
        let name = layer.name;
        let error = if rest.is_empty() {
            Diagnostic::new(&NOT_A_POINT, "`on` takes points of layers")
                .label(span, "this is a whole layer")
                .help(format!(
                    "name a point: `{name}.{}`; there are {}",
                    layer.end,
                    points(layer)
                ))
                .help(format!(
                    "or write `trace {name}`, one row for each operation"
                ))
        } else {
            Diagnostic::new(&NOT_A_POINT, "a point is written `layer.point`")
                .label(span, "too many words")
        };
        self.report(error)
    }

    fn not_a_layer(
        &mut self,
        layer: &Layer,
        point: &Name,
        span: Span,
        verb: Verb,
    ) -> super::Reported {
        let word = if verb == Verb::Join { "join" } else { "trace" };
        let mut error = Diagnostic::new(&NOT_A_LAYER, format!("`{word}` takes layers"))
            .label(span, "not a layer")
            .help(format!("write `{word} {}`", layer.name));
        if verb == Verb::Trace && layer.point(&point.node).is_some() {
            error = error.help(format!(
                "for events at that point, write `on {}.{}`",
                layer.name, point.node
            ));
        }
        self.report(error)
    }
}

fn points(layer: &Layer) -> String {
    let names: Vec<_> = layer.points.iter().map(|point| point.name).collect();
    names.join(", ")
}
