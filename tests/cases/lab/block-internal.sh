# Requests without a bio are rows whatever is asked of them.
# machine: virtio-blk
# stdout: ^[1-9][0-9]* flushes of the block layer's own$
. /lab/cases/lib
wait_for /dev/vda
iotq --format json -o rows.json -e 'on block.complete where dev == vda emit op, internal' \
	-c 'ioload --ops 40 --write 1 --flush 1 --summary load.json /dev/vda'
echo "$(grep -c '"op":"flush","internal":true' rows.json) flushes of the block layer's own"
