# The same, in a run that follows the requests as well: what is tried again keeps its submitter.
# machine: timed
# modules: scsi_debug delay=0 dev_size_mb=16
# modules: sd_mod
# needs: CONFIG_DEBUG_INFO_BTF_MODULES
# timeout: 120s
# judge: attempts
# stdout: ^nobody else$
. /lab/cases/lib
disk=$(scsi_disk scsi_debug)
ignore_commands "$disk" 10
EVENTS='scsi/scsi_dispatch_cmd_start scsi/scsi_dispatch_cmd_done scsi/scsi_dispatch_cmd_timeout'
echo "$disk" >disk
trace_begin
iotq --format json -o both.json -e "on block.complete where dev == $disk emit op, sector, lat, requeues, approx" \
	-e "on scsi.complete where dev == $disk emit $SCSI" -c "ioload --log load.log --ops 100 --read 1 /dev/$disk"
trace_end
grep -v '"query":0' both.json >rows.json
grep -q '"query":1' rows.json
grep '"query":1' rows.json | grep -qv '"comm":"ioload"' || echo nobody else
[ "$(grep -c '"query":0' both.json)" = 100 ]
