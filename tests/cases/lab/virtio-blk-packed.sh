# The same on packed rings.
# machine: virtio-blk-packed
# timeout: 60s
# needs: CONFIG_DEBUG_INFO_BTF_MODULES
# judge: virtio packed
. /lab/cases/lib
wait_for /dev/vda
watch_virtio vda --ops 5000 --threads 4 --read 6 --write 3 --flush 1 --discard 1 --max 65536
