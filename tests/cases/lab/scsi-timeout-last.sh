# A command that is never answered, whatever it is tried: the last attempt is a row, too.
# machine: timed
# modules: scsi_debug delay=0 dev_size_mb=16
# modules: sd_mod
# needs: CONFIG_DEBUG_INFO_BTF_MODULES
# timeout: 120s
# judge: attempts
. /lab/cases/lib
disk=$(scsi_disk scsi_debug)
ignore_commands "$disk" 1
EVENTS='scsi/scsi_dispatch_cmd_start scsi/scsi_dispatch_cmd_done scsi/scsi_dispatch_cmd_timeout'
watch_layer scsi "$SCSI" "$disk" --ops 2 --read 1
