//! Where the fields lie of types that only modules know, and of those of QEMU.

use iotq_lang::diag::{Diagnostic, Errors, codes::machine as code};
use iotq_lang::plan::Plan;
use iotq_probes::abi::{
    IOTQ_MAX_QEMUS, iotq_btrfs_layout, iotq_nvme_layout, iotq_qemu_layout, iotq_scsi_layout,
    iotq_virtio_layout,
};
use iotq_probes::catalogue::Layer;

use super::remedy::UNTYPED;
use super::stacks::Stacks;
use crate::btf::{KernelTypes, Place};
use crate::qemu::hooked;

/// Of every driver, of btrfs, and of each QEMU; zeros for those that the plan has no use for.
#[derive(Default)]
pub(super) struct Layouts {
    pub nvme: iotq_nvme_layout,
    pub scsi: iotq_scsi_layout,
    pub virtio: iotq_virtio_layout,
    pub btrfs: iotq_btrfs_layout,
    pub stacks: Stacks,
    pub qemus: [iotq_qemu_layout; IOTQ_MAX_QEMUS as usize],
}

impl Layouts {
    /// Those that the plan needs.
    ///
    /// # Errors
    /// If a module does not describe its types.
    pub fn of(plan: &Plan, types: &KernelTypes) -> Result<Self, Errors> {
        let mut layouts = Self::default();
        for template in &plan.templates {
            layouts.add(template.layer, types)?;
        }
        Ok(layouts)
    }

    /// Those of one layer.
    ///
    /// # Errors
    /// If a module does not describe its types.
    pub fn add(&mut self, layer: &Layer, types: &KernelTypes) -> Result<(), Errors> {
        if layer.name == "qemu" {
            for (place, (_, layout)) in self.qemus.iter_mut().zip(hooked(types.qemus())) {
                *place = layout;
            }
        }
        let types = |name| Types {
            types,
            what: format!("the layer `{name}`"),
        };
        match layer.name {
            name @ "nvme" => self.nvme = nvme(&types(name))?,
            name @ "scsi" => self.scsi = scsi(&types(name))?,
            name @ "virtio" => self.virtio = virtio(&types(name))?,
            _ => {}
        }
        Ok(())
    }

    /// That of btrfs, whose subvolumes number their inodes each for itself.
    ///
    /// # Errors
    /// If btrfs does not describe its types.
    pub fn add_volumes(&mut self, types: &KernelTypes) -> Result<(), Errors> {
        let what = "`file under` on btrfs".into();
        let types = Types { types, what };
        self.btrfs = iotq_btrfs_layout {
            inode: types.offset("btrfs_inode", "vfs_inode")?,
            root: types.offset("btrfs_inode", "root")?,
            device: types.offset("btrfs_root", "anon_dev")?,
            pad: 0,
        };
        Ok(())
    }
}

fn nvme(types: &Types<'_>) -> Result<iotq_nvme_layout, Errors> {
    Ok(iotq_nvme_layout {
        request_ctrl: types.offset("nvme_request", "ctrl")?,
        request_status: types.offset("nvme_request", "status")?,
        request_retries: types.offset("nvme_request", "retries")?,
        ctrl_instance: types.offset("nvme_ctrl", "instance")?,
    })
}

fn scsi(types: &Types<'_>) -> Result<iotq_scsi_layout, Errors> {
    let command = types.place("scsi_cmnd", "cmnd")?;
    Ok(iotq_scsi_layout {
        cmnd_device: types.offset("scsi_cmnd", "device")?,
        cmnd_cdb: command.offset,
        cmnd_cdb_points: command.is_pointer.into(),
        cmnd_result: types.offset("scsi_cmnd", "result")?,
        cmnd_sense: types.offset("scsi_cmnd", "sense_buffer")?,
        device_host: types.offset("scsi_device", "host")?,
        device_channel: types.offset("scsi_device", "channel")?,
        device_id: types.offset("scsi_device", "id")?,
        device_lun: types.offset("scsi_device", "lun")?,
        host_number: types.offset("Scsi_Host", "host_no")?,
    })
}

/// Of the two disk drivers, one is enough.
fn virtio(types: &Types<'_>) -> Result<iotq_virtio_layout, Errors> {
    let packed = types
        .offset("vring_virtqueue", "layout")
        .or_else(|_| types.offset("vring_virtqueue", "packed_ring"))?;
    let mut layout = iotq_virtio_layout {
        queue_device: types.offset("virtqueue", "vdev")?,
        queue_index: types.offset("virtqueue", "index")?,
        device_index: types.offset("virtio_device", "index")?,
        device_id: types.offset("virtio_device", "id.device")?,
        ring_queue: types.offset("vring_virtqueue", "vq")?,
        ring_packed: packed,
        ring_free: types.offset("vring_virtqueue", "free_head")?,
        split_index: types.offset("vring_virtqueue", "split.avail_idx_shadow")?,
        packed_index: types.offset("vring_virtqueue", "packed.next_avail_idx")?,
        ..iotq_virtio_layout::default()
    };
    if let Ok(command) = types.offset("virtio_scsi_cmd", "sc") {
        layout.scsi_known = 1;
        layout.scsi_command = command;
        layout.scsi_size = types.size("scsi_cmnd")?;
        layout.scsi_response = types.offset("virtio_scsi_cmd", "resp.cmd.response")?;
    }
    match types.offset("virtblk_req", "out_hdr.type") {
        Ok(place) => {
            layout.blk_known = 1;
            layout.blk_type = place;
            layout.blk_status = types
                .offset("virtblk_req", "in_hdr.status")
                .or_else(|_| types.offset("virtblk_req", "status"))?;
        }
        Err(unknown) if layout.scsi_known == 0 => return Err(unknown),
        Err(_) => {}
    }
    Ok(layout)
}

/// The kernel's types on behalf of somebody.
struct Types<'a> {
    types: &'a KernelTypes,
    what: String,
}

impl Types<'_> {
    fn offset(&self, structure: &'static str, member: &str) -> Result<u32, Errors> {
        self.place(structure, member).map(|place| place.offset)
    }

    fn size(&self, structure: &'static str) -> Result<u32, Errors> {
        self.offset(structure, "")
    }

    fn place(&self, structure: &'static str, member: &str) -> Result<Place, Errors> {
        self.types.place(structure, member).ok_or_else(|| {
            let message = format!(
                "this kernel does not say where `{member}` lies in `struct {structure}`, which {} needs",
                self.what
            );
            let error = Diagnostic::new(&code::NO_HOOK, message).help(UNTYPED);
            Errors(vec![error])
        })
    }
}
