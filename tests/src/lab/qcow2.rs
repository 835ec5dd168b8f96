//! Empty images in the format qcow2, version 2: QEMU's own tool for it is in a package that is not needed otherwise.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

const CLUSTER_BITS: u32 = 16;
const CLUSTER: u64 = 1 << CLUSTER_BITS;
/// The head, the table of counters, the counters, the table of tables: a cluster each.
const USED: u64 = 4;

/// Makes one for a disk of so many bytes, up to 512 MiB: more would need another table.
///
/// # Errors
/// If it cannot be written.
pub fn make(path: &Path, bytes: u64) -> io::Result<()> {
    assert!(bytes <= 512 << 20, "a small disk");
    let mut image = vec![0; usize::try_from(USED * CLUSTER).unwrap_or(0)];
    let mut head = Vec::new();
    head.extend(b"QFI\xfb");
    head.extend(2u32.to_be_bytes());
    head.extend([0; 12]); // no image behind it
    head.extend(CLUSTER_BITS.to_be_bytes());
    head.extend(bytes.to_be_bytes());
    head.extend(0u32.to_be_bytes()); // not encrypted
    head.extend(1u32.to_be_bytes()); // entries of the table of tables
    head.extend((3 * CLUSTER).to_be_bytes());
    head.extend(CLUSTER.to_be_bytes()); // the table of counters
    head.extend(1u32.to_be_bytes()); // its clusters
    head.extend([0; 12]); // no snapshots
    let mut put = |at: u64, bytes: &[u8]| {
        let at = usize::try_from(at).unwrap_or(0);
        image[at..at + bytes.len()].copy_from_slice(bytes);
    };
    put(0, &head);
    put(CLUSTER, &(2 * CLUSTER).to_be_bytes());
    for cluster in 0..USED {
        put(2 * CLUSTER + 2 * cluster, &1u16.to_be_bytes());
    }
    File::create(path)?.write_all(&image)
}
