# A kernel with an NVMe drive.
# machine: nvme
# stdout: "state":"ok","subject":"devices","text":"1 disk: 1 nvme"
# stdout: "state":"(ok|reduced)","subject":"nvme","text":"[0-9]+ of [0-9]+ hooks"
# judge: doctor
# timeout: 90s
. /lab/cases/lib
wait_for /dev/nvme0n1
doctor_json
