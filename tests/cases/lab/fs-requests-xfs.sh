# System calls with their calls into xfs, through the page cache.
# machine: files
# modules: xfs
# judge: within
# timeout: 60s
. /lab/cases/lib
mount_files xfs
watch_within $target --threads 3 --cached $MIX
