//! Transports: connections over AF_VSOCK and over the hybrid unix sockets of virtual machine monitors.

use std::fs;
use std::io;
use std::os::unix::fs::FileTypeExt;
use std::path::PathBuf;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};
use tokio_vsock::{VsockAddr, VsockListener, VsockStream};

use crate::Address;

/// Bytes in both directions.
pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// A connection, whatever it goes over.
pub type Connection = Box<dyn Stream>;

/// The longest answer of a monitor to `CONNECT`: `OK`, and a port.
const LONGEST_ANSWER: usize = 32;

/// Connects to a host.
///
/// # Errors
/// If nobody listens there, or this system has no such sockets.
pub async fn connect(address: &Address) -> io::Result<Connection> {
    Ok(match address {
        Address::Vsock { cid, port } => Box::new(vsock(*cid, *port).await?),
        Address::Unix { path, port } => {
            Box::new(UnixStream::connect(Address::socket(path, *port)).await?)
        }
    })
}

/// Connects to a guest that listens: over a hybrid socket by way of its monitor.
///
/// # Errors
/// If nobody listens there, or this system has no such sockets.
pub async fn call(address: &Address) -> io::Result<Connection> {
    Ok(match address {
        Address::Vsock { cid, port } => Box::new(vsock(*cid, *port).await?),
        Address::Unix { path, port } => {
            let mut monitor = UnixStream::connect(path).await?;
            put_through(&mut monitor, *port).await?;
            Box::new(monitor)
        }
    })
}

async fn vsock(cid: u32, port: u32) -> io::Result<VsockStream> {
    VsockStream::connect(VsockAddr::new(cid, port)).await
}

/// Asks a monitor for a port of its guest. Where nobody listens there, it ends the connection.
async fn put_through(monitor: &mut UnixStream, port: u32) -> io::Result<()> {
    monitor
        .write_all(format!("CONNECT {port}\n").as_bytes())
        .await?;
    let mut answer = Vec::new();
    // What comes behind the line is the guest's.
    while answer.last() != Some(&b'\n') {
        if answer.len() == LONGEST_ANSWER {
            return Err(io::ErrorKind::InvalidData.into());
        }
        answer.push(
            monitor
                .read_u8()
                .await
                .map_err(|error| match error.kind() {
                    io::ErrorKind::UnexpectedEof => io::ErrorKind::ConnectionRefused.into(),
                    _ => error,
                })?,
        );
    }
    if answer.starts_with(b"OK ") {
        Ok(())
    } else {
        Err(io::ErrorKind::InvalidData.into())
    }
}

/// Where a side is connected to. Must be made inside a runtime.
pub enum Listener {
    /// AF_VSOCK.
    Vsock(VsockListener),
    /// A unix socket, whose file goes at the end.
    Unix(UnixListener, SocketFile),
}

/// A socket in the filesystem, removed at the end.
pub struct SocketFile(PathBuf);

impl Drop for SocketFile {
    fn drop(&mut self) {
        // Whoever has removed it already has done the same.
        let _ = fs::remove_file(&self.0);
    }
}

impl Listener {
    /// Listens at an address.
    ///
    /// # Errors
    /// If somebody else does, or this system has no such sockets.
    pub fn open(address: &Address) -> io::Result<Self> {
        match address {
            Address::Vsock { cid, port } => {
                VsockListener::bind(VsockAddr::new(*cid, *port)).map(Self::Vsock)
            }
            Address::Unix { path, port } => {
                let path = Address::socket(path, *port);
                remove_stale(&path)?;
                let listener = UnixListener::bind(&path)?;
                Ok(Self::Unix(listener, SocketFile(path)))
            }
        }
    }

    /// The next connection, and the context id of who connects, if the system tells one.
    ///
    /// # Errors
    /// If the system gives none, for instance because too many files are open.
    pub async fn accept(&self) -> io::Result<(Connection, Option<u32>)> {
        Ok(match self {
            Self::Vsock(listener) => {
                let (stream, peer) = listener.accept().await?;
                (Box::new(stream), Some(peer.cid()))
            }
            Self::Unix(listener, _) => (Box::new(listener.accept().await?.0), None),
        })
    }
}

/// The socket of a host that was killed is in the way of the next one.
fn remove_stale(path: &PathBuf) -> io::Result<()> {
    let Ok(found) = fs::symlink_metadata(path) else {
        return Ok(());
    };
    if !found.file_type().is_socket() {
        return Err(io::ErrorKind::AlreadyExists.into());
    }
    match std::os::unix::net::UnixStream::connect(path) {
        Ok(_) => Err(io::ErrorKind::AddrInUse.into()),
        Err(_) => fs::remove_file(path),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    fn address(folder: &tempfile::TempDir) -> Address {
        let path = folder.path().join("vm.vsock").display().to_string();
        format!("unix:{path}").parse().expect("an address")
    }

    #[tokio::test]
    async fn a_guest_reaches_the_port_of_a_hybrid_socket() {
        let folder = tempfile::tempdir().expect("a folder");
        let address = address(&folder);
        let listener = Listener::open(&address).expect("a listener");
        assert!(folder.path().join("vm.vsock_4687").exists());
        let (guest, host) = tokio::join!(connect(&address), listener.accept());
        let (mut guest, (mut host, peer)) = (guest.expect("connected"), host.expect("accepted"));
        assert_eq!(peer, None);
        guest.write_all(b"hello").await.expect("written");
        let mut bytes = [0; 5];
        host.read_exact(&mut bytes).await.expect("read");
        assert_eq!(&bytes, b"hello");
    }

    /// What a monitor's socket answers to a call.
    async fn called(answer: &'static [u8]) -> io::Result<Connection> {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("vm.vsock");
        let monitor = UnixListener::bind(&path).expect("a socket");
        let monitor = async {
            let (mut caller, _) = monitor.accept().await.expect("a call");
            let mut asked = [0; 13];
            caller.read_exact(&mut asked).await.expect("a request");
            assert_eq!(&asked, b"CONNECT 4687\n");
            caller.write_all(answer).await.expect("answered");
        };
        let address = address(&folder);
        tokio::join!(call(&address), monitor).0
    }

    #[tokio::test]
    async fn a_monitor_puts_a_host_through_to_its_guest() {
        let mut guest = called(b"OK 1073741824\nhello").await.expect("connected");
        let mut bytes = [0; 5];
        guest.read_exact(&mut bytes).await.expect("read");
        assert_eq!(&bytes, b"hello");
        let refused = |answer| async move { called(answer).await.err().map(|error| error.kind()) };
        let nobody = refused(b"").await;
        assert_eq!(nobody, Some(io::ErrorKind::ConnectionRefused));
        for strange in [&b"NO\n"[..], &[b'O'; 100]] {
            assert_eq!(refused(strange).await, Some(io::ErrorKind::InvalidData));
        }
    }

    #[tokio::test]
    async fn a_socket_that_was_left_is_taken_over_and_one_in_use_is_not() {
        let folder = tempfile::tempdir().expect("a folder");
        let address = address(&folder);
        let socket = folder.path().join("vm.vsock_4687");
        // Unlike ours, the standard library's leaves its file.
        drop(std::os::unix::net::UnixListener::bind(&socket).expect("a socket"));
        let listener = Listener::open(&address).expect("taken over");
        let second = Listener::open(&address).err().expect("refused");
        assert_eq!(second.kind(), io::ErrorKind::AddrInUse);
        drop(listener);
        assert!(!socket.exists());
        fs::write(&socket, "precious").expect("a file");
        assert!(Listener::open(&address).is_err());
        assert_eq!(fs::read(&socket).expect("still there"), b"precious");
    }
}
