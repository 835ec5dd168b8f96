# Page faults of a mapped device, followed to the disk: each is where the generator has read, and has read a page.
# machine: virtio-blk
# judge: faults
. /lab/cases/lib
wait_for /dev/vda
echo 3 >/proc/sys/vm/drop_caches
locate vda
iotq --format json -o rows.json -e 'join syscall, block where pid under $child and name == vda and call == page_fault
	emit time, tid, offset, syscall.size as size, ret, syscall.lat as lat, cpu, runqueue, syscall.device as device,
	     syscall.queue as queued, blocked, other, children, syscall.approx as approx, block.op as part,
	     block.sector as sector, block.size as part_size, block.lat as part_lat' \
	-c 'ioload --log load.log --engine map --cached --threads 2 --ops 600 --read 1 /dev/vda' || without_locks $?
