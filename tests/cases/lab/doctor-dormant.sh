# A kernel whose SCSI module is not loaded: without files of modules, and with such.
# machine: virtio-blk
# stdout: ok +devices +1 disk: 1 virtio_blk
# stdout: no +scsi +[0-9]+ of [0-9]+ hooks: `trace scsi` is refused
# stdout: missing +scsi_dispatch_cmd_start, scsi_dispatch_cmd_error: nothing of the layer can be
# stdout: way out +kernels built with CONFIG_SCSI have it
# stdout: way out +its module is not loaded: modprobe scsi_mod
# stderr: E0703.*scsi_dispatch_cmd_start
# judge: doctor
# timeout: 180s
. /lab/cases/lib
wait_for /dev/vda
iotq doctor
modules=/lib/modules/$(uname -r)
mkdir -p "$modules"
echo 'kernel/drivers/scsi/scsi_mod.ko.xz:' >"$modules/modules.dep"
trap 'rm -r /lib/modules' EXIT
doctor
iotq -e 'trace scsi' || [ $? = 3 ]
