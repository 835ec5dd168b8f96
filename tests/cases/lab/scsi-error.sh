# Bad sectors of a SCSI disk, in the driver's words: medium error (3), unrecovered read error (11/00).
# modules: scsi_debug opts=2 delay=0 dev_size_mb=16
# modules: sd_mod
# needs: CONFIG_DEBUG_INFO_BTF_MODULES
# judge: errors read ENODATA
# stdout: all have sense data
. /lab/cases/lib
watch_scsi "$(scsi_disk scsi_debug)" --ops 1000 --read 1 --span 3145728
failed=$(grep -c '"error":"ENODATA"' rows.json)
[ "$failed" -gt 0 ] && [ "$failed" = "$(grep -c '"sense":200960' rows.json)" ] && echo all have sense data
