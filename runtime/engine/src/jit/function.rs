//! Functions of values.

use iotq_lang::ir::{CompareOp, Expr, Function};

use super::Unsupported;
use super::emit::Emitter;
use super::value::{Data, Val};

impl Emitter<'_> {
    /// `name(args)`
    pub fn function(&mut self, function: Function, args: &[Expr]) -> Result<Val, Unsupported> {
        let values: Result<Vec<Val>, _> = args.iter().map(|arg| self.value(arg)).collect();
        let values = values?;
        match (function, &values[..]) {
            (Function::Abs, [value, ..]) => self.absolute(value),
            (Function::Bucket, [value, width, ..]) => Ok(self.bucket(value, width)),
            (Function::Lower, [value, ..]) => self.lower(value),
            (Function::Length, [value, ..]) => self.length(value),
            (Function::Least, [first, rest @ ..]) => self.extreme(first, rest, CompareOp::Lt),
            (Function::Greatest, [first, rest @ ..]) => self.extreme(first, rest, CompareOp::Gt),
            (Function::Coalesce, [first, rest @ ..]) => self.coalesce(first, rest),
            _ => Ok(Val::NULL),
        }
    }

    /// The value that stands so to all others; null if one of them is.
    fn extreme(
        &mut self,
        first: &Val,
        rest: &[Val],
        wanted: CompareOp,
    ) -> Result<Val, Unsupported> {
        let mut best = first.clone();
        for value in rest {
            let order = self.compare(wanted, value, &best)?;
            let chosen = self.choose(order.holds, value, &best)?;
            best = Val::when(order.known, chosen.data);
        }
        Ok(best)
    }

    /// The first that is there.
    fn coalesce(&mut self, first: &Val, rest: &[Val]) -> Result<Val, Unsupported> {
        let mut found = first.clone();
        for other in rest {
            found = match (&found.data, found.known) {
                (Data::Null, _) => other.clone(),
                (_, None) => found,
                (_, Some(known)) => self.choose(known, &found, other)?,
            };
        }
        Ok(found)
    }
}
