# Newer kernels find namespaces in any order.
# machine: nvme-ns
# stdout: ^nvme0n1 +259:[0-9]+ +disk +64M +nvme +QEMU NVMe Ctrl +namespace [12] of nvme0$
# stdout: ^nvme0n2 +259:[0-9]+ +disk +64M +nvme +QEMU NVMe Ctrl +namespace [12] of nvme0$
. /lab/cases/lib
wait_for /dev/nvme0n1
wait_for /dev/nvme0n2
iotq list devices
