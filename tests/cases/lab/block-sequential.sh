# Requests that begin where the last one of their kind ended, and others: one after the other, in few places.
# machine: nvme
# judge: sequence
. /lab/cases/lib
wait_for /dev/nvme0n1
iotq --format json -o rows.json \
	-e 'on block.complete where dev == nvme0n1 and op in {read, write} emit op, sector, size, sequential' \
	-c 'ioload --ops 400 --read 1 --write 1 --span 65536 --summary /dev/null /dev/nvme0n1'
