# The device answers when a timer of 2 ms has run out: that is the time of the device.
# modules: null_blk irqmode=2 completion_nsec=2000000 queue_mode=2 nr_devices=1 gb=1
# judge: requests
# judge: completions
# judge: median d2c 1.7ms 2.3ms
. /lab/cases/lib
wait_for /dev/nullb0
watch nullb0 --ops 200 --read 1
