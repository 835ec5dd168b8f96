# The same of a block device itself.
# machine: virtio-blk
# judge: files bdev
# timeout: 60s
. /lab/cases/lib
wait_for /dev/vda
watch_files /dev/vda $MIX
