# Reads, writes and syncs of a file on btrfs, direct and through the page cache: each is one call.
# machine: files
# modules: btrfs
# judge: files btrfs
# timeout: 60s
. /lab/cases/lib
mount_files btrfs
watch_files $target $MIX
