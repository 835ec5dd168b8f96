# Syncs that wait for commits of the journal: what its thread writes is a part of them.
# machine: files
# judge: committed
# timeout: 60s
. /lab/cases/lib
mount_files ext4
cat "/sys/class/block/$disk/dev" >dev
EVENTS='jbd2/jbd2_start_commit jbd2/jbd2_end_commit block/block_bio_queue'
trace_begin
iotq --format json -o rows.json -e "join syscall, block where pid under \$child and syscall.op == fsync
	emit time, tid, syscall.lat as lat, cpu, runqueue, syscall.device as device, syscall.queue as queued, blocked, other,
	     children, syscall.approx as approx, block.comm as comm, block.sector as sector" \
	-c "ioload --span 16777216 --cached --ops 300 --threads 2 --write 1 --flush 1 $target" || without_locks $?
trace_end
