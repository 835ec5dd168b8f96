# Reads, writes and syncs of a file on ext4, direct and through the page cache: each is one call.
# machine: files
# judge: files ext4
# timeout: 60s
. /lab/cases/lib
mount_files ext4
watch_files $target $MIX
