# An agent that is killed is missed and welcome again; a host that is killed leaves nothing attached.
# machine: virtio-blk
# modules: vsock_loopback
# stderr: lab is gone: the connection has ended; what it had not sent is missing
# stdout: ^40 rows$
# stdout: ^detached$
# timeout: 90s
. /lab/cases/lib
wait_for /dev/vda
agent lab
asked lab -o rows.json -e 'on guest.block.complete where dev == vda and op == read emit sector'
kill -9 $agent
until grep -q 'lab is gone' said; do usleep 10000; done
agent lab
until [ "$(grep -c 'lab is ready' said)" = 2 ]; do usleep 10000; done
ioload --ops 40 --read 1 --summary load.json /dev/vda
answered
echo "$(grep -c '"type":"row"' rows.json) rows"
asked lab -o rows.json -e 'trace guest.block'
kill -9 $host
while ls -l /proc/$agent/fd 2>/dev/null | grep -q bpf-prog; do usleep 10000; done
echo detached
