# System calls with their calls into the filesystem, and the requests of the disk.
# machine: files
# judge: within
# timeout: 60s
. /lab/cases/lib
mount_files ext4
iotq --format json -o rows.json -e 'join syscall, fs where pid under $child and syscall.name == data
	emit syscall.time as time, syscall.tid as tid, syscall.op as call, syscall.offset as at, syscall.size as asked,
	     syscall.ret as came, syscall.lat as whole, fs.op as op, fs.offset as offset, fs.size as size, fs.ret as ret,
	     fs.lat as lat' \
	-c "ioload --threads 3 --cached $MIX $target" || without_locks $?
