//! Where a QEMU keeps what is read of its requests: told by the code of functions that read the same.

use iced_x86::Register;
use iotq_probes::abi::*;

use super::code::{Code, Reached, Step, call_of, cheapest, steps};

/// A function that is missing, or does not tell what it is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("its function {0} does not tell what iotq needs to know")]
pub(super) struct Mute(pub &'static str);

/// The function whose call of [`POPS`] takes requests.
pub(super) const HANDLES: &str = "virtio_blk_handle_vq";
const POPS: &str = "virtqueue_pop";

/// The function that makes requests to SCSI disks of what was popped: the disk is its first argument, the command its
/// fourth, the element its last.
pub(super) const MAKES: &str = "scsi_req_new";
/// Of another host adapter, which asks for its own part of a request first.
const TELLS_ELEMENT: &str = "esp_request_cancelled";

/// What ends a read or write of an NVMe drive, and asks for the kind of its command.
pub(super) const TELLS_COMMAND: &str = "nvme_rw_complete_cb";

/// What lets go of anything that was made for a request: of those to NVMe drives, there is no other end that all have.
pub(super) const LETS_GO: &str = "qemu_aio_unref";

/// Where SCSI requests are made.
pub(super) fn scsi_site(code: &impl Code) -> Option<u64> {
    let arguments = [Register::RDI, Register::RCX, Register::R9];
    Some(cheapest(code, code.symbol(MAKES)?, &arguments))
}

/// Where requests are popped: behind the call, where it costs least. The register has the queue there.
pub(super) fn pop_site(code: &impl Code) -> Result<(u64, Register), Mute> {
    let find = || {
        let (from, queue) = call_of(code, code.symbol(HANDLES)?, code.symbol(POPS)?)?;
        Some((cheapest(code, from, &[Register::RAX, queue]), queue))
    };
    find().ok_or(Mute(HANDLES))
}

/// The layout of an executable. What is optional is left out where it is not known.
pub(super) fn layout(code: &impl Code) -> Result<iotq_qemu_layout, Mute> {
    let (_, queue) = pop_site(code)?;
    let mut layout = iotq_qemu_layout {
        pop_register: register(queue).ok_or(Mute(HANDLES))?,
        name: name(code).unwrap_or(u64::MAX),
        scsi_element: Told::by(code, TELLS_ELEMENT)
            .load(Register::RDI, 1, 8)
            .unwrap_or(IOTQ_NULL32),
        nvme_command: IOTQ_NULL32,
        ..iotq_qemu_layout::default()
    };
    add_queue(code, &mut layout)?;
    add_element(code, &mut layout)?;
    add_disk(code, &mut layout);
    add_drive(code, &mut layout);
    Ok(layout)
}

/// One that functions keep over their calls.
fn register(register: Register) -> Option<u32> {
    Some(match register {
        Register::RBX => IOTQ_REGISTER_BX,
        Register::RBP => IOTQ_REGISTER_BP,
        Register::R12 => IOTQ_REGISTER_R12,
        Register::R13 => IOTQ_REGISTER_R13,
        Register::R14 => IOTQ_REGISTER_R14,
        Register::R15 => IOTQ_REGISTER_R15,
        _ => return None,
    })
}

fn add_queue(code: &impl Code, layout: &mut iotq_qemu_layout) -> Result<(), Mute> {
    const INDEX: &str = "virtio_get_queue_index";
    const UNPOP: &str = "virtqueue_unpop";
    const SIZE: &str = "virtio_queue_get_num";
    let queue = Register::RDI;
    let index = Told::by(code, INDEX);
    layout.queue_index = index.load(queue, 1, 2).ok_or(Mute(INDEX))?;
    let unpop = Told::by(code, UNPOP);
    let mut tell = || {
        layout.queue_device = unpop.load(queue, 1, 8)?;
        layout.queue_last = unpop.load(queue, 1, 2)?;
        layout.element_count = unpop.load(Register::RSI, 1, 4)?;
        (layout.device_packed, layout.packed_mask) = unpop.bit(layout.queue_device)?;
        Some(())
    };
    tell().ok_or(Mute(UNPOP))?;
    layout.queue_size = Told::by(code, SIZE).load(queue, 2, 4).ok_or(Mute(SIZE))?;
    Ok(())
}

/// One call for the vectors that the guest is to read, one for those that it wrote.
fn add_element(code: &impl Code, layout: &mut iotq_qemu_layout) -> Result<(), Mute> {
    const MAP: &str = "virtqueue_map";
    let told = Told::by(code, MAP);
    let mut calls = told.0.iter().filter_map(|step| match step {
        Step::Call { second, fourth } => Some((of_element(second)?, of_element(fourth)?)),
        _ => None,
    });
    let mut tell = || {
        (layout.element_in, layout.element_ins) = calls.next()?;
        (layout.element_out, layout.element_outs) = calls.next()?;
        let pointers = [layout.element_in, layout.element_out];
        let numbers = [
            layout.element_ins,
            layout.element_outs,
            layout.element_count,
        ];
        let within = |offset: &u32| *offset <= IOTQ_ELEMENT_WINDOW - 8;
        pointers.iter().chain(&numbers).all(within).then_some(())
    };
    tell().ok_or(Mute(MAP))
}

fn of_element(value: &Option<Reached>) -> Option<u32> {
    let value = value.as_ref()?;
    match value.loads[..] {
        [offset] if value.argument == Register::RSI => Some(offset),
        _ => None,
    }
}

fn add_disk(code: &impl Code, layout: &mut iotq_qemu_layout) {
    let first = |function| Told::by(code, function).load(Register::RDI, 1, 8);
    layout.blk_name = first("blk_name").unwrap_or(IOTQ_NULL32);
    layout.blk_device = IOTQ_NULL32;
    let id = Told::by(code, "blk_get_attached_dev_id");
    if let (Some(device), Some(id), Some(parent)) = (
        id.load(Register::RDI, 1, 8),
        id.load(Register::RDI, 2, 8),
        first("object_get_canonical_path_component"),
    ) {
        layout.blk_device = device;
        layout.device_id = id;
        layout.device_parent = parent;
    }
}

/// For whom something was made stands right before the count of its references.
fn add_drive(code: &impl Code, layout: &mut iotq_qemu_layout) {
    let told = |function, bytes| Told::by(code, function).load(Register::RDI, 1, bytes);
    let count = told(LETS_GO, 4).and_then(|count| count.checked_sub(8));
    if let (Some(command), Some(made_for)) = (told(TELLS_COMMAND, 1), count) {
        (layout.nvme_command, layout.nvme_made_for) = (command, made_for);
    }
}

/// The variable with the guest's name.
fn name(code: &impl Code) -> Option<u64> {
    let told = Told::by(code, "qemu_get_vm_name");
    told.0.iter().find_map(|step| match step {
        Step::Global(address) => Some(*address),
        _ => None,
    })
}

/// What a function tells.
struct Told(Vec<Step>);

impl Told {
    fn by(code: &impl Code, function: &str) -> Self {
        let at = code.symbol(function);
        Self(at.map(|at| steps(code, at)).unwrap_or_default())
    }

    /// The last offset on the way to the first number of so many bytes that is so many loads away from an argument.
    fn load(&self, argument: Register, depth: usize, bytes: usize) -> Option<u32> {
        self.0.iter().find_map(|step| match step {
            Step::Load { at, width, .. } => {
                let fits = at.argument == argument && at.loads.len() == depth && *width == bytes;
                at.loads.last().copied().filter(|_| fits)
            }
            _ => None,
        })
    }

    /// The first bit that is asked for in what the first argument points to at an offset: its byte, and the bit in it.
    fn bit(&self, pointer: u32) -> Option<(u32, u32)> {
        self.0.iter().find_map(|step| match step {
            Step::Load {
                at,
                mask: Some(mask),
                ..
            } => match at.loads[..] {
                [first, second] if first == pointer && mask.is_power_of_two() => {
                    let bit = mask.trailing_zeros();
                    Some((second.checked_add(bit / 8)?, 1 << (bit % 8)))
                }
                _ => None,
            },
            _ => None,
        })
    }
}
