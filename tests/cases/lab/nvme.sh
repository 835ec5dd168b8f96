# Commands of an NVMe drive, as the kernel's text tells of them.
# machine: nvme
# timeout: 60s
# judge: nvme
. /lab/cases/lib
wait_for /dev/nvme0n1
watch_nvme nvme0n1 --ops 5000 --threads 4 --read 6 --write 3 --flush 1 --discard 1 --max 65536
