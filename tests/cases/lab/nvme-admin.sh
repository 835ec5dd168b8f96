# Commands for the controller itself have a queue and an opcode, and no disk.
# machine: nvme
# stdout: "qid":0,.*"op":"identify"
. /lab/cases/lib
wait_for /dev/nvme0n1
iotq --format json -e 'on nvme.complete where qid == 0 emit dev, qid, cid, op, opcode, sector, status, lat' \
	-c 'sh -c "echo 1 >/sys/class/nvme/nvme0/rescan_controller"'
