# A file is read that is not cached, and read again; then it is written to. All of it is told, once.
# machine: virtio-blk
# timeout: 120s
# judge: cache
. /lab/cases/lib
wait_for /dev/vda
mke2fs /dev/vda >/dev/null
mount -t ext4 /dev/vda /mnt
finally "umount /mnt"
dd if=/dev/zero of=/mnt/sample bs=1M count=16 2>/dev/null
umount /mnt
mount -t ext4 /dev/vda /mnt
stat -c %i /mnt/sample >inode

events() {
	into=$1
	shift
	iotq --format json -o $into -e 'on cache.access where name == sample emit event, offset, size, approx' -c "$*"
}
EVENTS=filemap/mm_filemap_add_to_page_cache
trace_begin
events cold.json dd if=/mnt/sample of=/dev/null bs=100k
trace_end
events warm.json dd if=/mnt/sample of=/dev/null bs=100k
events written.json "sh -c 'ioload --cached --ops 300 --write 1 --max 65536 --log load.log /mnt/sample && sync'"
# Kernels that tell of no reads: iotq says so. The judges know by this file.
! grep -q 'hits, misses and readahead are not seen' stderr || echo "no reads" >refused
