# What the kernel writes back of each file of xfs is an operation, over with the last of its requests.
# machine: files
# modules: xfs
# judge: written-back
# timeout: 60s
. /lab/cases/lib
mount_files xfs
watch_writeback
