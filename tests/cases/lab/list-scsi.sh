# machine: virtio-scsi
# stdout: ^sda +8:0 +disk +64M +sd +QEMU HARDDISK +[0-9]+:0:0:0$
. /lab/cases/lib
wait_for /dev/sda
iotq list devices
