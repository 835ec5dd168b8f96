//! The kernel's own list of its functions.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufRead, BufReader};

/// A line of it: `ffffffffc0a51230 t xfs_file_fsync [xfs]`.
#[derive(Debug)]
pub struct Symbol<'a> {
    /// Zero if the kernel hides it.
    pub address: u64,
    /// Its name, which others may have, too.
    pub name: &'a str,
    /// Whether it is in a module.
    pub of_module: bool,
}

/// Looks at all of them; at none if the list cannot be read.
pub fn each(mut look: impl FnMut(Symbol<'_>)) {
    let Ok(list) = File::open("/proc/kallsyms") else {
        return;
    };
    let mut list = BufReader::with_capacity(1 << 16, list);
    let mut line = String::new();
    while list.read_line(&mut line).is_ok_and(|length| length > 0) {
        let mut words = line.split_whitespace();
        if let (Some(address), Some(_), Some(name)) = (words.next(), words.next(), words.next()) {
            look(Symbol {
                address: u64::from_str_radix(address, 16).unwrap_or(0),
                name,
                of_module: words.next().is_some(),
            });
        }
        line.clear();
    }
}

/// The addresses of functions: of those whose name no other has, unless the kernel hides them.
pub fn addresses(names: &[&'static str]) -> HashMap<&'static str, u64> {
    let mut found: HashMap<&'static str, Vec<u64>> = HashMap::new();
    each(|symbol| {
        if let Some(name) = names.iter().find(|name| **name == symbol.name) {
            found.entry(name).or_default().push(symbol.address);
        }
    });
    let only = |(name, all): (&'static str, Vec<u64>)| match all[..] {
        [address] if address != 0 => Some((name, address)),
        _ => None,
    };
    found.into_iter().filter_map(only).collect()
}
