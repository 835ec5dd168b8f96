# A device that fails whatever it is asked for.
# modules: dm_mod
# judge: requests
# judge: errors read EIO
# judge: errors write EIO
. /lab/cases/lib
map lab 0 65536 error
watch dm-0 --ops 100 --read 1 --write 1
