//! The part of the kernel's types that the templates need, under the numbers that they have in the whole.
//!
//! aya searches all types for each one that a template reads, and keeps them in memory; of the 100 000 of a kernel it
//! needs some hundreds. The others become the smallest type there is, so that numbers stay.

use std::collections::HashSet;

use super::raw::{Raw, Type, kind};

const LENGTH: usize = 12;
const FILLER: [u32; 3] = [0, kind::FWD << 24, 0];

/// BTF with the types and functions of these names, what is embedded in them, and the prototypes of tracepoints.
pub fn excerpt(all: &Raw<'_>, names: &HashSet<&[u8]>) -> Vec<u8> {
    let kept = reachable(all, names);
    let last = kept.iter().rposition(|kept| *kept).map_or(0, |at| at + 1);
    let mut types = Vec::with_capacity(last * LENGTH * 2);
    for (ty, kept) in all.types.iter().zip(&kept).take(last) {
        if *kept {
            types.extend_from_slice(ty.bytes);
        } else {
            types.extend(FILLER.iter().flat_map(|word| word.to_le_bytes()));
        }
    }
    assemble(all, &types)
}

fn assemble(all: &Raw<'_>, types: &[u8]) -> Vec<u8> {
    let size = |bytes: &[u8]| u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    let mut whole = all.header.to_vec();
    for (at, value) in [
        (8, 0),
        (12, size(types)),
        (16, size(types)),
        (20, size(all.strings)),
    ] {
        if let Some(field) = whole.get_mut(at..at + 4) {
            field.copy_from_slice(&value.to_le_bytes());
        }
    }
    whole.extend_from_slice(types);
    whole.extend_from_slice(all.strings);
    whole
}

/// Whether each type is needed. What a pointer points to is not: it is another name, or nobody looks at it.
fn reachable(all: &Raw<'_>, names: &HashSet<&[u8]>) -> Vec<bool> {
    let mut kept = vec![false; all.types.len()];
    let mut next = Vec::new();
    for (index, ty) in all.types.iter().enumerate() {
        if is_tracepoint(all, ty) {
            kept[index] = true;
        } else if (is_named(ty) || ty.kind == kind::FUNC) && names.contains(all.name(ty)) {
            next.push(index);
        }
    }
    while let Some(index) = next.pop() {
        if kept[index] {
            continue;
        }
        kept[index] = true;
        let mut follow = |id: u32| {
            let index = (id as usize).wrapping_sub(1);
            if index < all.types.len() {
                next.push(index);
            }
        };
        let ty = &all.types[index];
        match ty.kind {
            kind::STRUCT | kind::UNION => ty.fields().for_each(|(_, ty, _)| follow(ty)),
            kind::ARRAY => ty.element().into_iter().for_each(&mut follow),
            kind::TYPEDEF | kind::VOLATILE | kind::CONST | kind::RESTRICT | kind::TYPE_TAG => {
                follow(ty.target);
            }
            _ => {}
        }
    }
    kept
}

fn is_named(ty: &Type<'_>) -> bool {
    matches!(
        ty.kind,
        kind::STRUCT | kind::UNION | kind::ENUM | kind::ENUM64 | kind::TYPEDEF
    )
}

fn is_tracepoint(all: &Raw<'_>, ty: &Type<'_>) -> bool {
    ty.kind == kind::TYPEDEF && all.name(ty).starts_with(super::PREFIX)
}

/// The names of the types that BTF of templates refers to, without their flavours (`request___old` is a `request`).
pub fn names<'a>(templates: &Raw<'a>) -> HashSet<&'a [u8]> {
    let named = templates.types.iter().filter(|ty| is_named(ty));
    let names = named.map(|ty| plain(templates.name(ty)));
    names.filter(|name| !name.is_empty()).collect()
}

fn plain(name: &[u8]) -> &[u8] {
    let end = name.windows(3).position(|three| three == b"___");
    &name[..end.filter(|end| *end > 0).unwrap_or(name.len())]
}
