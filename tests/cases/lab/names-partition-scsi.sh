# A partition of a SCSI disk.
# machine: virtio-scsi
# needs: CONFIG_DEBUG_INFO_BTF_MODULES
# judge: names
. /lab/cases/lib
disk=$(scsi_disk QEMU)
partition "$disk"
LAYERS='block scsi virtio'
NAMES="${disk}1 $(cat "/sys/class/block/${disk}1/dev")"
OTHERS="${disk}2 $disk"
watch_names "${disk}1" --ops 200 --read 2 --write 1 --discard 1 --max 16384
