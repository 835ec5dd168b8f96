# The device answers when a timer of 2 ms has run out, and the call waits for it.
# machine: timed
# modules: null_blk irqmode=2 completion_nsec=2000000 queue_mode=2 nr_devices=1 gb=1
# judge: median lat 2ms
. /lab/cases/lib
wait_for /dev/nullb0
iotq --format json -o rows.json -e 'on fs.exit where pid under $child and name == nullb0 and op == read emit lat' \
	-c 'ioload --ops 200 --read 1 /dev/nullb0'
