# What the kernel writes back of each file of ext4 is an operation, over with the last of its requests.
# machine: files
# judge: written-back
# timeout: 60s
. /lab/cases/lib
mount_files ext4
watch_writeback
