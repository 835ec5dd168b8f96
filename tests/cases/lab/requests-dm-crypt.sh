# Calls to an encrypted mirror: a thread of dm-crypt writes what it has made of the bios, in bios of its own, and the mirror
# makes two of each.
# modules: null_blk queue_mode=2 irqmode=0 gb=1 nr_devices=2
# modules: crypto_null
# modules: ecb
# modules: dm_crypt
# modules: raid1
# judge: followed
# judge: stacked nullb0 nullb1
. /lab/cases/lib
wait_for /dev/nullb1
mirror nullb0 nullb1
map lab 0 65536 crypt cipher_null-ecb-null - 0 /dev/md0 0
follow dm-0 "" --ops 400 --threads 2 --read 2 --write 1 --max 65536
