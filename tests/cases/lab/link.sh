# A guest and its host over the kernel's own vsock, both in this machine: every request of the guest comes to the host.
# machine: virtio-blk
# modules: vsock_loopback
# judge: requests
# stderr: lab is ready \(Linux
# timeout: 60s
. /lab/cases/lib
wait_for /dev/vda
locate vda
trace_begin
agent lab
asked 1 -o rows.json -e "on guest.block.complete where dev == vda emit $BLOCK"
ioload --log load.log --summary load.json --ops 300 --read 6 --write 3 --flush 1 --max 65536 /dev/vda
answered
trace_end
