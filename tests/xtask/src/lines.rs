//! Leaves the source lines of instructions out of an object: they are two thirds of it, and the loader copies those of a whole
//! section for each function in it.

/// `.BTF.ext` begins with: magic, version, flags, length of this, then offset and length of functions, lines, relocations.
const HEADER: usize = 32;
const LENGTH: usize = 4;
const FUNCTIONS: usize = 8;
const LINES: usize = 16;
const RELOCATIONS: usize = 24;

/// A `.BTF.ext` without its lines; nothing if it is not one.
pub fn without(section: &[u8]) -> Option<Vec<u8>> {
    let word = |at: usize| {
        let bytes = section.get(at..at + 4)?.try_into().ok()?;
        Some(u32::from_le_bytes(bytes))
    };
    let length = word(LENGTH)?;
    let part = |at: usize| {
        let start = (length + word(at)?) as usize;
        section.get(start..start + word(at + 4)? as usize)
    };
    let functions = part(FUNCTIONS)?;
    // The size of a line stands before the lines.
    let lines = part(LINES)?.get(..4)?;
    let relocations = part(RELOCATIONS)?;
    let mut made = section.get(..HEADER)?.to_vec();
    made[LENGTH..FUNCTIONS].copy_from_slice(&u32::try_from(HEADER).ok()?.to_le_bytes());
    let mut end = 0_u32;
    for (at, part) in [
        (FUNCTIONS, functions),
        (LINES, lines),
        (RELOCATIONS, relocations),
    ] {
        let size = u32::try_from(part.len()).ok()?;
        made[at..at + 4].copy_from_slice(&end.to_le_bytes());
        made[at + 4..at + 8].copy_from_slice(&size.to_le_bytes());
        made.extend_from_slice(part);
        end += size;
    }
    Some(made)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rest_stays() {
        let words = |words: &[u32]| -> Vec<u8> {
            words.iter().flat_map(|word| word.to_le_bytes()).collect()
        };
        let header = |lines: u32| {
            let relocations = 8 + lines;
            words(&[0x1_eb9f, 32, 0, 8, 8, lines, relocations, 4])
        };
        let whole = [header(12), words(&[8, 1, 16, 2, 3, 4])].concat();
        let made = [header(4), words(&[8, 1, 16, 4])].concat();
        assert_eq!(without(&whole), Some(made));
        assert_eq!(without(&whole[..52]), None);
        assert_eq!(without(b""), None);
    }
}
