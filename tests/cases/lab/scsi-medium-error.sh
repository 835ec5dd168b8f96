# A SCSI disk with ten bad sectors, 0x1234 and those behind it.
# modules: scsi_debug opts=2 delay=0 dev_size_mb=16
# modules: sd_mod
# judge: errors read ENODATA
. /lab/cases/lib
watch "$(scsi_disk scsi_debug)" --ops 1000 --read 1 --span 3145728
