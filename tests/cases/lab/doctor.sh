# A kernel with the SCSI module: on 5.10 it keeps its types to itself.
# stdout: ok +privileges +may load
# stdout: (ok|reduced) +block +[0-9]+ of [0-9]+ hooks
# stdout: (ok|reduced) +syscall +[0-9]+ of [0-9]+ hooks
# stdout: ok +requests +2 of 2 hooks$|no +requests +2 of 2 hooks, and the kernel refuses the programs
# stdout: no +qemu +.*E0712
# stdout: (ok|reduced) +fs +[0-9]+ of [0-9]+ hooks
# stdout: (ok|reduced) +scsi +[0-9]+ of [0-9]+ hooks|untyped +scsi_dispatch_cmd_start, scsi_dispatch_cmd_error: nothing of the layer
# stdout: modules +scsi_mod is loaded$|way out +.*CONFIG_DEBUG_INFO_BTF_MODULES
# judge: doctor
# timeout: 90s
. /lab/cases/lib
doctor
