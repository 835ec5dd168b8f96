# Where the kernel hides the addresses of its functions, calls to a stacked device are followed to that, and it is said so.
# modules: null_blk queue_mode=2 irqmode=0 gb=1
# modules: dm_delay
# judge: followed
# stderr: hides the addresses of its functions|no locks for tracing programs
. /lab/cases/lib
wait_for /dev/nullb0
map lab 0 65536 delay /dev/nullb0 0 5
restrict=$(cat /proc/sys/kernel/kptr_restrict)
finally "echo $restrict >/proc/sys/kernel/kptr_restrict"
echo 2 >/proc/sys/kernel/kptr_restrict
follow dm-0 "" --ops 60 --read 2 --write 1
