# Ctrl-C ends a run with its summary, and with success.
# modules: null_blk queue_mode=2 irqmode=0 gb=1
# stderr: seen, .* shipped
. /lab/cases/lib
wait_for /dev/nullb0
iotq -e 'on block.complete where dev == nullb0 emit op, lat' >rows &
pid=$!
# It listens to signals when it has written rows.
until [ -s rows ]; do ioload --ops 10 --read 1 --summary load.json /dev/nullb0; done
kill -INT $pid
wait $pid
