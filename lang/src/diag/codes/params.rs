//! E05: parameters and arguments.

codes! {
    MISSING "E0501" "a parameter has no value" r"The script declares a parameter without a default, and the command line gives no value.

    iotq slow.iotq --threshold 10ms

A default makes it optional: `param threshold: duration = 10ms`.
"

    PARAM_VALUE "E0502" "a value does not fit its parameter" r"The value on the command line, or the default, is not of the parameter's type. Durations and sizes need a unit.

    param threshold: duration = 10ms
    param disk: dev = nvme0n1
"

    NO_SUCH_PARAM "E0503" "the script has no such parameter" r"The command line gives a value for a parameter that the script does not declare. `iotq FILE.iotq --help` lists them.
"

    NO_ARG "E0504" "an argument is missing" r"The script uses `$1`, `$2` …, and the command line gives fewer arguments.

    iotq slow.iotq nvme0n1        # $1 is nvme0n1
"

    NO_CHILD "E0505" "there is no child" r"`$child` is the process that `-c` starts, and no command was given.

    iotq -e 'trace block where pid under $child' -c 'fio job.fio'
"

    PARAM_TYPE "E0506" "an unknown type of a parameter" r"The types of parameters are `int float bool duration bytes string dev file dir cgroup comm pid`, and the lists of names of
the catalogue, such as `op` and `error`.

    param op: op = write
"
}
