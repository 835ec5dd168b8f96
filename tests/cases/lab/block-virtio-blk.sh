# A virtio disk.
# machine: virtio-blk
# judge: requests
# judge: completions
. /lab/cases/lib
wait_for /dev/vda
watch vda --ops 400 --threads 2 --read 6 --write 3 --flush 1 --discard 1 --max 65536
