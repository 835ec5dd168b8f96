//! The committed template object: built from `bpf/` with a pinned clang, byte for byte reproducible.

/// Aligned as ELF readers expect.
#[repr(C, align(8))]
struct Aligned<T: ?Sized>(T);

static OBJECT: &Aligned<[u8]> = &Aligned(*include_bytes!("../objects/iotq.bpf.o"));

/// The object with every template.
pub fn bytes() -> &'static [u8] {
    &OBJECT.0
}
