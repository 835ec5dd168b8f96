# A SCSI device that waits for 3 ms.
# modules: scsi_debug ndelay=3000000 dev_size_mb=16
# modules: sd_mod
# judge: requests
# judge: completions
# judge: median d2c 2.7ms 3.6ms
. /lab/cases/lib
watch "$(scsi_disk scsi_debug)" --ops 200 --read 2 --write 1
