//! Gives memory back that installing needed and running does not: the kernel's types take tens of megabytes, and most of
//! the program's own code is the compiler and the loader.

use std::fs;
use std::ops::Range;

/// Hands back what is not needed any more.
pub fn trim() {
    trim_heap();
    trim_code();
}

/// Free memory of the allocator.
#[cfg(target_env = "gnu")]
#[expect(
    unsafe_code,
    reason = "the allocator's own function, by its C interface"
)]
fn trim_heap() {
    // SAFETY: may be called at any time; it touches only memory that is free.
    unsafe { libc::malloc_trim(0) };
}

/// Other allocators give it back by themselves.
#[cfg(not(target_env = "gnu"))]
fn trim_heap() {}

/// The pages of the program's code and constants: those that are still used come back from the page cache.
#[expect(unsafe_code, reason = "advice on memory takes an address")]
fn trim_code() {
    let maps = fs::read_to_string("/proc/self/maps").unwrap_or_default();
    let Ok(program) = fs::read_link("/proc/self/exe") else {
        return;
    };
    let program = program.to_string_lossy();
    for Range { start, end } in maps.lines().filter_map(|line| code(line, &program)) {
        let place = std::ptr::with_exposed_provenance_mut(start);
        // SAFETY: these were never written to, relocations being in a segment of their own, so each page is what the file has
        // there, and the kernel maps it again when it is needed.
        unsafe { libc::madvise(place, end - start, libc::MADV_DONTNEED) };
    }
}

/// Where a line of the list of mappings says that a file's code is, or the constants at its beginning. What lies behind the
/// code may have been written before it became read-only.
fn code(line: &str, file: &str) -> Option<Range<usize>> {
    let (place, rest) = line.split_once(' ')?;
    let is_unwritten = rest.starts_with("r-xp ") || rest.starts_with("r--p 00000000 ");
    if !is_unwritten || !rest.ends_with(file) {
        return None;
    }
    let (start, end) = place.split_once('-')?;
    let number = |text| usize::from_str_radix(text, 16).ok();
    Some(number(start)?..number(end)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_programs_own_code_is_given_back() {
        let maps = "\
5619724de000-5619727a1000 r--p 00000000 fe:00 5376777                    /bin/iotq
5619727a1000-561972efa000 r-xp 002c2000 fe:00 5376777                    /bin/iotq
561972efa000-561972f30000 r--p 00a1a000 fe:00 5376777                    /bin/iotq
7f2a0c428000-7f2a0c57d000 r-xp 00026000 fe:00 1311021                    /lib/libc.so.6
7f2a0c61d000-7f2a0c62a000 rw-p 00000000 00:00 0";
        let found: Vec<_> = maps
            .lines()
            .filter_map(|line| code(line, "/bin/iotq"))
            .collect();
        let wanted = [
            (0x5619_724d_e000, 0x5619_727a_1000),
            (0x5619_727a_1000, 0x5619_72ef_a000),
        ];
        assert_eq!(found, wanted.map(|(start, end)| start..end));
    }

    #[test]
    fn it_goes_on_running() {
        trim();
        assert_eq!(
            "5ms".len() + fs::read("/proc/self/maps").map_or(0, |_| 1),
            4
        );
    }
}
