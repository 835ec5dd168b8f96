//! What makes the records of two builds mean the same: their version, and the whole catalogue.

use std::fmt::Write;

use iotq_probes::catalogue::{LAYERS, Layer, Type};
use sha2::{Digest, Sha256};

/// The hash of it.
pub type Fingerprint = [u8; 32];

/// That of this build.
pub fn own() -> Fingerprint {
    let mut text = String::from(env!("CARGO_PKG_VERSION"));
    LAYERS.iter().for_each(|layer| describe(&mut text, layer));
    Sha256::digest(text).into()
}

/// A layer's records: sizes, points, and where each field lies. A `String` takes everything: there are no errors.
fn describe(out: &mut String, layer: &Layer) {
    let Layer {
        name,
        id,
        record,
        root,
        ..
    } = layer;
    let _ = write!(out, "\n{name} {id} {record:?} {root:?}");
    for point in layer.points {
        let _ = write!(out, "\n .{} {}", point.name, point.id);
    }
    for field in layer.fields {
        let _ = write!(
            out,
            "\n  {} {} {:?}",
            field.name,
            field.ty.name(),
            field.slot
        );
        if let Type::Enum(list) = field.ty {
            let _ = write!(out, " {:?}", list.variants);
        }
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn it_is_the_same_each_time() {
        assert_eq!(super::own(), super::own());
    }

    #[test]
    fn it_tells_of_slots() {
        let mut text = String::new();
        let block = iotq_probes::catalogue::layer("block").expect("a layer");
        super::describe(&mut text, block);
        assert!(text.contains("lat duration Some(Uint"), "{text}");
    }
}
