# Statements on two layers that want different requests: each layer judges each request once.
# machine: nvme
# stderr: ^iotq: 400 seen, 200 shipped, 0 lost, 0 unmatched
. /lab/cases/lib
wait_for /dev/nvme0n1
iotq --format json -o rows.json -e 'on block.complete where dev == nvme0n1 and op == write emit op, size' \
	-e 'on nvme.complete where dev == nvme0n1 and op == read emit op, size' \
	-c 'ioload --ops 200 --read 1 --write 1 /dev/nvme0n1'
