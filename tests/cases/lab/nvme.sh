# Commands of an NVMe drive, as the kernel's text tells of them.
# machine: nvme
# timeout: 60s
# judge: nvme
. /lab/cases/lib
EVENTS="nvme/nvme_setup_cmd nvme/nvme_complete_rq nvme/nvme_sq"
NVME='time, pid, comm, dev, ctrl, nsid, qid, cid, op, opcode, sector, size, status, error, retries, sq_head, sq_tail, lat, internal, approx'
wait_for /dev/nvme0n1
watch_driver nvme "$NVME" nvme0n1 --ops 5000 --threads 4 --read 6 --write 3 --flush 1 --discard 1 --max 65536
