# A mapping by all of its names: it is itself, not the disk that it lies on.
# machine: virtio-blk
# modules: dm_mod
# judge: names bios
. /lab/cases/lib
wait_for /dev/vda
map lab 0 65536 linear /dev/vda 2048
link by-id/dm-name-lab dm-0
NAMES="dm-0 lab $(cat /sys/block/dm-0/dev) dm-name-lab"
OTHERS='vda'
watch_names dm-0 --ops 200 --read 2 --write 1 --max 16384
