//! The secret that a host and its guests share. It is never sent: each side proves that it knows it.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// Fewer bytes could be guessed.
const SHORTEST: usize = 16;

/// More than that is no secret but a mistake.
const LONGEST: usize = 4096;

/// A proof that one side knows the secret.
pub type Proof = [u8; 32];

/// The secret. Without a file it is empty, and a proof of it proves nothing.
#[derive(Clone, Default)]
pub struct Token(Vec<u8>);

/// Why a file holds no token.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// It cannot be read.
    #[error("read the token {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Everybody may read it.
    #[error("the token {} can be read by others: chmod 600", .0.display())]
    Open(PathBuf),
    /// Its length.
    #[error("the token {} has {found} bytes, not {SHORTEST} to {LONGEST}", path.display())]
    Length {
        /// The file.
        path: PathBuf,
        /// Its length without blanks at its ends.
        found: usize,
    },
}

/// Which side proves.
#[derive(Clone, Copy, Debug)]
pub enum Side {
    /// The guest.
    Guest,
    /// The host.
    Host,
}

impl Token {
    /// Reads the secret of a file; blanks at its ends do not count.
    ///
    /// # Errors
    /// If the file cannot be read, others may read it, or it is too short.
    pub fn read(path: &Path) -> Result<Self, TokenError> {
        let failed = |source| TokenError::Read {
            path: path.into(),
            source,
        };
        let mode = fs::metadata(path).map_err(failed)?.permissions().mode();
        if mode & 0o004 != 0 {
            return Err(TokenError::Open(path.into()));
        }
        let bytes = fs::read(path).map_err(failed)?;
        let secret = bytes.trim_ascii();
        if !(SHORTEST..=LONGEST).contains(&secret.len()) {
            return Err(TokenError::Length {
                path: path.into(),
                found: secret.len(),
            });
        }
        Ok(Self(secret.to_vec()))
    }

    /// What proves that a side knows it, for what both have said so far.
    pub fn proof(&self, side: Side, said: &[u8]) -> Proof {
        self.mac(side, said).finalize().into_bytes().into()
    }

    /// Whether a proof is right. How long that takes does not depend on where it is wrong.
    pub fn proves(&self, side: Side, said: &[u8], proof: &Proof) -> bool {
        self.mac(side, said).verify_slice(proof).is_ok()
    }

    fn mac(&self, side: Side, said: &[u8]) -> Hmac<Sha256> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0)
            .unwrap_or_else(|_| unreachable!("a key of any length will do"));
        mac.update(match side {
            Side::Guest => b"iotq guest",
            Side::Host => b"iotq host ",
        });
        mac.update(said);
        mac
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn file(text: &str, mode: u32) -> tempfile::NamedTempFile {
        let mut file = tempfile::NamedTempFile::new().expect("a file");
        file.write_all(text.as_bytes()).expect("written");
        let mode = fs::Permissions::from_mode(mode);
        file.as_file().set_permissions(mode).expect("a mode");
        file
    }

    #[test]
    fn a_proof_is_of_one_secret_one_side_and_one_conversation() {
        let secret = Token::read(file("0123456789abcdef\n", 0o600).path()).expect("a token");
        let other = Token::read(file("0123456789abcdeF", 0o640).path()).expect("a token");
        let proof = secret.proof(Side::Guest, b"hello");
        assert!(secret.proves(Side::Guest, b"hello", &proof));
        assert!(!secret.proves(Side::Host, b"hello", &proof));
        assert!(!secret.proves(Side::Guest, b"hullo", &proof));
        assert!(!other.proves(Side::Guest, b"hello", &proof));
        assert!(!Token::default().proves(Side::Guest, b"hello", &proof));
    }

    #[test]
    fn bad_files_are_refused() {
        let short = file("0123456789abcde\n", 0o600);
        let open = file("0123456789abcdef", 0o644);
        let error = |file: &tempfile::NamedTempFile| Token::read(file.path()).err();
        assert!(matches!(
            error(&short),
            Some(TokenError::Length { found: 15, .. })
        ));
        assert!(matches!(error(&open), Some(TokenError::Open(_))));
        assert!(Token::read(Path::new("/nowhere")).is_err());
    }
}
