# A query on one namespace sees only its own commands.
# machine: nvme-ns
# judge: nvme
. /lab/cases/lib
EVENTS="nvme/nvme_setup_cmd nvme/nvme_complete_rq nvme/nvme_sq"
NVME='time, pid, comm, dev, ctrl, nsid, qid, cid, op, opcode, sector, size, status, error, retries, sq_head, sq_tail, lat, internal, approx'
wait_for /dev/nvme0n1
wait_for /dev/nvme0n2
ioload --ops 2000 --read 1 /dev/nvme0n1 >other &
watch_driver nvme "$NVME" nvme0n2 --ops 500 --read 2 --write 1 --flush 1 --max 16384
wait
