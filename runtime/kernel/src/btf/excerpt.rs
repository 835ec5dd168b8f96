//! The parts of the kernel's types that are needed: what templates read, and what they hook.
//!
//! aya searches all types for each one that a template reads, and keeps them in memory; of the 100 000 of a kernel it
//! needs some hundreds. So what templates read is numbered anew. What they hook goes to the kernel by its number there.

use std::collections::HashSet;

use super::raw::{Raw, Type, kind};

/// The smallest type there is: one that is declared and has no name.
const FILLER: [u8; 12] = [0, 0, 0, 0, 0, 0, 0, kind::FWD as u8, 0, 0, 0, 0];

/// BTF with the types of these names and what is embedded in them, under numbers of its own.
pub fn fields(all: &Raw<'_>, names: &HashSet<&[u8]>) -> Vec<u8> {
    let kept = reachable(all, names);
    // Of each type in the whole: what is not here is `void`.
    let mut numbers = vec![0u32; all.types.len() + 1];
    let here = numbers.iter_mut().skip(1).zip(&kept).filter(|it| *it.1);
    for (number, (place, _)) in (1..).zip(here) {
        *place = number;
    }
    let mut types = Vec::new();
    for (ty, _) in all.types.iter().zip(&kept).filter(|it| *it.1) {
        let start = types.len();
        types.extend_from_slice(ty.bytes);
        for (at, id) in ty.references() {
            let number = numbers.get(id as usize).copied().unwrap_or(0);
            types[start + at..start + at + 4].copy_from_slice(&number.to_le_bytes());
        }
    }
    assemble(all, &types)
}

/// BTF with the types of tracepoints and functions, under the numbers that they have in the whole: all others become the
/// smallest type there is. `functions`: the places of those that are hooked, in order.
pub fn hooks(all: &Raw<'_>, functions: &[usize]) -> Vec<u8> {
    let mut functions = functions.iter().copied().peekable();
    let mut types = Vec::with_capacity(FILLER.len() * all.types.len());
    let mut end = 0;
    for (place, ty) in all.types.iter().enumerate() {
        let is_function = functions.next_if_eq(&place).is_some();
        if is_function || is_tracepoint(all, ty) {
            types.extend_from_slice(ty.bytes);
            end = types.len();
        } else {
            types.extend_from_slice(&FILLER);
        }
    }
    assemble(all, &types[..end])
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
    let is_wanted = |ty: &Type<'_>| is_named(ty) && names.contains(all.name(ty));
    let mut next: Vec<_> = (0..kept.len())
        .filter(|index| is_wanted(&all.types[*index]))
        .collect();
    while let Some(index) = next.pop() {
        if std::mem::replace(&mut kept[index], true) {
            continue;
        }
        let ty = &all.types[index];
        if ty.kind != kind::PTR {
            let indices = ty.references().map(|(_, id)| (id as usize).wrapping_sub(1));
            next.extend(indices.filter(|index| *index < kept.len()));
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
