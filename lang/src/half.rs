//! A guest's half of a program: text for the guest's own compiler.
//!
//! It is data, and complete: it names no files and no modules. Whoever compiles it needs not trust whoever made it.

use crate::check::{Inputs, check};
use crate::diag::codes::build::HALF;
use crate::diag::{Diagnostic, Errors};
use crate::ir::{Column, Expr};
use crate::lower::lower;
use crate::plan::Plan;
use crate::source::{Source, Sources, Span};
use crate::syntax;
use crate::syntax::ast::Item;
use crate::value::Const;
use iotq_probes::catalogue::Type;

/// The most bytes of a half, all of its texts together.
pub const MAX_TEXT: usize = 64 << 10;

/// The most statements.
pub const MAX_STATEMENTS: usize = 32;

/// What a guest is asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Half {
    /// Its statements without qualifiers, and the definitions that they need.
    pub text: String,
    /// The values of `$1`, `$2` …
    pub args: Vec<String>,
    /// The values of its parameters, as typed.
    pub params: Vec<(String, String)>,
    /// Whose groups stay apart: guests are not told.
    pub apart: Vec<Apart>,
}

/// A statement whose groups stay apart by guest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Apart {
    /// Its index.
    pub statement: usize,
    /// Where the guest's name stands among the keys.
    pub key: usize,
    /// What this key is called.
    pub name: String,
}

impl Half {
    /// The plan of it. Both sides make it, so streams have the same bits on both.
    ///
    /// # Errors
    /// If it is too large, or is no program that a guest can run.
    pub fn plan(&self) -> Result<Plan, Errors> {
        let params = self.params.iter().flat_map(|(name, value)| [name, value]);
        let more: usize = self.args.iter().chain(params).map(String::len).sum();
        if self.text.len() + more > MAX_TEXT {
            return Err(too_large(format!("more than {MAX_TEXT} bytes")));
        }
        let script = syntax::parse(&self.text)?;
        let is_statement = |item: &Item| matches!(item, Item::Statement(_));
        let items = script.items.iter();
        let statements = items.filter(|item| is_statement(&item.node)).count();
        if statements > MAX_STATEMENTS {
            return Err(too_large(format!("more than {MAX_STATEMENTS} statements")));
        }
        let inputs = Inputs {
            args: self.args.clone(),
            params: self.params.clone(),
            ..Inputs::default()
        };
        let mut plan = lower(check(&mut self.sources(), &script, &inputs)?)?;
        self.tell_apart(&mut plan);
        Ok(plan)
    }

    /// Puts the guest's name among the keys of a plan of these statements.
    pub(crate) fn tell_apart(&self, plan: &mut Plan) {
        for Apart {
            statement,
            key,
            name,
        } in &self.apart
        {
            let streams = plan.statements.get_mut(*statement).into_iter();
            let groups = streams
                .flat_map(|it| &mut it.streams)
                .map(|it| &mut it.groups);
            for groups in groups.flatten().filter(|it| *key <= it.by.len()) {
                let unknown = Const::Text(String::new());
                let expr = Expr::constant(unknown, Type::Text, Span::default());
                let name = name.clone();
                groups.by.insert(*key, Column { name, expr });
                groups.guest = Some(*key);
            }
        }
    }

    /// The text as errors refer to it.
    pub fn sources(&self) -> Sources {
        Sources(vec![Source {
            name: "<guest>".into(),
            text: self.text.clone(),
        }])
    }
}

fn too_large(why: String) -> Errors {
    let message = "what is asked of a guest is too large";
    Errors(vec![Diagnostic::new(&HALF, message).help(why)])
}

#[cfg(test)]
mod tests;
