# Commands to a SCSI disk behind virtio, as the kernel's text tells of them.
# machine: virtio-scsi
# timeout: 60s
# needs: CONFIG_DEBUG_INFO_BTF_MODULES
# judge: scsi
. /lab/cases/lib
disk=$(scsi_disk QEMU)
watch_scsi $disk --ops 5000 --threads 4 --read 6 --write 3 --flush 1 --discard 1 --max 65536
