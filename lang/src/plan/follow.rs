//! Which operations are followed to what they cause.

use super::{Plan, Role, StreamPlan};
use crate::ir::{Expr, ExprKind};
use crate::value::Const;

impl Plan {
    /// Whether operations are followed: for what they cause on the layers below, or for what their callers do.
    pub fn follows(&self) -> bool {
        let follows = |it: &StreamPlan| it.role == Role::Child || it.layer.is_of_callers();
        self.streams().any(follows)
    }

    /// Whether requests of guests are.
    pub fn follows_guests(&self) -> bool {
        let mut guests = self.streams().filter(|it| it.layer.is_of_guests());
        guests.any(|it| it.role == Role::Root || it.is_followed())
    }
}

impl StreamPlan {
    /// Whether it reads what only followed operations have.
    pub fn is_followed(&self) -> bool {
        let mut found = false;
        for expr in self.exprs() {
            expr.walk(&mut |expr| {
                found |= expr.reads().is_some_and(|it| it.field.followed) || names_followed(expr);
            });
        }
        found
    }
}

/// Whether it asks for a value that only followed operations have.
fn names_followed(expr: &Expr) -> bool {
    let (value, constants) = match &expr.kind {
        ExprKind::Compare(_, value, constant) => match &constant.kind {
            ExprKind::Const(constant) => (value, std::slice::from_ref(constant)),
            _ => return false,
        },
        ExprKind::In(value, constants) => (value, constants.as_slice()),
        _ => return false,
    };
    let followed = value.reads().map_or(&[][..], |it| it.field.followed_values);
    let is_followed = |value: &u64| constants.contains(&Const::Int(i128::from(*value)));
    followed.iter().any(is_followed)
}
