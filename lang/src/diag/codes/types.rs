//! E03: types and units.

codes! {
    COMPARE "E0301" "the types of two values differ" r"Two values are compared or combined that are of different types, such as a duration and a size. The message shows
both, with their types. Units never mix silently.

    trace block where lat > 1ms and size >= 4KiB
"

    UNIT_MISSING "E0302" "a number needs a unit" r"A plain number stands beside a duration or a size. `lat > 5` could mean nanoseconds or milliseconds, so it means
nothing; only 0 needs no unit.

    trace block where lat > 5ms
    trace block where size > 4096B
"

    ARITHMETIC "E0303" "arithmetic does not take these operands" r"Sums and differences need equal units. A duration or size can be multiplied and divided by a number; divided by its
own kind it is a plain number. Names, text and truth values take no part.

    trace block where q2d / lat > 0.5        # more than half of the time in the queue
    trace block where lat - d2c > 1ms
"

    CONDITION "E0304" "a condition is true or false" r"`where`, `having`, `and`, `or`, `not` and `ratio` take conditions. A field that is a duration, a size or a name is
compared first; one that is a truth value, such as `sync`, is a condition by itself.

    trace block where sync and lat > 1ms
"

    NO_ORDER "E0305" "these values have no order" r"`<`, `<=`, `>`, `>=` and ranges are for numbers, durations, sizes, times and processes. Names, text, devices, files and
truth values can be equal or not.

    trace block where op in {read, write}
"

    TEXT_WANTED "E0306" "a glob matches text" r#"`~` and `!~` match text with a glob of `*` and `?`. Devices, files and control groups are not text: they are
compared with names, and control groups and files with `under`.

    trace syscall where comm ~ "post*" and file under "/var/lib"
"#

    EMPTY "E0307" "nothing can be in this set, range or histogram" r"A range that ends before it begins, a set of nothing, buckets without width: the condition would never hold. The
smaller value comes first, and both ends belong to a range.

    trace block where lat in 1ms..5ms
"

    ARGUMENTS "E0308" "a function does not take these arguments" r"The message shows how the function is written. Percentiles and histograms take whole numbers, durations and
sizes; `count()` takes nothing, or the list of a layer.

    on block.complete emit count(), p99(lat), quantile(lat, 0.95), lhist(lat, 0us, 10ms, 100us)
"

    NOT_CONSTANT "E0309" "a constant is wanted" r"Sets, globs, the bounds of histograms and the values of `for`, `every`, `limit` and `top` are fixed before the statement
runs: literals, `let`, `param`, arguments, and arithmetic on them.

    let window = 2 * 5s
    on block.complete emit count() every window
"

    OVERFLOW "E0310" "a constant cannot be computed" r"The arithmetic of constants is done when the query is compiled. A result that does not fit in 64 bits, or a division by
zero, has no value.
"

    MISPLACED "E0311" "this is not a value" r"Sets and ranges stand behind `in`; the list of a layer in a join is reduced by an aggregate; a parameter that is
`any` stands only in comparisons, which it makes true.

    trace block where op in {read, write} and lat in 1ms..10ms
    join syscall, block emit syscall.lat, max(block[].lat)
"

    PATH_WANTED "E0312" "a file is named by its path, quoted" r#"A file is found by its path, and a path stands in quotes.

    trace syscall where file == "/var/lib/db/wal"
    trace syscall where file under "/var/lib/db"
"#

    NAME_MISPLACED "E0313" "a name of the machine is not a value" r"Devices, files, control groups and processes get their meaning on the machine, when the query is installed. A field is
compared with them; they have no value of their own.

    trace block where dev == nvme0n1 or pid == $child
"

    NO_UNDER "E0314" "nothing is below such a value" r#"`under` asks for a process and its descendants, a control group and those in it, or a directory and what it holds.

    trace block where pid under 1234
    trace block where cgroup under "/system.slice"
    trace syscall where file under "/home"
"#

    HISTOGRAM "E0315" "a histogram is not a single value" r"`hist`, `heat` and `lhist` are shown, and cannot be compared or calculated with. For one number of a distribution use a
percentile, an average or an extreme.

    on block.complete emit hist(lat) by dev having p99(lat) > 10ms
"
}
