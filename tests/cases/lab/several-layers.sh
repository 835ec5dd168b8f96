# All layers in one script, followed, by themselves and grouped: the programs are within the stack that this kernel has.
# needs: CONFIG_DEBUG_INFO_BTF_MODULES
# stdout: syscall +write +[1-9][0-9]* +
# timeout: 60s
. /lab/cases/lib
iotq -c 'dd if=/dev/zero of=file bs=4k count=10' -e '
join syscall, fs, cache, sched, block where (syscall.file under "/" or syscall.pid under $child) and syscall.op == write emit stages by syscall.op
on syscall.exit where size > 4KiB and file under "/lab" emit count(), hist(lat), p99(lat) by comm, op, dev
on block.complete where origin.comm == "x" and sequential emit hist(lat) by dev, op
on fs.exit where file under "/" emit lat, name
on sched.in where comm == "x" emit lat
on cache.access emit sum(size) by comm, event'
