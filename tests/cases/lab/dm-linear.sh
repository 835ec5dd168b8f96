# A device without requests of its own: its bios are rows, as the generator tells of them.
# modules: null_blk queue_mode=2 irqmode=0 gb=1
# modules: dm_mod
# judge: requests
. /lab/cases/lib
wait_for /dev/nullb0
map lab 0 65536 linear /dev/nullb0 2048
watch dm-0 --ops 400 --threads 2 --read 2 --write 1 --max 65536
