# A loop device is itself, not the disk that its file lies on; and the other way round.
# machine: virtio-blk
# modules: loop
# judge: names
. /lab/cases/lib
wait_for /dev/vda
losetup /dev/loop0 /dev/vda
finally 'losetup -d /dev/loop0'
NAMES='loop0 "/dev/loop0" 7:0'
OTHERS='vda'
watch_names loop0 --ops 200 --read 2 --write 1 --flush 1 --max 16384
