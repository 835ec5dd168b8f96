//! What guest and host have in common on the command line: the token, and errors of the link.

use std::error::Error;
use std::path::Path;

use iotq_lang::diag::codes::link;
use iotq_link::Token;

use crate::report::Failure;

/// The secret in a file; without one, the empty one.
///
/// # Errors
/// If the file holds none.
pub fn token(path: Option<&Path>) -> Result<Token, Failure> {
    let token = path.map(Token::read).transpose();
    let token = token.map_err(|error| Failure::plain(&link::TOKEN, "there is no token", &error));
    Ok(token?.unwrap_or_default())
}

/// The command line asks for what cannot be.
pub fn wrong(message: &str, why: &dyn Error) -> Failure {
    Failure::plain(&link::NAME, message, why)
}
