# One controller, two namespaces: rows name the one that is meant.
# machine: nvme-ns
# judge: requests
# judge: completions
. /lab/cases/lib
wait_for /dev/nvme0n1
wait_for /dev/nvme0n2
watch nvme0n2 --ops 200 --read 2 --write 1 --flush 1 --max 16384
