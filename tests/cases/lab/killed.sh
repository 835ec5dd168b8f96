# However iotq ends, no program of it stays: the lab looks after each case.
# modules: null_blk queue_mode=2 irqmode=0 gb=1
# stdout: killed
. /lab/cases/lib
wait_for /dev/nullb0
iotq --format json -o rows.json -e 'on block.complete where dev == nullb0 emit op, lat' &
pid=$!
tries=0
until [ -s rows.json ]; do
	ioload --ops 10 --read 1 --summary load.json /dev/nullb0
	tries=$((tries + 1))
	[ $tries -lt 100 ]
done
kill -9 $pid
wait $pid || echo killed
