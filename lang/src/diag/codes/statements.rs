//! E04: a statement does not hold together.

codes! {
    AGGREGATE_HERE "E0401" "no group is known here" r"`where` and `by` see one row at a time; aggregates belong to groups of rows. They stand in `emit` and `having`.

    on block.complete emit count() by dev having count() > 100
"

    NESTED_AGGREGATE "E0402" "an aggregate inside an aggregate" r"There is no group of groups. In a join, the children of one request can be reduced first.

    join syscall, block emit avg(max(block[].lat)) by syscall.op
"

    NO_AGGREGATES "E0403" "`by` without aggregates" r"`by` says what makes a group; without an aggregate in `emit` nothing is said about it.

    on block.complete emit count(), p99(lat) by dev
"

    NO_GROUPS "E0404" "a clause about groups in a statement of rows" r"`having`, `top` and `every` choose and report groups. A statement without aggregates shows rows as they come: choose them
with `where`, and stop with `limit` or `for`.

    trace block where lat > 10ms limit 20
"

    MIXED "E0405" "a value of rows beside a value of groups" r"An aggregate is one value for a group of rows, and a plain field has one for each row. A field can stand beside
aggregates if it is a key of `by`.

    on block.complete emit dev, count(), max(lat) by dev
"

    COLUMN_TWICE "E0406" "two columns have one name" r"Columns are found by their names in JSON and CSV. The name of a column is the expression as written, or what
stands behind `as`.

    on block.complete emit lat, lat / 2 as half
"

    NOT_HERE "E0407" "a clause that does not belong to this statement" r"`tree`, `stages`, `required` and `optional` are about requests over several layers: they belong to `join`.

    join syscall, block, nvme where syscall.lat > 10ms emit tree
"

    TWICE "E0408" "a source is named twice" r"Each layer or point stands once in a statement. To treat the same point in two ways, write two statements.
"

    NOT_POSITIVE "E0409" "a bound must be more than zero" r"`for`, `every`, `limit` and `top` of nothing would show nothing.
"

    NOT_A_LAYER "E0410" "a layer is wanted" r"`trace` and `join` take whole layers, whose operations end in one row each. For events at a point use `on`.

    trace block
    on block.issue
"

    NOT_A_POINT "E0411" "a point is wanted" r"`on` takes points of layers, such as `block.issue`. For one row for each operation of a layer, use `trace`.

    on block.issue, block.complete
    trace block
"
}
