//! Transports: connections over AF_VSOCK and over the hybrid unix sockets of virtual machine monitors.

use std::fs;
use std::io;
use std::os::unix::fs::FileTypeExt;
use std::path::PathBuf;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{UnixListener, UnixStream};
use tokio_vsock::{VsockAddr, VsockListener, VsockStream};

use crate::Address;

/// Bytes in both directions.
pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// A connection, whatever it goes over.
pub type Connection = Box<dyn Stream>;

/// Connects to a host.
///
/// # Errors
/// If nobody listens there, or this system has no such sockets.
pub async fn connect(address: &Address) -> io::Result<Connection> {
    Ok(match address {
        Address::Vsock { cid, port } => {
            Box::new(VsockStream::connect(VsockAddr::new(*cid, *port)).await?)
        }
        Address::Unix { path, port } => {
            Box::new(UnixStream::connect(Address::socket(path, *port)).await?)
        }
    })
}

/// Where guests connect to. Must be made inside a runtime.
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

    /// The next connection, and the context id of who it is from, where this system vouches for that.
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
