# Without tracefs, and without types.
# machine: virtio-blk
# stdout: reduced +tracefs +cannot be read
# stdout: way out +as root: mount -t tracefs
# stdout: no +btf .*E0702
# stdout: way out +.*CONFIG_DEBUG_INFO_BTF
# timeout: 90s
umount /sys/kernel/tracing
umount /sys/kernel/debug
trap 'mount -t tracefs tracefs /sys/kernel/tracing; mount -t debugfs debugfs /sys/kernel/debug' EXIT
iotq doctor
iotq doctor --btf /dev/null || [ $? = 3 ]
