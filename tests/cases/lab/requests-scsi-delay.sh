# Commands that take 3 ms are 3 ms of the stage `device`.
# machine: timed
# modules: scsi_debug ndelay=3000000 dev_size_mb=16
# modules: sd_mod
# judge: followed
# judge: median device 3ms
# judge: most cpu,runqueue,queued,blocked 1ms
. /lab/cases/lib
disk=$(scsi_disk scsi_debug)
follow "$disk" ", optional scsi" --ops 200 --read 2 --write 1
