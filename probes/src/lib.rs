//! What the compiler and the runtime know of the probes: the [catalogue] of layers, points and fields, the [abi] shared
//! with the eBPF templates, and the prebuilt [object] that holds them.

#[expect(clippy::allow_attributes, reason = "the generator writes them")]
#[rustfmt::skip]
pub mod abi;
pub mod catalogue;
pub mod object;
