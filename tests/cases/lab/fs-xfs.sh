# Reads, writes and syncs of a file on xfs, direct and through the page cache: each is one call.
# machine: files
# modules: xfs
# judge: files xfs
# timeout: 60s
. /lab/cases/lib
mount_files xfs
watch_files $target $MIX
