# A controller is all of its disks, and each of these is itself.
# machine: nvme-ns
# stdout: ^50 of the controller, 30 of the first, 20 of the second$
. /lab/cases/lib
wait_for /dev/nvme0n1
wait_for /dev/nvme0n2
iotq --format json -o rows.json -e 'on block.complete where dev == nvme0 emit dev, op' \
	-e 'on block.complete where dev == nvme0n1 emit dev, op' -e 'on block.complete where dev == nvme0n2 emit dev, op' \
	-c 'sh -c "ioload --ops 30 --read 1 --write 1 /dev/nvme0n1 && ioload --ops 20 --read 1 --write 1 /dev/nvme0n2"'
count() { grep -c "\"query\":$1,.*\"dev\":\"$2\"" rows.json; }
echo "$(count 0 nvme0n[12]) of the controller, $(count 1 nvme0n1) of the first, $(count 2 nvme0n2) of the second"
