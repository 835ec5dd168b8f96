# A kernel that keeps its memory from root.
# machine: spent
# needs: CONFIG_SECURITY_LOCKDOWN_LSM
# stdout: ok +lockdown +none
# stdout: reduced +lockdown +confidentiality
# stdout: ok +syscall +2 of 2 hooks$
# stdout: no +syscall +2 of 2 hooks, and the kernel refuses the programs .E0709
# stdout: refused +load iotq_sys_enter: .*bpf_probe_read
# stdout: way out +boot without lockdown=confidentiality
. /lab/cases/lib
mount -t securityfs securityfs /sys/kernel/security
iotq doctor
echo confidentiality >/sys/kernel/security/lockdown
iotq doctor
