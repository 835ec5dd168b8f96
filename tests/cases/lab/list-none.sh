# A machine without block devices.
# stderr: this machine has no block devices
iotq list devices >devices
iotq list devices --format json >>devices
[ ! -s devices ]
