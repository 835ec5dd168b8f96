//! Native code gives what the reference evaluator gives.

use iotq_engine::jit::{Compiler, Computed, Condition};
use iotq_engine::{Clock, RawRecord};
use iotq_lang::eval;
use iotq_lang::ir::Expr;
use iotq_lang::value::Value;

use crate::Tape;
use crate::expr::Maker;
use crate::record::{layer, record};

/// Expressions of one input, and records for each.
const EXPRESSIONS: usize = 3;
const RECORDS: usize = 6;

/// Compiles some expressions and compares what comes of some records. Says how many had native code, of how many.
pub fn native(input: &[u8]) -> (usize, usize) {
    let tape = &mut Tape::new(input);
    let layer = layer(tape);
    let clock = Clock {
        started_ns: 0,
        mono_to_wall_ns: if tape.coin() {
            i64::from_ne_bytes(tape.bytes())
        } else {
            1
        },
    };
    let mut compiler = Compiler::new(clock);
    let mut compiled = 0;
    for _ in 0..EXPRESSIONS {
        let depth = tape.below(5);
        let mut maker = Maker { layer, tape };
        let (condition, value) = (maker.condition(depth), maker.any(depth));
        let condition = compiler.condition(layer, &condition);
        let value = compiler.value(layer, &value);
        compiled += usize::from(condition.left().is_none()) + usize::from(value.left().is_none());
        for _ in 0..RECORDS {
            let bytes = record(layer, tape);
            let record = RawRecord::parse(&bytes, clock).expect("a record");
            same_truth(&condition, &record);
            same_value(&value, &record);
        }
    }
    (compiled, 2 * EXPRESSIONS)
}

/// Compares the native code of a condition with the evaluator.
pub fn same_truth(condition: &Condition, record: &RawRecord) {
    let (native, wanted) = (
        condition.holds(record),
        eval::holds(condition.expr(), record),
    );
    assert!(
        native == wanted,
        "{native}: {}",
        shown(condition.expr(), record)
    );
}

/// Compares the native code of a value with the evaluator.
pub fn same_value(computed: &Computed, record: &RawRecord) {
    let (native, wanted) = (computed.value(record), eval::eval(computed.expr(), record));
    let same = same(&native, &wanted);
    assert!(
        same,
        "{native:?}, not {wanted:?}: {}",
        shown(computed.expr(), record)
    );
}

/// Numbers to the last bit; texts whoever owns them.
fn same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Float(one), Value::Float(other)) => one.to_bits() == other.to_bits(),
        (Value::Owned(one), Value::Text(other)) | (Value::Text(other), Value::Owned(one)) => {
            one == other
        }
        _ => one == other,
    }
}

fn shown(expr: &Expr, record: &RawRecord) -> String {
    format!("{}\n{expr:?}\n{:?}", expr.display(&[]), record.bytes())
}
