//! The native code of a plan, for people.

use std::fmt::{Display, Formatter, Result};

use iotq_lang::ir::Expr;
use iotq_lang::plan::{Plan, StreamPlan};

use super::{Compiler, Unsupported, Use};
use crate::Clock;

/// What is computed in user space, with the code for it: cranelift's own form, then the instructions of this machine.
pub struct Listing<'a> {
    plan: &'a Plan,
    clock: Clock,
}

impl<'a> Listing<'a> {
    /// That of a bound plan, for records of this clock.
    pub fn new(plan: &'a Plan, clock: Clock) -> Self {
        Self { plan, clock }
    }

    fn stream(&self, out: &mut Formatter<'_>, stream: &StreamPlan) -> Result {
        let StreamPlan {
            bit, layer, point, ..
        } = stream;
        writeln!(out, "stream {bit}: {}.{}", layer.name, point.name)?;
        let mut compiler = Compiler::new(self.clock);
        let mut one = |what: &str, expr: &Expr, wanted: Use| {
            let shown = expr.display(&self.plan.names);
            match compiler.list(layer, expr, wanted) {
                Err(Unsupported::Plain) => Ok(()),
                Err(why) => writeln!(out, "{what} {shown}: left to the evaluator, because {why}"),
                Ok(code) => writeln!(out, "{what} {shown}\n\n{code}"),
            }
        };
        if let Some(residual) = &stream.residual {
            one("  where", residual, Use::Condition)?;
        }
        for column in &stream.columns {
            one("  emit", &column.expr, Use::Value)?;
        }
        Ok(())
    }
}

impl Display for Listing<'_> {
    fn fmt(&self, out: &mut Formatter<'_>) -> Result {
        for (number, statement) in self.plan.statements.iter().enumerate() {
            writeln!(out, "statement {number}")?;
            for stream in &statement.streams {
                write!(out, "  ")?;
                self.stream(out, stream)?;
            }
        }
        Ok(())
    }
}
