//! E01: the text cannot be read.

codes! {
    TOO_LARGE "E0101" "the source is too large" r"A source text has more than 1 MiB. Queries are written by people and are short; the limit keeps a file
that was given by mistake, such as a recording, from being compiled.

Give the query's file. To read a recording, use `iotq --from RECORDING -e 'QUERY'`.
"

    TOO_DEEP "E0102" "brackets nest too deep" r"More than 64 brackets are open at one place. The compiler follows brackets on its stack, so it sets them
a limit.

Give parts of the expression a name:

    def slow_write = op == write and lat > 10ms
    trace block where slow_write and (dev == vda or dev == vdb)
"

    TOO_LARGE_EXPRESSION "E0103" "an expression or program is too large" r"An expression has too many operators one inside the other, or definitions that use definitions grow into
something too large when they are replaced by what they stand for. `and` and `or` chains of any length
are fine.

Many alternatives are a set:

    trace block where dev in {vda, vdb, vdc}        # not: dev == vda or dev == vdb or …
"

    ENCODING "E0104" "the source is not text" r"The bytes of a source are not UTF-8. The message gives the first byte that is wrong.

Save the file as UTF-8. If it is a recording, read it with `iotq --from RECORDING -e 'QUERY'`.
"

    STRING "E0105" "a string is malformed" r#"A string begins with `"` and ends with `"` on the same line. Inside, a backslash starts one of
`\" \\ \n \t \r \0 \u{1f4be}`.

    trace syscall where comm == "my app"
    trace syscall where name ~ "a \"quoted\" name*"
"#

    NUMBER "E0106" "a number is malformed" r#"Numbers are `42`, `1_000`, `0x1f` and `1.5`; with a unit behind them, without a blank, durations and sizes:

    10ns 10us 10ms 1.5s 2min 1h
    512B 4K 4KiB (1024) 4KB (1000) 1M 1MiB 1MB 1G 1T

They must fit in 64 bits, and a fraction must come out as whole nanoseconds or bytes. A name that begins
with a digit is quoted: `comm == "7z"`.
"#

    UNEXPECTED "E0107" "something else was expected" r#"The text does not go on as the language wants it here. The message says what could stand at the place.

Often it is a habit from another language:

    trace block where op == read and lat > 1ms      # `and`, not `&&`; `==`, not `=`
    trace syscall where comm == "top"               # a reserved word as a name is quoted
"#

    NOT_AN_ITEM "E0108" "this does not start a statement" r"A script is made of statements, which start with `trace`, `on` or `join`, and of definitions, which start
with `let`, `def`, `param` or `use`.

    trace block where lat > 1ms
    on block.complete emit hist(lat) by dev
    join syscall, block emit tree
"

    CLAUSE_TWICE "E0109" "a clause stands twice" r"Each clause stands at most once in a statement; their order is free. Two conditions are joined with `and`:

    trace block where op == read and lat > 1ms      # not: where op == read where lat > 1ms
"

    CHAINED "E0110" "comparisons do not chain" r"`1ms < lat < 10ms` would compare a truth value with a duration. Write a range, both ends of which belong to
it, or two comparisons:

    trace block where lat in 1ms..10ms
    trace block where 1ms < lat and lat < 10ms
"

    DOLLAR "E0111" "this is neither an argument nor `$child`" r"`$1`, `$2` … are the arguments of the command line, and `$child` is the process that `-c` starts. Nothing else
begins with `$`; parameters are named as they are declared:

    param slow: duration = 10ms
    trace block where lat > slow
"

    BRACKETS "E0112" "brackets do not match" r"A bracket is not closed, closes nothing, or is closed by one of another kind. `( )` group and call, `{ }` are
sets, and `[]` stands behind a layer.

    trace block where (op == read or op == write) and dev in {vda, vdb}
"
}
