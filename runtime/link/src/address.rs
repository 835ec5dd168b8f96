//! Addresses: where a host listens, and where a guest finds it.

use std::fmt::{Display, Formatter};
use std::path::PathBuf;
use std::str::FromStr;

/// The port where hosts listen: `iotq` on the keys of a telephone.
pub const PORT: u32 = 4687;

/// The context id of the host, as guests see it.
pub const HOST: u32 = 2;

/// Any context id: where a host listens.
pub const ANY: u32 = u32::MAX;

/// Where a host is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// AF_VSOCK.
    Vsock {
        /// The context id.
        cid: u32,
        /// The port.
        port: u32,
    },
    /// A hybrid unix socket, as Firecracker, Cloud Hypervisor and vhost-device-vsock have it: what a guest connects to
    /// at a port arrives at `PATH_PORT`.
    Unix {
        /// The path, without the port.
        path: PathBuf,
        /// The port.
        port: u32,
    },
}

/// Why a text is no address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an address is vsock:CID, vsock:CID:PORT or unix:PATH, not `{}`", .0.escape_debug())]
pub struct NoAddress(String);

impl Address {
    /// The host, for a guest.
    pub fn host() -> Self {
        Self::Vsock {
            cid: HOST,
            port: PORT,
        }
    }

    /// All guests, for a host.
    pub fn any() -> Self {
        Self::Vsock {
            cid: ANY,
            port: PORT,
        }
    }

    /// The socket of a hybrid address.
    pub(crate) fn socket(path: &std::path::Path, port: u32) -> PathBuf {
        let mut name = path.as_os_str().to_owned();
        name.push(format!("_{port}"));
        name.into()
    }
}

impl FromStr for Address {
    type Err = NoAddress;

    fn from_str(text: &str) -> Result<Self, NoAddress> {
        let wrong = || NoAddress(text.to_owned());
        match text.split_once(':').ok_or_else(wrong)? {
            ("vsock", rest) => {
                let (cid, port) = match rest.split_once(':') {
                    Some((cid, port)) => (cid, port.parse().map_err(|_| wrong())?),
                    None => (rest, PORT),
                };
                let cid = match cid {
                    "any" => ANY,
                    "host" => HOST,
                    number => number.parse().map_err(|_| wrong())?,
                };
                Ok(Self::Vsock { cid, port })
            }
            ("unix", path) if !path.is_empty() => Ok(Self::Unix {
                path: path.into(),
                port: PORT,
            }),
            _ => Err(wrong()),
        }
    }
}

impl Display for Address {
    fn fmt(&self, out: &mut Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Vsock { cid: ANY, port } => write!(out, "vsock:any:{port}"),
            Self::Vsock { cid, port } => write!(out, "vsock:{cid}:{port}"),
            Self::Unix { path, .. } => write!(out, "unix:{}", path.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_and_written() {
        for (text, written) in [
            ("vsock:2:9", "vsock:2:9"),
            ("vsock:2", "vsock:2:4687"),
            ("vsock:host", "vsock:2:4687"),
            ("vsock:any", "vsock:any:4687"),
            ("unix:/run/vm.vsock", "unix:/run/vm.vsock"),
        ] {
            let address: Address = text.parse().expect(text);
            assert_eq!(address.to_string(), written);
        }
        for text in [
            "",
            "vsock",
            "vsock:",
            "vsock:x",
            "vsock:2:",
            "vsock:2:x",
            "vsock:-1",
            "unix:",
            "tcp:1",
        ] {
            assert!(text.parse::<Address>().is_err(), "{text}");
        }
    }

    #[test]
    fn the_port_ends_the_path_of_a_hybrid_socket() {
        let socket = Address::socket("/run/vm.vsock".as_ref(), 4687);
        assert_eq!(socket.to_string_lossy(), "/run/vm.vsock_4687");
    }
}
