//! `by guest`: groups of several guests that stay apart.
//!
//! A guest does not know what its host calls it. So this key is taken out of its half, and put in where the host makes one
//! answer of all groups.

use crate::half::Apart;
use crate::syntax::ast::{self, ExprKind, Item, Statement};

/// What stands for the name of a guest.
const NAME: &str = "guest";

/// Takes the key out of all statements about guests. One that is left without keys says so with an empty `by`.
pub(super) fn take(script: &mut ast::Script) -> Vec<Apart> {
    if script.items.iter().any(|item| defines(&item.node)) {
        return Vec::new();
    }
    let statements = script.items.iter_mut().filter_map(|it| match &mut it.node {
        Item::Statement(it) => Some(it),
        _ => None,
    });
    let taken = statements.enumerate().filter_map(|(statement, it)| {
        let (key, column) = key(it)?;
        let name = column.name.map_or_else(|| NAME.to_owned(), |it| it.node);
        Some(Apart {
            statement,
            key,
            name,
        })
    });
    taken.collect()
}

fn key(it: &mut Statement) -> Option<(usize, ast::Column)> {
    let is_guest = |it: &ast::Source| it.path.node.len() > 1 && it.path.node[0].node == NAME;
    it.sources.iter().any(is_guest).then_some(())?;
    let keys = &mut it.by.as_mut()?.node;
    let at = keys.iter().position(|key| match &key.expr.node {
        ExprKind::Path(path) => matches!(path.parts.as_slice(), [word] if word.node == NAME),
        _ => false,
    })?;
    Some((at, keys.remove(at)))
}

/// Whether an item gives the word another meaning.
fn defines(item: &Item) -> bool {
    match item {
        Item::Let(it) | Item::Def(it) => it.name.node == NAME,
        Item::Param(it) => it.name.node == NAME,
        Item::Use(_) | Item::Statement(_) => false,
    }
}
