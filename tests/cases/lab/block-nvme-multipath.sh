# Two paths to one namespace. The block layer sees requests to the paths, which are hidden devices without names or
# numbers in sysfs; only newer kernels tell of the end of the bios to the device that all use.
# machine: nvme-multipath
# needs: CONFIG_NVME_MULTIPATH
# judge: requests below
. /lab/cases/lib
# Whichever controller is probed first gives its number.
until ls /dev/nvme[01]n1 >/dev/null 2>&1; do usleep 10000; done
WHERE='pid under $child'
watch "$(basename /dev/nvme[01]n1)" --ops 200 --read 2 --write 1 --max 16384
