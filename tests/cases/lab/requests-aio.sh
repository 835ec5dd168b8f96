# Operations of libaio followed to the disk, many at the same time: each with what it caused, and stages that add up.
# machine: nvme
# judge: followed
. /lab/cases/lib
wait_for /dev/nvme0n1
follow nvme0n1 "" --engine aio --depth 16 --ops 1500 --threads 2 --read 6 --write 3 --max 65536
