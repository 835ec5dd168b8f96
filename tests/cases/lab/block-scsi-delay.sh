# A SCSI device that waits for 3 ms.
# machine: timed
# modules: scsi_debug ndelay=3000000 dev_size_mb=16
# modules: sd_mod
# judge: requests
# judge: completions
# judge: times d2c block_rq_issue block_rq_complete
# judge: median d2c 3ms
. /lab/cases/lib
CLOCK=mono EVENTS='block/block_rq_issue block/block_rq_complete'
watch "$(scsi_disk scsi_debug)" --ops 200 --read 2 --write 1
