# System calls with their calls into ext4, through the page cache.
# machine: files
# judge: within
# timeout: 60s
. /lab/cases/lib
mount_files ext4
watch_within $target --threads 3 --cached $MIX
