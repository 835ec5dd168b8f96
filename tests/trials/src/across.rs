//! A guest's records of any bytes, and a host that has kept any bytes: joined or not, they become output that can be read.

use std::mem::offset_of;
use std::sync::OnceLock;

use iotq_engine::beyond::{Queue, Spot};
use iotq_engine::{Apart, Beyond, Kept};
use iotq_lang::check::{Inputs, Placed, place};
use iotq_lang::plan::Plan;
use iotq_lang::syntax::parse;
use iotq_probes::abi::{iotq_head, iotq_qemu, iotq_qemu_root};
use iotq_probes::catalogue::layer;
use zerocopy::{FromZeros, IntoBytes};

use crate::engine::driven;
use crate::text::sources;

const SCRIPT: &str = "
join guest.virtio, host.qemu emit guest.virtio.lat, host.qemu.kick, host.qemu.lat, host.qemu.inject, host.qemu.disk
join guest.syscall, guest.block, guest.virtio, host.qemu emit tree
join guest.syscall, host.qemu emit stages by guest.syscall.op every 1s
join guest.virtio, host.qemu emit stages
join guest.syscall, host.qemu where host.qemu.lat > 1us or guest.syscall.lat > 1ms
     emit guest.syscall.lat, max(host.qemu[].lat), count(host.qemu[]) limit 20
join guest.syscall, guest.block, host.qemu, host.syscall, host.block, host.nvme emit tree
join guest.virtio, host.qemu, host.block emit stages by host.block.dev
join guest.syscall, host.qemu, host.syscall, host.block where host.block.size > 0B or host.syscall.lat > 1us
     emit guest.syscall.lat, host.syscall.name, host.block.dev, max(host.block[].d2c), count(host.syscall[]) limit 20
";

/// Drives an engine of both sides. Says how many records it took.
pub fn across(input: &[u8]) -> usize {
    let (number, rest) = input.split_first_chunk().unwrap_or((&[0; 16], &[]));
    let [offset, uncertainty] = [0, 8].map(|at| {
        let bytes = number.get(at..).and_then(|it| it.first_chunk());
        u64::from_ne_bytes(bytes.copied().unwrap_or_default())
    });
    let shelf = Shelf {
        bytes: rest.to_vec(),
        at: 0,
    };
    let apart = Apart::new(offset as i64, uncertainty, u64::from(number[0]));
    driven(plan(), Some(Beyond::new(Box::new(shelf), apart)), rest)
}

/// Keeps whatever the bytes say, all over again.
struct Shelf {
    bytes: Vec<u8>,
    at: usize,
}

impl Shelf {
    fn next(&mut self) -> u8 {
        self.at += 1;
        let at = self.at % self.bytes.len().max(1);
        self.bytes.get(at).copied().unwrap_or(0)
    }

    /// A call, or a request to a disk.
    fn part(&mut self) -> Vec<u8> {
        let names = ["syscall", "block", "nvme"];
        let layer = layer(names[usize::from(self.next() % 3)]).expect("a layer");
        let length = layer.record.expect("a layer with records");
        let mut part: Vec<u8> = (0..length / 8)
            .flat_map(|_| self.number().to_ne_bytes())
            .collect();
        let head = [layer.id, layer.end_point().id];
        part[offset_of!(iotq_head, layer)..][..2].copy_from_slice(&head);
        part
    }

    fn number(&mut self) -> u64 {
        match self.next() % 4 {
            0 => 0,
            1 => u64::MAX,
            2 => u64::from(self.next()),
            _ => u64::from_ne_bytes(std::array::from_fn(|_| self.next())),
        }
    }
}

impl Kept for Shelf {
    fn queues(&mut self) -> Vec<Queue> {
        let queue = |number: u64| Queue {
            device: number % 3,
            queue: 0,
            round: number as u32,
            name: "\u{1b}[2J".into(),
        };
        (0..self.next() % 4).map(|_| queue(self.number())).collect()
    }

    fn look_up(&mut self, spot: &Spot) -> Option<Vec<u8>> {
        match self.next() % 4 {
            0 => return None,
            1 => {
                let length = usize::from(self.next());
                return Some((0..length).map(|_| self.next()).collect());
            }
            _ => {}
        }
        let qemu = layer("qemu").expect("a layer");
        let mut seen = iotq_qemu::new_zeroed();
        (seen.head.layer, seen.head.point) = (qemu.id, qemu.end_point().id);
        (seen.head.at, seen.lat) = (self.number(), self.number());
        (seen.queue, seen.index) = (spot.queue, spot.index);
        (seen.offset, seen.size) = (self.number(), self.number());
        (seen.first, seen.op, seen.format) = (self.next().into(), self.next() % 3, self.next() % 2);
        let mut bytes = Vec::new();
        let mut add = |record: &[u8]| {
            bytes.extend_from_slice(&(record.len() as u64).to_ne_bytes());
            bytes.extend_from_slice(record);
        };
        match self.next() % 2 {
            0 => add(seen.as_bytes()),
            _ => {
                let mut followed = iotq_qemu_root::new_zeroed();
                followed.request = seen;
                followed.trail.stages = std::array::from_fn(|_| self.number());
                add(followed.as_bytes());
            }
        }
        (0..self.next() % 6).for_each(|_| add(&self.part()));
        bytes.extend((0..self.next() % 32).map(|_| self.next()));
        Some(bytes)
    }
}

fn plan() -> &'static Plan {
    static PLAN: OnceLock<Plan> = OnceLock::new();
    PLAN.get_or_init(|| {
        let tree = parse(SCRIPT).expect("a script");
        match place(&mut sources(SCRIPT), &tree, &Inputs::default()) {
            Ok(Placed::Across(across)) => across.plan().expect("plans").whole.bind(&[]),
            other => panic!("{other:?}"),
        }
    })
}
