# A kernel that keeps its memory from root.
# machine: spent
# needs: CONFIG_SECURITY_LOCKDOWN_LSM
# stdout: ok +lockdown +none
# stdout: reduced +lockdown +confidentiality
# stdout: (ok|reduced) +syscall +[0-9]+ of [0-9]+ hooks
# stdout: no +syscall +[0-9]+ of [0-9]+ hooks, and the kernel refuses the programs .E0709
# stdout: refused +load iotq_sys_enter: .*bpf_probe_read
# stdout: reduced +block
# stdout: way out +boot without lockdown=confidentiality
# timeout: 90s
. /lab/cases/lib
mount -t securityfs securityfs /sys/kernel/security
iotq doctor
echo confidentiality >/sys/kernel/security/lockdown
iotq doctor
