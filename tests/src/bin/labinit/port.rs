//! The way out: a virtio port that the host writes to a file.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use iotq_tests::lab::plan::{END, PORT, STATUS, Status};
use tar::{Builder, Header};

const PORTS: &str = "/sys/class/virtio-ports";

/// The device is probed in the background, and is told its name later still.
const PATIENCE: Duration = Duration::from_secs(20);
const STEP: Duration = Duration::from_millis(10);

/// Opens it by its name.
pub fn open() -> Result<File> {
    let begin = Instant::now();
    loop {
        if let Some(port) = find() {
            return Ok(port);
        }
        ensure!(begin.elapsed() < PATIENCE, "no port {PORT}");
        thread::sleep(STEP);
    }
}

fn find() -> Option<File> {
    let mut ports = fs::read_dir(PORTS).ok()?.flatten();
    let named = |name: String| name.trim() == PORT;
    let port = ports.find(|port| fs::read_to_string(port.path().join("name")).is_ok_and(named))?;
    let node = Path::new("/dev").join(port.file_name());
    File::options().write(true).open(node).ok()
}

/// Sends the files of a case as an archive; the status behind them makes it whole.
pub fn send(port: &mut File, name: &str, folder: &Path, status: &Status) -> Result<()> {
    let mut archive = Builder::new(Vec::new());
    archive
        .append_dir_all(name, folder)
        .context("pack the results")?;
    let status = serde_json::to_vec(status)?;
    append(&mut archive, &format!("{name}/{STATUS}"), &status)?;
    write(port, archive)
}

/// Says that all cases were sent.
pub fn end(port: &mut File) -> Result<()> {
    let mut archive = Builder::new(Vec::new());
    append(&mut archive, END, b"")?;
    write(port, archive)
}

fn append(archive: &mut Builder<Vec<u8>>, path: &str, content: &[u8]) -> Result<()> {
    let mut header = Header::new_ustar();
    header.set_size(content.len() as u64);
    header.set_mode(0o644);
    archive.append_data(&mut header, path, content)?;
    Ok(())
}

fn write(port: &mut File, archive: Builder<Vec<u8>>) -> Result<()> {
    let bytes = archive.into_inner()?;
    port.write_all(&bytes).context("write to the port")
}
