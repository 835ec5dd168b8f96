//! The committed objects: built from `bpf/` with a pinned clang, byte for byte reproducible.

/// Aligned as ELF readers expect.
#[repr(C, align(8))]
struct Aligned<T: ?Sized>(T);

static OBJECT: &Aligned<[u8]> = &Aligned(*include_bytes!("../objects/iotq.bpf.o"));

static TRIAL: &Aligned<[u8]> = &Aligned(*include_bytes!("../objects/trial.bpf.o"));

/// The object with every template.
pub fn bytes() -> &'static [u8] {
    &OBJECT.0
}

/// The object with the program `iotq_trial`, which does nothing at a function.
pub fn trial() -> &'static [u8] {
    &TRIAL.0
}
