# A device that keeps each bio for 5 ms, by a timer that counts in ticks of up to 4 ms: that is the stage `device` of a call,
# whoever submits what comes of the bio, and no other has it. (Newer kernels wait for such a short time with a thread that
# does not sleep; a call that it keeps from the only CPU waits for that instead.)
# machine: timed
# modules: null_blk queue_mode=2 irqmode=0 gb=1
# modules: dm_delay
# judge: followed
# judge: stacked nullb0
# judge: mostly device 4ms
# judge: most cpu,runqueue,queued,blocked 1ms
. /lab/cases/lib
wait_for /dev/nullb0
map lab 0 65536 delay /dev/nullb0 0 5
follow dm-0 "" --ops 60 --read 2 --write 1
