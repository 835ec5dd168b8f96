# A SCSI disk by all of its names, beside another one.
# machine: virtio-scsi
# modules: scsi_debug delay=0 dev_size_mb=16
# needs: CONFIG_DEBUG_INFO_BTF_MODULES
# judge: names
. /lab/cases/lib
disk=$(scsi_disk QEMU)
link by-id/scsi-LAB_0001 "$disk"
link by-path/lab-scsi-0:0:0:0 "$disk"
address=$(basename "$(readlink -f "/sys/block/$disk/device")")
LAYERS='block scsi'
NAMES="$disk \"/dev/$disk\" $(cat "/sys/block/$disk/dev") $address scsi-LAB_0001 \"/dev/disk/by-path/lab-scsi-0:0:0:0\""
OTHERS=$(scsi_disk scsi_debug)
watch_names "$disk" --ops 200 --read 2 --write 1 --flush 1 --discard 1 --max 16384
