//! E02: a name means nothing, or too much.

codes! {
    UNKNOWN_NAME "E0201" "an unknown name" r"The name is no field of what the statement reads, and not defined by `let`, `def`, `param` or a module. Names of
the machine can stand without quotes only where they are compared with a field of their kind.

    trace block where dev == nvme0n1 and comm == etcd       # names of the machine
    trace block where lat > slow                            # needs: let slow = 10ms

`iotq list 'block.*'` shows the fields of a layer.
"

    UNKNOWN_LAYER "E0202" "an unknown layer" r"`trace` and `join` take layers, `on` takes points of layers. `iotq list` shows them.

    trace block
    on block.issue
    join syscall, block, nvme
"

    UNKNOWN_POINT "E0203" "an unknown point" r"A point is a moment in the life of a layer's operations. `iotq list block` shows those of `block`.

    on block.issue emit dev, op, size
"

    UNKNOWN_FIELD "E0204" "an unknown field" r"The layer has no field of that name. Fields of different layers differ: `block.q2d` has no counterpart in `nvme`.
In a statement over several layers, a field without a layer must be one of each of them.

`iotq list 'block.*'` shows the fields of a layer with their types.
"

    UNKNOWN_VARIANT "E0205" "an unknown name of a list" r"Some fields take one of a list of names: `op`, `error`, `call`, `kind`. The message lists them.

    trace block where op in {read, write} and error == EIO
"

    AMBIGUOUS "E0206" "an ambiguous field" r"Several layers of the join have the field, and they may differ: the latency of a system call is not that of its
block requests. Say which one is meant. Only `time pid tid comm uid cgroup` may stand without a layer; they are
read from the first layer that has them.

    join syscall, block where syscall.lat > 10ms emit block.lat
"

    NOT_KNOWN_HERE "E0207" "a field is not known at this point" r"The statement looks at a moment at which the field has no value yet: at `block.issue` nobody knows how long
the device will take. The message names the points at which the field is known.

    on block.complete emit lat
"

    NOT_JOINED "E0208" "the layer is not read by this statement" r"A field is read through a layer that the statement does not name. In `trace` and `on` each row comes from one
layer; to see several layers of one request, join them.

    join syscall, block where block.lat > 5ms emit syscall.file, block.lat
"

    UNKNOWN_FUNCTION "E0209" "an unknown function" r"The functions are `abs least greatest bucket lower length coalesce`, the aggregates `count sum avg min max stddev
hist heat lhist p50 p90 p99 p999 quantile rate ratio`.

    on block.complete emit p99(lat) by bucket(size, 64KiB)
"

    UNKNOWN_MODULE "E0210" "an unknown module or file" r#"`use` takes the definitions of a module of the standard library, or of a file. The path of a file is relative to the
folder of the file that uses it.

    use stdlib.storage
    use "lib/our-disks.iotq"
"#

    DEFINED_TWICE "E0211" "a name is defined twice" r"A name has one meaning in the whole script, wherever it is defined. A script may replace a definition that it
imports from a module, but not one of its own, and two modules may not define the same name.
"

    CYCLE "E0212" "a definition stands for itself" r"Definitions are replaced by what they stand for, so none may lead back to itself.

    def a = b
    def b = a        # what is `a`?
"

    MODULE_ITEM "E0213" "a module holds only definitions" r"A module is used for its `let` and `def`. Statements and parameters belong to the script that is run.
"
}
