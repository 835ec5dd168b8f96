//! How the bios of stacked devices lead to those that the devices were given: which functions end them, and where these
//! keep the other bio.

use std::path::Path;

use iotq_probes::abi::{
    IOTQ_MAX_STACKS, IOTQ_STACK_CHAIN, IOTQ_STACK_CLONE, IOTQ_STACK_OWNED, IOTQ_STACK_PRIVATE,
    iotq_stack,
};

use crate::btf::KernelTypes;
use crate::symbols;

/// The modules that have the structures; where they are built in, the kernel has them.
const MODULES: [&str; 5] = ["dm_mod", "dm_crypt", "md_mod", "raid1", "raid10"];

/// Those that this kernel has now. What is built in is shown if it has parameters, as `dm_mod` and `md_mod` have.
pub(super) fn modules() -> impl Iterator<Item = &'static str> {
    let shown = |name: &&str| Path::new("/sys/module").join(name).exists();
    MODULES.into_iter().filter(shown)
}

/// What a function that ends bios tells of them.
struct Stack {
    ends: &'static str,
    way: Way,
}

/// Where the bio is that another one was made from.
#[derive(Clone, Copy)]
enum Way {
    /// `bi_private` is it.
    Chain,
    /// This member of what `bi_private` points to.
    Private(&'static str, &'static str),
    /// The bio is one member of a structure, another one is the pointer.
    Clone(&'static str, &'static str, &'static str),
    /// The bio is `dm_target_io.clone`.
    DeviceMapper,
}

static STACKS: [Stack; IOTQ_MAX_STACKS as usize] = {
    use Way::{Chain, Clone, DeviceMapper, Private};
    const fn stack(ends: &'static str, way: Way) -> Stack {
        Stack { ends, way }
    }
    let (raid1, raid10) = (
        Private("r1bio", "master_bio"),
        Private("r10bio", "master_bio"),
    );
    [
        stack("clone_endio", DeviceMapper),
        stack("crypt_endio", Private("dm_crypt_io", "base_bio")),
        stack("raid1_end_read_request", raid1),
        stack("raid1_end_write_request", raid1),
        stack("raid10_end_read_request", raid10),
        stack("raid10_end_write_request", raid10),
        stack(
            "md_end_clone_io",
            Clone("md_io_clone", "bio_clone", "orig_bio"),
        ),
        stack("bio_chain_endio", Chain),
    ]
};

/// Where the kernel has the structures, but does not tell the addresses of functions.
const HIDDEN: &str = "this kernel hides the addresses of its functions (kernel.kptr_restrict): what device \
     mapper and md send to disks by threads of their own is nobody's";

/// A place for each of them.
pub(super) type Stacks = [iotq_stack; IOTQ_MAX_STACKS as usize];

/// Those that this kernel has, with zeros for the others; all are zeros if it has no stacked devices.
///
/// # Errors
/// If it has some, but hides its addresses.
pub(super) fn known(types: &KernelTypes) -> Result<Stacks, &'static str> {
    let mut all = [iotq_stack::default(); IOTQ_MAX_STACKS as usize];
    let laid_out = STACKS.each_ref().map(|stack| layout(stack.way, types));
    // Every kernel has chains of bios; by themselves they lead nowhere.
    let is_of_device = |it: &iotq_stack| it.kind != IOTQ_STACK_CHAIN;
    if !laid_out.iter().flatten().any(is_of_device) {
        return Ok(all);
    }
    let addresses = symbols::addresses(&STACKS.each_ref().map(|stack| stack.ends));
    if addresses.is_empty() {
        return Err(HIDDEN);
    }
    for ((known, layout), stack) in all.iter_mut().zip(laid_out).zip(&STACKS) {
        if let (Some(layout), Some(ends)) = (layout, addresses.get(stack.ends)) {
            *known = iotq_stack {
                ends: *ends,
                ..layout
            };
        }
    }
    Ok(all)
}

fn layout(way: Way, types: &KernelTypes) -> Option<iotq_stack> {
    let place = |structure, member| types.place(structure, member).map(|it| it.offset);
    let layout = match way {
        Way::Chain => iotq_stack {
            kind: IOTQ_STACK_CHAIN,
            ..iotq_stack::default()
        },
        Way::Private(structure, member) => iotq_stack {
            kind: IOTQ_STACK_PRIVATE,
            upper: place(structure, member)?,
            ..iotq_stack::default()
        },
        Way::Clone(structure, clone, upper) => iotq_stack {
            kind: IOTQ_STACK_CLONE,
            clone: place(structure, clone)?,
            upper: place(structure, upper)?,
            ..iotq_stack::default()
        },
        Way::DeviceMapper => iotq_stack {
            kind: IOTQ_STACK_OWNED,
            clone: place("dm_target_io", "clone")?,
            owner: place("dm_target_io", "io")?,
            upper: place("dm_io", "orig_bio")?,
            ..iotq_stack::default()
        },
    };
    Some(layout)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_stacked_devices_there_is_nothing_to_look_for() {
        let types = KernelTypes::made_up(&[], &[("dm_io", "orig_bio")]);
        let known = known(&types).unwrap();
        assert!(known.iter().all(|stack| stack.ends == 0));
        assert!(layout(Way::DeviceMapper, &types).is_none());
    }

    #[test]
    fn a_layout_needs_all_its_members() {
        let members = [
            ("dm_target_io", "clone"),
            ("dm_target_io", "io"),
            ("dm_io", "orig_bio"),
        ];
        let layout = layout(Way::DeviceMapper, &KernelTypes::made_up(&[], &members)).unwrap();
        assert_eq!((layout.kind, layout.upper), (IOTQ_STACK_OWNED, 8));
    }
}
