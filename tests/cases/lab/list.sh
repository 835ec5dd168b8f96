# machine: virtio-blk
# stdout: block.*complete
# stdout: vda
. /lab/cases/lib
wait_for /dev/vda
iotq list block
iotq list devices
