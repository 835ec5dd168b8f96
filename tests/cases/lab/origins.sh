# What two programs write through the page cache, and a third one has written back, is told of its authors.
# machine: virtio-blk
# timeout: 120s
# judge: origins
. /lab/cases/lib
wait_for /dev/vda
mke2fs /dev/vda >/dev/null
mount -t ext4 /dev/vda /mnt
finally "umount /mnt"
for file in first second; do
	dd if=/dev/zero of=/mnt/$file bs=1M count=16 2>/dev/null
	ln -sf /bin/ioload $file
done
sync
load='--cached --ops 300 --write 1 --max 65536'
iotq --format json -o rows.json \
	-e 'on block.complete where dev == vda and op == write
		emit sum(size) as bytes, ratio(approx) as doubt by origin.comm as origin, comm' \
	-c "sh -c './first $load --log first.log /mnt/first && ./second $load --seed 2 --log second.log /mnt/second && sync'"
rm first second
