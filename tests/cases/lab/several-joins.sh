# Several joins, and a statement on a driver: the programs for them are within the stack that this kernel has.
# machine: virtio-blk
# needs: CONFIG_DEBUG_INFO_BTF_MODULES
# stdout: layer +requests +lat +cpu +runqueue +device
# stdout: .*virtio vda +queue [0-9]+ +index [0-9]+ +flush
# timeout: 60s
. /lab/cases/lib
wait_for /dev/vda
iotq -c 'ioload --ops 100 --write 1 --flush 1 /dev/vda' -e '
join syscall, block, virtio where syscall.op == fsync and syscall.lat > 1us emit stages
join syscall, block, virtio where syscall.op == fsync and syscall.lat > 1us emit tree limit 3
trace virtio where virtio.size == 512B emit virtio.size as size, virtio.lat as lat'
