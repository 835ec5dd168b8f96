# A device that keeps each bio for 5 ms.
# modules: null_blk queue_mode=2 irqmode=0 gb=1
# modules: dm_delay
# judge: requests
# judge: median lat 5ms 15ms
. /lab/cases/lib
wait_for /dev/nullb0
map lab 0 65536 delay /dev/nullb0 0 5
watch dm-0 --ops 60 --read 2 --write 1
