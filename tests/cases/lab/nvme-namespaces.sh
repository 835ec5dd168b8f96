# A query on one namespace sees only its own commands.
# machine: nvme-ns
# judge: nvme
. /lab/cases/lib
wait_for /dev/nvme0n1
wait_for /dev/nvme0n2
ioload --ops 2000 --read 1 /dev/nvme0n1 >other &
watch_nvme nvme0n2 --ops 500 --read 2 --write 1 --flush 1 --max 16384
wait
