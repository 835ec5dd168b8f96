# stdout: (ok|reduced) +block
# stdout: ok +syscall
iotq doctor
