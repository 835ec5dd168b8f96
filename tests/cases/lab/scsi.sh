# Commands to a SCSI disk behind virtio, as the kernel's text tells of them.
# machine: virtio-scsi
# timeout: 60s
# needs: CONFIG_DEBUG_INFO_BTF_MODULES
# judge: scsi
. /lab/cases/lib
EVENTS="scsi/scsi_dispatch_cmd_start scsi/scsi_dispatch_cmd_done"
SCSI='time, pid, comm, dev, host, channel, target, lun, tag, op, opcode, sector, size, result, sense, error, lat, internal, approx'
disk=$(scsi_disk QEMU)
watch_driver scsi "$SCSI" $disk --ops 5000 --threads 4 --read 6 --write 3 --flush 1 --discard 1 --max 65536
