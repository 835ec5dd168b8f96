//! What was typed, kept across starts: `$XDG_STATE_HOME/iotq/history`, readable by its user alone.

use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::PathBuf;

use rustyline::Editor;
use rustyline::error::ReadlineError;
use rustyline::history::DefaultHistory;

use crate::report::note;

/// A file that is larger is none of ours.
const LARGEST: u64 = 16 << 20;

/// Where the history is kept, as long as that works.
pub struct Kept {
    path: Option<PathBuf>,
}

impl Kept {
    /// Reads what was kept. A failure is told, and ends the keeping.
    pub fn load<H: rustyline::Helper>(editor: &mut Editor<H, DefaultHistory>) -> Self {
        let Some(path) = path() else {
            return Self { path: None };
        };
        let mut kept = Self { path: Some(path) };
        if let Err(error) = kept.read(editor) {
            kept.give_up(&error);
        }
        kept
    }

    fn read<H: rustyline::Helper>(
        &self,
        editor: &mut Editor<H, DefaultHistory>,
    ) -> Result<(), ReadlineError> {
        let Some(path) = &self.path else {
            return Ok(());
        };
        if let Some(folder) = path.parent() {
            std::fs::DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(folder)?;
        }
        match std::fs::metadata(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(error.into()),
            Ok(found) if found.is_file() && found.len() <= LARGEST => editor.load_history(path),
            Ok(_) => Err(io::Error::other("it is no file, or too large").into()),
        }
    }

    /// Keeps what has been typed since.
    pub fn append<H: rustyline::Helper>(&mut self, editor: &mut Editor<H, DefaultHistory>) {
        let Some(path) = &self.path else {
            return;
        };
        if let Err(error) = editor.append_history(path) {
            self.give_up(&error);
        }
    }

    fn give_up(&mut self, error: &ReadlineError) {
        if let Some(path) = self.path.take() {
            note(&format!(
                "iotq: what you type is not kept in {}: {error}",
                path.display()
            ));
        }
    }
}

fn path() -> Option<PathBuf> {
    let state = std::env::var_os("XDG_STATE_HOME").map(PathBuf::from);
    // The specification says that a relative path is to be ignored.
    let state = state.filter(|path| path.is_absolute());
    let home = || std::env::home_dir().map(|home| home.join(".local/state"));
    Some(state.or_else(home)?.join("iotq/history"))
}
