//! E09: guests and their host.

use crate::diag::Code;

/// The family.
pub static ALL: &[&Code] = &[&LISTEN, &TOKEN, &NAME, &NO_GUEST, &CHILD, &ASKED_NOTHING];

/// A host that cannot listen.
pub static LISTEN: Code = Code {
    id: "E0901",
    title: "the host cannot listen",
    page: "\
`iotq host` listens where its guests connect to: on AF_VSOCK, or on the unix socket of a virtual
machine monitor that has such (Firecracker, Cloud Hypervisor, vhost-device-vsock). The address is in
use by another `iotq host`, its folder does not exist, or this kernel has no AF_VSOCK.

  modprobe vhost_vsock                                   # AF_VSOCK, for guests of QEMU
  iotq host --guest vm1 --listen unix:/run/vm1.vsock …   # where the monitor has its socket",
    exit: 3,
};

/// A token that cannot be used.
pub static TOKEN: Code = Code {
    id: "E0902",
    title: "no token",
    page: "\
The file given with --token holds a secret that host and guests share. It must exist, have at least 16
bytes, and not be readable by others.

  (umask 077; head -c 32 /dev/urandom | base64 > /etc/iotq/token)",
    exit: 3,
};

/// A name that no guest can have.
pub static NAME: Code = Code {
    id: "E0903",
    title: "no name of a guest",
    page: "\
A guest is known by a name of letters, digits, `.`, `_` and `-`, at most 64 of them: that of `iotq guest
--name NAME`, or else the name of its machine. `iotq host` must be told at least one: --guest NAME.",
    exit: 2,
};

/// Guests that cannot do what is asked.
pub static NO_GUEST: Code = Code {
    id: "E0904",
    title: "the guests refuse the query",
    page: "\
None of the guests can do what the query asks. Each has said why: a device or a file that it does not
have, a hook that its kernel lacks. Names of a query for guests mean what they mean in the guest.",
    exit: 3,
};

/// A command beside guests.
pub static CHILD: Code = Code {
    id: "E0905",
    title: "a command and guests",
    page: "\
`-c` starts a command on the machine that is traced. A host starts none in its guests, and one of its
own would be no process of theirs. Start it in the guest, and ask for it by its name.

  iotq host --guest vm1 -e 'trace guest.block where comm == fio'",
    exit: 2,
};

/// Guests that are named and not asked.
pub static ASKED_NOTHING: Code = Code {
    id: "E0906",
    title: "the guests are asked nothing",
    page: "\
--guest names guests, and no layer of the query is theirs. With `iotq host`, a layer without a qualifier
is the host's own.

  iotq host --guest vm1 -e 'trace guest.block'     # the guest's requests
  iotq host -e 'trace block'                       # those of the host",
    exit: 2,
};
