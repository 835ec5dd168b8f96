# A device that keeps each bio for 5 ms, by a timer that counts in ticks of up to 4 ms: as long as the kernel's text says.
# machine: timed
# modules: null_blk queue_mode=2 irqmode=0 gb=1
# modules: dm_delay
# judge: requests
# judge: times lat block_bio_queue block_bio_complete
# judge: least lat 4ms
. /lab/cases/lib
wait_for /dev/nullb0
map lab 0 65536 delay /dev/nullb0 0 5
CLOCK=mono EVENTS='block/block_bio_queue block/block_bio_complete'
watch dm-0 --ops 60 --read 2 --write 1
