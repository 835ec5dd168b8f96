# A partition of a virtio disk.
# machine: virtio-blk
# needs: CONFIG_DEBUG_INFO_BTF_MODULES
# judge: names
. /lab/cases/lib
wait_for /dev/vda
partition vda
LAYERS='block virtio'
NAMES="vda2 $(cat /sys/class/block/vda2/dev)"
OTHERS='vda1 vda'
watch_names vda2 --ops 200 --read 2 --write 1 --discard 1 --max 16384
