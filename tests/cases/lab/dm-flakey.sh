# A device that fails writes and serves reads.
# modules: null_blk queue_mode=2 irqmode=0 gb=1
# modules: dm_flakey
# judge: requests
# judge: errors write EIO
. /lab/cases/lib
wait_for /dev/nullb0
map lab 0 65536 flakey /dev/nullb0 0 0 3600 1 error_writes
watch dm-0 --ops 100 --read 1 --write 1
