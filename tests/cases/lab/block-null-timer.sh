# The device answers when a timer of 2 ms has run out: that is the time of the device.
# machine: timed
# modules: null_blk irqmode=2 completion_nsec=2000000 queue_mode=2 nr_devices=1 gb=1
# judge: requests
# judge: completions
# judge: times d2c block_rq_issue block_rq_complete
# judge: median d2c 2ms
. /lab/cases/lib
wait_for /dev/nullb0
CLOCK=mono EVENTS='block/block_rq_issue block/block_rq_complete'
watch nullb0 --ops 200 --read 1
