# machine: virtio-blk
# stdout: block.*complete
# stdout: ^name +number +kind +size +driver
# stdout: ^vda +25[0-9]:0 +disk +64M +virtio_blk
. /lab/cases/lib
wait_for /dev/vda
iotq list block
iotq list devices
