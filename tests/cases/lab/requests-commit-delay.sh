# A device that keeps each flush for 5 ms, below ext4: syncs wait for it through the journal's commit, and it is their stage
# `device`.
# machine: files
# modules: dm_delay
# judge: committed
# judge: mostly device 4ms
# timeout: 60s
. /lab/cases/lib
mount_files ext4
umount /mnt
ends=
under=$disk
sectors=$(cat /sys/block/$under/size)
map lab 0 $sectors delay /dev/$under 0 0 /dev/$under 0 0 /dev/$under 0 5
disk=dm-0
mount -t ext4 /dev/$disk /mnt
finally "umount /mnt"
watch_commits --ops 300 --write 1 --flush 1
