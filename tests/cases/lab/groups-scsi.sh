# Groups that the kernel keeps are those that user space makes: of SCSI commands and of the ring below them.
# machine: virtio-scsi
# timeout: 60s
# needs: CONFIG_DEBUG_INFO_BTF_MODULES
# judge: groups
. /lab/cases/lib
disk=$(scsi_disk QEMU)
{
	twice_all scsi "dev == $disk"
	twice_all virtio "dev == $disk"
} >script.iotq
iotq --format json -o rows.json --ring 16M -c "ioload --ops 3000 --threads 4 --read 6 --write 3 --flush 1 --max 65536 /dev/$disk" script.iotq
