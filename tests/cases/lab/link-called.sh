# A guest that listens is called by its context id, and strangers on its own machine are not heard without a token.
# machine: virtio-blk
# modules: vsock_loopback
# stderr: lab is ready \(Linux
# stdout: ^40 rows$
# stdout: ^not heard$
# timeout: 90s
. /lab/cases/lib
wait_for /dev/vda
listen() {
	iotq guest --listen vsock:any --name lab "$@" 2>>agent.log &
	agent=$!
	finally "kill $agent 2>/dev/null || true"
}
listen
iotq host --guest 1 --call vsock:1 --for 1s -e 'trace guest.block' 2>/dev/null &
host=$!
until grep -q 'vsock:1 is no host of this guest' agent.log; do usleep 10000; done
echo "not heard"
kill -9 $host $agent
(umask 077; echo "a secret of the lab" >token)
listen --token token
asked 1 --call vsock:1 --token token -o rows.json -e 'on guest.block.complete where dev == vda and op == read emit sector'
ioload --ops 40 --read 1 --summary load.json /dev/vda
answered
echo "$(grep -c '"type":"row"' rows.json) rows"
