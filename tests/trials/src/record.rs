//! Records of the catalogue's layers, with the values that are apt to go wrong.

use std::mem::{offset_of, size_of};

use iotq_probes::abi::{iotq_head, iotq_task};
use iotq_probes::catalogue::{LAYERS, Layer, Slot};

use crate::Tape;

const NUMBERS: [u64; 12] = [
    0,
    1,
    2,
    511,
    4096,
    1_000_000,
    0x7fff_ffff,
    0xffff_fffe,
    1 << 62,
    i64::MAX as u64,
    1 << 63,
    u64::MAX - 1,
];
const TEXTS: [&[u8]; 8] = [
    b"",
    b"a",
    b"fio",
    b"postgres",
    b"PostGres\0x",
    b"fifteen_bytes_x",
    b"sixteen_bytes_xx",
    b"\xff\xfe?",
];

/// A layer that has records.
pub fn layer(tape: &mut Tape) -> &'static Layer {
    let layers: Vec<&'static Layer> = LAYERS
        .iter()
        .copied()
        .filter(|layer| layer.record.is_some())
        .collect();
    layers[tape.below(layers.len())]
}

/// A record of a layer, which any query may have asked for; if it can be followed, it was.
pub fn record(layer: &'static Layer, tape: &mut Tape) -> Vec<u8> {
    let mut bytes = vec![0; layer.root.or(layer.record).unwrap_or(0)];
    for slot in layer.fields.iter().filter_map(|field| field.slot) {
        match slot {
            Slot::Uint { offset, width, .. } | Slot::Bit { offset, width, .. } => {
                put(&mut bytes, offset, &number(tape).to_ne_bytes()[..width]);
            }
            Slot::Int { offset } => put(&mut bytes, offset, &number(tape).to_ne_bytes()),
            Slot::Text { offset, len } => {
                let text = tape.pick(&TEXTS);
                put(&mut bytes, offset, &text[..text.len().min(len)]);
            }
            Slot::File { .. } => {}
        }
    }
    let at = layer.points[tape.below(layer.points.len())].id;
    put(&mut bytes, offset_of!(iotq_head, layer), &[layer.id, at]);
    let all = u32::MAX.to_ne_bytes();
    put(&mut bytes, offset_of!(iotq_head, queries), &all);
    bytes
}

/// The number of one of a few requests, so that several records belong to the same.
pub fn any_root(tape: &mut Tape) -> u32 {
    1 + u32::from(tape.bytes::<1>()[0] % 4)
}

/// Makes a record part of a request.
pub fn put_root(bytes: &mut [u8], root: u32) {
    let at = size_of::<iotq_head>() + offset_of!(iotq_task, root);
    put(bytes, at, &root.to_ne_bytes());
}

/// Makes a record one of other streams.
pub fn put_queries(bytes: &mut [u8], queries: u32) {
    put(
        bytes,
        offset_of!(iotq_head, queries),
        &queries.to_ne_bytes(),
    );
}

fn put(bytes: &mut [u8], offset: usize, value: &[u8]) {
    bytes[offset..offset + value.len()].copy_from_slice(value);
}

/// Often null, which is all ones.
fn number(tape: &mut Tape) -> u64 {
    match tape.below(8) {
        0 => u64::MAX,
        1 => u64::from_ne_bytes(tape.bytes()),
        2 => u16::from_ne_bytes(tape.bytes()).into(),
        _ => *tape.pick(&NUMBERS),
    }
}
