# Operations of io_uring followed to the disk, many at the same time: each with what it caused, and stages that add up.
# machine: virtio-blk
# judge: followed
. /lab/cases/lib
wait_for /dev/vda
follow vda "" --engine uring --depth 16 --ops 1500 --threads 2 --read 6 --write 3 --flush 1 --max 65536
