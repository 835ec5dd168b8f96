# Fields that need no moment between start and end: requests must be followed all the same.
# machine: virtio-blk
# stdout: ^40 rows$
. /lab/cases/lib
wait_for /dev/vda
iotq --format json -o rows.json -e 'on block.complete where pid under $child and dev == vda emit op' \
	-c 'ioload --ops 40 --read 1 --summary load.json /dev/vda'
echo "$(grep -c '"op":"read"' rows.json) rows"
