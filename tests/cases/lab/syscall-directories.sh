# Calls on files in a directory, by whatever name it goes: in a mount below it, moved there, deep in it; and none on others.
# judge: calls
. /lab/cases/lib
mkdir -p in/a/b/c in/mounted out
mount -t tmpfs lab in/mounted
finally "umount in/mounted"
for file in in/mounted/data in/a/b/c/data out/data out/moved; do
	dd if=/dev/zero of=$file bs=64k count=4 2>/dev/null
done
cat >work <<-'END'
	load() { ioload --cached --ops 40 --read 2 --write 2 --flush 1 --log "$1" --summary /dev/null "$2"; }
	load 1.log in/mounted/data
	load other.log out/data
	load other.log out/moved
	mv out/moved in/a
	load 2.log in/a/moved
	mv in out/kept
	load 3.log out/kept/a/b/c/data
END
iotq --format json -o rows.json \
	-e "on syscall.exit where comm == ioload and file under \"$PWD/in\" emit op, offset, size, ret, lat" -c 'sh work'
mv out/kept in
cat 1.log 2.log 3.log >load.log
