# A partition is its range of the disk, whatever device a request was submitted to, on each layer.
# machine: nvme
# judge: names
. /lab/cases/lib
wait_for /dev/nvme0n1
partition nvme0n1
link by-partuuid/lab-01 nvme0n1p1
LAYERS='block nvme'
NAMES="nvme0n1p1 \"/dev/nvme0n1p1\" $(cat /sys/class/block/nvme0n1p1/dev) lab-01"
OTHERS='nvme0n1p2 nvme0n1'
watch_names nvme0n1p1 --ops 200 --read 2 --write 1 --discard 1 --max 16384
