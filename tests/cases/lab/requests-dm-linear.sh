# Calls to a device without requests of its own: its bios belong to them, and the requests that these become on the disk.
# modules: null_blk queue_mode=2 irqmode=0 gb=1
# modules: dm_mod
# judge: followed
. /lab/cases/lib
wait_for /dev/nullb0
map lab 0 65536 linear /dev/nullb0 0
follow dm-0 "" --ops 400 --threads 2 --read 2 --write 1 --max 65536
