# The calls of a process, one after the other, with their places, sizes and results.
# machine: virtio-blk
# judge: calls
. /lab/cases/lib
wait_for /dev/vda
iotq --format json -o rows.json \
	-e 'on syscall.exit where pid under $child and name == vda emit op, offset, size, ret, lat' \
	-c 'ioload --log load.log --ops 300 --read 6 --write 3 --flush 1 --max 65536 /dev/vda'
