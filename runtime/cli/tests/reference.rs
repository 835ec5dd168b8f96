//! The pages of `lang/reference` are what `iotq reference` prints. `BLESS=1` writes them.

use std::fs;
use std::path::Path;
use std::process::Command;

#[test]
fn pages_are_current() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../lang/reference");
    let mut stale = Vec::new();
    for page in ["layers", "functions", "tools", "codes"] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_iotq"));
        let output = command.args(["reference", page]).output();
        let output = output.expect("iotq starts");
        assert!(output.status.success(), "{page}");
        let path = folder.join(format!("{page}.md"));
        if std::env::var_os("BLESS").is_some() {
            fs::create_dir_all(&folder).expect("a folder");
            fs::write(&path, output.stdout).expect("the page is writable");
        } else if fs::read(&path).unwrap_or_default() != output.stdout {
            stale.push(page);
        }
    }
    assert!(
        stale.is_empty(),
        "BLESS=1 cargo test -p iotq --test reference writes {stale:?}"
    );
}
