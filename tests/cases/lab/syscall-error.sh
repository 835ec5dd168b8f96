# Calls that fail, with their error numbers.
# modules: dm_mod
# judge: calls
. /lab/cases/lib
map lab 0 65536 error
iotq --format json -o rows.json \
	-e 'on syscall.exit where pid under $child and name == dm-0 emit op, offset, size, ret, lat' \
	-c 'ioload --log load.log --ops 50 --read 1 --write 1 --max 65536 /dev/dm-0'
