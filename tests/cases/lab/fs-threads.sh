# More threads than the kernel follows to their ends in a module's function: each call is a row, or counted as unmatched.
# machine: files
# modules: xfs
# judge: ended
# timeout: 60s
. /lab/cases/lib
mount_files xfs
iotq --format json -o rows.json -e 'on fs.exit where pid under $child and name == data emit op, lat' \
	-c "ioload --log load.log --threads 24 --ops 2400 --read 2 --write 1 $target"
