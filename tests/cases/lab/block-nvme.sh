# An NVMe drive: each request is a row, as the generator and the kernel tell of it.
# machine: nvme
# judge: requests
# judge: completions
. /lab/cases/lib
wait_for /dev/nvme0n1
watch nvme0n1 --ops 400 --threads 2 --read 6 --write 3 --flush 1 --discard 1 --max 65536
