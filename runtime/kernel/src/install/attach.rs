//! Attaches verified programs, and fills the maps that must be full before.

use aya::Ebpf;
use aya::maps::{HashMap as BpfHash, MapData};
use iotq_probes::abi::iotq_set_key;

use super::program::{self, Hold};
use super::{Hooks, InstallError};
use crate::names::process;

pub(super) fn fill_sets(ebpf: &mut Ebpf, sets: &[iotq_set_key]) -> Result<(), InstallError> {
    let failed = |source| InstallError::Map {
        name: "iotq_sets",
        source,
    };
    let map = ebpf
        .map_mut("iotq_sets")
        .ok_or(InstallError::Missing("iotq_sets"))?;
    let mut map: BpfHash<&mut MapData, [u64; 2], u64> = BpfHash::try_from(map).map_err(failed)?;
    for key in sets {
        let key: [u64; 2] = zerocopy::transmute!(*key);
        map.insert(key, 1, 0).map_err(failed)?;
    }
    Ok(())
}

/// Families first: a process born while the rest is attached belongs to one already.
pub(super) fn attach(
    ebpf: &mut Ebpf,
    hooks: &Hooks,
    families: &[(usize, u32)],
) -> Result<Vec<Hold>, InstallError> {
    let mut all = Vec::new();
    for hook in &hooks.family {
        all.extend(program::attach(ebpf, hook, &[])?);
    }
    fill_families(ebpf, families)?;
    for hook in &hooks.points {
        all.extend(program::attach(ebpf, hook, &hooks.qemus)?);
    }
    Ok(all)
}

/// Children that are born during a look at /proc join by themselves if their parent is a member already; else the next
/// look finds them. Each look is later than the births that it could miss.
fn fill_families(ebpf: &mut Ebpf, families: &[(usize, u32)]) -> Result<(), InstallError> {
    let failed = |source| InstallError::Map {
        name: "iotq_families",
        source,
    };
    let map = ebpf
        .map_mut("iotq_families")
        .ok_or(InstallError::Missing("iotq_families"))?;
    let mut map: BpfHash<&mut MapData, u32, u64> = BpfHash::try_from(map).map_err(failed)?;
    for &(bit, root) in families {
        let mut known = 0;
        loop {
            let members = process::family(root);
            for pid in &members {
                let bits = map.get(pid, 0).unwrap_or(0);
                map.insert(pid, bits | 1 << bit, 0).map_err(failed)?;
            }
            if members.len() <= known {
                break;
            }
            known = members.len();
        }
    }
    Ok(())
}
