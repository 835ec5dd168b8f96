# Calls to a mirror: each write goes to both disks, whoever submits it, and each read to one of them.
# modules: null_blk queue_mode=2 irqmode=0 gb=1 nr_devices=2
# modules: raid1
# judge: followed
# judge: stacked nullb0 nullb1
. /lab/cases/lib
wait_for /dev/nullb1
mirror nullb0 nullb1
follow md0 "" --ops 400 --threads 2 --read 2 --write 1 --max 65536
