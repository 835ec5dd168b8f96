# A SCSI device that waits for 3 ms, as the SCSI layer sees it.
# modules: scsi_debug ndelay=3000000 dev_size_mb=16
# modules: sd_mod
# needs: CONFIG_DEBUG_INFO_BTF_MODULES
# judge: scsi
# judge: median lat 2.7ms 3.6ms
. /lab/cases/lib
watch_scsi "$(scsi_disk scsi_debug)" --ops 200 --read 2 --write 1
