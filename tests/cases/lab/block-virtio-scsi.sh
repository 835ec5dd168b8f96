# A SCSI disk behind virtio.
# machine: virtio-scsi
# judge: requests
# judge: completions
. /lab/cases/lib
wait_for /dev/sda
watch sda --ops 400 --threads 2 --read 6 --write 3 --flush 1 --discard 1 --max 65536
