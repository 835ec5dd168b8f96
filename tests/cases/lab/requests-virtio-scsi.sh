# Calls followed to the disk: each with what it caused, and stages that add up.
# machine: virtio-scsi
# judge: followed
# judge: flushed
. /lab/cases/lib
wait_for /dev/sda
follow sda ", optional scsi" --ops 1500 --threads 3 --read 6 --write 3 --flush 1 --max 65536
