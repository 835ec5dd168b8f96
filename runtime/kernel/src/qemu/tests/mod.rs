//! Code of real QEMUs, stripped, as Debian builds them: a line is a function, where it lies, and how it begins.

use super::code::{Code, Reached, Step, call_of, cheapest, steps};
use super::layout::{Mute, layout, pop_site};
use super::*;

struct Excerpt(Vec<(&'static str, u64, Vec<u8>)>);

impl Excerpt {
    fn of(text: &'static str) -> Self {
        let line = |line: &'static str| {
            let mut words = line.split(' ');
            let name = words.next().unwrap();
            let address = words.next().unwrap().trim_start_matches("0x");
            (
                name,
                u64::from_str_radix(address, 16).unwrap(),
                bytes(words.next().unwrap()),
            )
        };
        Self(text.lines().map(line).collect())
    }

    /// A function by itself.
    fn alone(code: &str) -> Self {
        Self(vec![("it", BEGIN, bytes(code))])
    }

    /// The same without a function.
    fn without(mut self, function: &str) -> Self {
        self.0.retain(|(name, ..)| *name != function);
        self
    }
}

const BEGIN: u64 = 0x1000;

fn bytes(hex: &str) -> Vec<u8> {
    let hex: String = hex.split_whitespace().collect();
    let digits = (0..hex.len()).step_by(2);
    digits
        .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap())
        .collect()
}

impl Code for Excerpt {
    fn bytes(&self, address: u64, count: usize) -> Option<Vec<u8>> {
        let rests = self.0.iter().filter_map(|(_, begin, bytes)| {
            let within = usize::try_from(address.checked_sub(*begin)?).ok()?;
            bytes.get(within..).filter(|rest| !rest.is_empty())
        });
        // Excerpts may overlap.
        let rest = rests.max_by_key(|rest| rest.len())?;
        Some(rest[..rest.len().min(count)].to_vec())
    }

    fn symbol(&self, name: &str) -> Option<u64> {
        let mut all = self.0.iter();
        all.find(|(own, ..)| *own == name).map(|(_, at, _)| *at)
    }
}

fn old() -> Excerpt {
    Excerpt::of(include_str!("debian-7.2.txt"))
}

fn new() -> Excerpt {
    Excerpt::of(include_str!("debian-10.0.txt"))
}

#[test]
fn layouts_are_told_by_code() {
    let same = iotq_qemu_layout {
        pop_register: iotq_probes::abi::IOTQ_REGISTER_BP,
        queue_device: 0x60,
        queue_index: 0x48,
        queue_last: 0x38,
        queue_size: 0,
        // Feature 34, of those from 0xb0 on.
        device_packed: 0xb4,
        packed_mask: 4,
        element_count: 8,
        element_outs: 12,
        element_ins: 16,
        element_in: 0x28,
        element_out: 0x30,
        blk_name: 0,
        device_parent: 0x20,
        device_id: 0x28,
        nvme_command: 0x38,
        nvme_made_for: 0x18,
        ..iotq_qemu_layout::default()
    };
    let expected = iotq_qemu_layout {
        name: 0x0118_e0c8,
        scsi_element: 0x28,
        blk_device: 0xf8,
        ..same
    };
    assert_eq!(layout(&old()), Ok(expected));
    let expected = iotq_qemu_layout {
        name: 0x01ba_9a28,
        scsi_element: 0x30,
        blk_device: 0xc8,
        ..same
    };
    assert_eq!(layout(&new()), Ok(expected));
}

#[test]
fn requests_are_popped_behind_the_call_where_a_jump_follows() {
    assert_eq!(pop_site(&old()), Ok((0x6e_6c30, Register::RBP)));
    assert_eq!(pop_site(&new()), Ok((0x89_9e78, Register::RBP)));
}

#[test]
fn functions_are_hooked_where_an_instruction_is_emulated() {
    let sites = |code: &Excerpt| {
        FUNCTIONS.map(|(name, arguments)| {
            let entry = code.symbol(name).unwrap();
            cheapest(code, entry, arguments) - entry
        })
    };
    // Jumps, or pushes, some at the entry; the newer one has a landing pad there.
    assert_eq!(sites(&old()), [11, 11, 7, 7, 7, 16, 0, 0, 10, 0, 5]);
    assert_eq!(sites(&new()), [15, 15, 11, 11, 11, 20, 4, 4, 14, 4, 9]);
}

#[test]
fn without_a_function_that_tells_it_is_said_which() {
    for function in [
        "virtio_blk_handle_vq",
        "virtio_get_queue_index",
        "virtqueue_unpop",
        "virtio_queue_get_num",
        "virtqueue_map",
    ] {
        assert_eq!(layout(&old().without(function)), Err(Mute(function)));
    }
    let known = layout(&old().without("qemu_get_vm_name")).unwrap();
    assert_eq!(known.name, u64::MAX);
    let known = layout(&new().without("blk_get_attached_dev_id")).unwrap();
    assert_eq!((known.blk_name, known.blk_device), (0, u32::MAX));
    let known = layout(&new().without("esp_request_cancelled")).unwrap();
    assert_eq!(known.scsi_element, u32::MAX);
    for function in ["nvme_rw_complete_cb", "qemu_aio_unref"] {
        let known = layout(&new().without(function)).unwrap();
        assert_eq!(known.nvme_command, u32::MAX);
    }
}

#[test]
fn a_register_that_changes_is_not_hooked_behind() {
    // mov r9d, ecx; push r9
    let code = Excerpt::alone("4189c9 4151");
    assert_eq!(cheapest(&code, BEGIN, &[R9]), BEGIN);
    assert_eq!(cheapest(&code, BEGIN, &[RDI]), BEGIN + 3);
    // sub rsp, 8; ret: nothing is emulated
    let code = Excerpt::alone("4883ec08 c3");
    assert_eq!(cheapest(&code, BEGIN, &[]), BEGIN);
}

#[test]
fn what_a_called_function_may_change_is_forgotten() {
    // mov rax, [rdi]; mov rbx, [rdi]; call +0; mov ecx, [rax+4]; mov ecx, [rbx+8]; ret
    let code = Excerpt::alone("488b07 488b1f e800000000 8b4804 8b4b08 c3");
    let steps = steps(&code, BEGIN);
    let loads = steps.iter().filter_map(|step| match step {
        Step::Load {
            at: Reached { loads, .. },
            ..
        } => Some(loads.as_slice()),
        _ => None,
    });
    let loads: Vec<_> = loads.collect();
    assert_eq!(loads, [&[0][..], &[0], &[0, 8]]);
}

#[test]
fn garbage_tells_nothing() {
    for length in 0..64 {
        for byte in [0x00, 0x0f, 0x66, 0xe9, 0xff] {
            let code = Excerpt(vec![("it", BEGIN, vec![byte; length])]);
            let _ = steps(&code, BEGIN);
            let _ = cheapest(&code, BEGIN, &[Register::RAX]);
            assert_eq!(call_of(&code, BEGIN, 0), None);
        }
    }
    // A jump to itself ends, too.
    assert!(steps(&Excerpt::alone("ebfe"), BEGIN).len() < 100);
}
