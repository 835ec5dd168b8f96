# Calls followed to the disk: each with what it caused, and stages that add up.
# machine: nvme
# judge: followed
# judge: flushed
. /lab/cases/lib
wait_for /dev/nvme0n1
follow nvme0n1 ", nvme" --ops 1500 --threads 3 --read 6 --write 3 --flush 1 --max 65536
