//! Plans: made twice they are the same, bound twice they are the same, and pushing down does not change what passes.

use iotq_engine::{Clock, RawRecord};
use iotq_lang::eval;
use iotq_lang::ir::{Checked, Kind, Output};
use iotq_lang::lower::lower;
use iotq_lang::plan::{Meaning, Plan, StreamPlan};
use iotq_lang::syntax::{self, print};

use crate::Tape;
use crate::record::record;
use crate::text::{checked, sources};

/// Records that each stream judges.
const RECORDS: usize = 4;

/// Takes a text, and behind its first zero what decides on names and records. Says whether the text was a plan.
pub fn plan(input: &[u8]) -> bool {
    let mut parts = input.splitn(2, |&byte| byte == 0);
    let text = std::str::from_utf8(parts.next().unwrap_or_default());
    let mut tape = Tape::new(parts.next().unwrap_or_default());
    let Some((plan, printed)) = text.ok().and_then(planned) else {
        return false;
    };
    if printed.len() <= syntax::MAX_SOURCE {
        let (again, _) = planned(&printed).expect("the canonical form is a program");
        assert_eq!(again.to_string(), plan.to_string(), "{printed}");
    }
    let meanings: Vec<_> = plan.names.iter().map(|_| meaning(&mut tape)).collect();
    let bound = plan.bind(&meanings);
    let shown = bound.to_string();
    assert_eq!(plan.bind(&meanings).to_string(), shown);
    assert_eq!(bound.bind(&meanings).to_string(), shown, "{printed}");
    let bare = bound.clone().without_pushdown();
    for stream in bound.judged().chain(bare.judged()) {
        pushing_changes_nothing(stream, &mut tape);
    }
    true
}

/// The plan of a text, and its canonical form. Columns without a name of their own are called as they are written: so
/// that both have the same, none has.
fn planned(text: &str) -> Option<(Plan, String)> {
    let script = syntax::parse(text).ok()?;
    let mut checked = checked(&script, &mut sources(text)).ok()?;
    unnamed(&mut checked);
    Some((lower(checked).ok()?, print::script(&script)))
}

fn unnamed(checked: &mut Checked) {
    let outputs = checked
        .statements
        .iter_mut()
        .flat_map(|it| match &mut it.kind {
            Kind::Streams(all) => all.iter_mut().map(|it| &mut it.output).collect(),
            Kind::Join(join) => vec![&mut join.output],
        });
    for output in outputs {
        let columns: Vec<_> = match output {
            Output::Rows(columns) => columns.iter_mut().collect(),
            Output::Groups(it) | Output::Stages(it) => {
                it.columns.iter_mut().chain(&mut it.by).collect()
            }
            Output::Tree => Vec::new(),
        };
        columns.into_iter().for_each(|column| column.name.clear());
    }
}

/// Anything, whether it suits the name or not.
fn meaning(tape: &mut Tape) -> Meaning {
    let number = |tape: &mut Tape| u32::from(tape.bytes::<1>()[0]);
    let list = |tape: &mut Tape| (0..tape.below(4)).map(|_| number(tape)).collect();
    match tape.below(6) {
        0 => Meaning::Pid(number(tape)),
        1 => Meaning::File {
            dev: number(tape),
            inode: number(tape).into(),
        },
        2 => Meaning::Cgroup(number(tape).into()),
        3 => Meaning::Member(tape.bytes::<1>()[0] % 64),
        _ => Meaning::Dev {
            own: list(tape),
            disks: list(tape),
            sectors: tape
                .coin()
                .then(|| (number(tape).into(), u64::from_ne_bytes(tape.bytes()))),
            numbers: list(tape),
        },
    }
}

/// What the kernel decides, and what is left, are together what the filter says.
fn pushing_changes_nothing(stream: &StreamPlan, tape: &mut Tape) {
    if stream.layer.record.is_none() {
        return;
    }
    for _ in 0..RECORDS {
        let bytes = record(stream.layer, tape);
        let record = RawRecord::parse(&bytes, Clock::default()).expect("a record");
        let filter = stream.filter.as_ref();
        let wanted = filter.is_none_or(|it| eval::holds(it, &record));
        let mut clauses = stream.start.iter().chain(&stream.end);
        let residual = stream.residual.as_ref();
        let passes = clauses.all(|clause| clause.holds(&record))
            && residual.is_none_or(|it| eval::holds(it, &record));
        assert_eq!(passes, wanted, "{stream:?}\n{bytes:?}");
    }
}
