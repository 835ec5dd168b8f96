# A SCSI device that waits for 3 ms, as the SCSI layer sees it.
# machine: timed
# modules: scsi_debug ndelay=3000000 dev_size_mb=16
# modules: sd_mod
# needs: CONFIG_DEBUG_INFO_BTF_MODULES
# judge: scsi
# judge: times lat scsi_dispatch_cmd_start scsi_dispatch_cmd_done
# judge: median lat 3ms
. /lab/cases/lib
CLOCK=mono
watch_scsi "$(scsi_disk scsi_debug)" --ops 200 --read 2 --write 1
