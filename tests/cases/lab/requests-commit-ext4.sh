# Syncs that wait for commits of the journal: what its thread writes is a part of them.
# machine: files
# judge: committed
# timeout: 60s
. /lab/cases/lib
mount_files ext4
watch_commits --ops 300 --threads 2 --write 1 --flush 1
