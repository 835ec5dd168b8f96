# SCSI commands on virtio's rings.
# machine: virtio-scsi
# timeout: 60s
# needs: CONFIG_DEBUG_INFO_BTF_MODULES
# judge: virtio split
. /lab/cases/lib
disk=$(scsi_disk QEMU)
watch_virtio $disk --ops 5000 --threads 4 --read 6 --write 3 --flush 1 --discard 1 --max 65536
