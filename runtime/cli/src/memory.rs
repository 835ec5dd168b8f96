//! Gives memory back that installing needed and running does not: the kernel's types take tens of megabytes.

/// Hands free memory back to the system.
#[cfg(target_env = "gnu")]
#[expect(
    unsafe_code,
    reason = "the allocator's own function, by its C interface"
)]
pub fn trim() {
    // SAFETY: may be called at any time; it touches only memory that is free.
    unsafe { libc::malloc_trim(0) };
}

/// Other allocators give it back by themselves.
#[cfg(not(target_env = "gnu"))]
pub fn trim() {}
