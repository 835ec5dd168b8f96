# Syncs of several threads, which are served by one flush: it is a part of each of them.
# machine: virtio-blk
# judge: followed
# judge: flushed
. /lab/cases/lib
wait_for /dev/vda
follow vda "" --ops 1500 --threads 6 --write 1 --flush 2
