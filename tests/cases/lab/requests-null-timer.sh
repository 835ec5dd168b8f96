# The device answers when a timer of 2 ms has run out: that is the stage `device` of each call, and no other has it.
# machine: timed
# modules: null_blk irqmode=2 completion_nsec=2000000 queue_mode=2 nr_devices=1 gb=1
# judge: followed
# judge: median device 2ms
# judge: most cpu,runqueue,queued,blocked 1ms
. /lab/cases/lib
wait_for /dev/nullb0
follow nullb0 "" --ops 200 --read 2 --write 1
