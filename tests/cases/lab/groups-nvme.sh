# Groups that the kernel keeps are those that user space makes: of an NVMe drive's commands, of requests, and of calls.
# machine: nvme
# timeout: 60s
# judge: groups
. /lab/cases/lib
wait_for /dev/nvme0n1
{
	twice_all nvme 'dev == nvme0n1'
	twice block.complete 'dev == nvme0n1' 'count(), hist(lat), sum(q2d), ratio(lat > 1ms) as slow by op, comm'
	twice syscall.exit 'pid under $child' 'count(), sum(ret), min(ret), hist(lat), stddev(size) by op, name'
	twice syscall.enter 'pid under $child' 'count() by file, kind'
} >script.iotq
iotq --format json -o rows.json --ring 16M -c 'ioload --ops 3000 --threads 4 --read 6 --write 3 --flush 1 --max 65536 /dev/nvme0n1' script.iotq
