//! Between the messages and the types of the compiler. What a guest sends is checked here.

use iotq_lang::aggregate::{self, Histogram, Linear, Scale, Totals};
use iotq_lang::aggregate::{Keep, Measure};
use iotq_lang::diag::Diagnostic;
use iotq_lang::plan;
use iotq_lang::value::Value;

use crate::message::{Complaint, Group, Meaning, Numbers, State};

/// No count of a group is larger: sums of them stay far from the bounds of their type.
const LARGEST: u64 = 1 << 48;

/// A histogram of the kernel has so many buckets.
const BUCKETS: i32 = iotq_probes::abi::IOTQ_HIST_BUCKETS as i32;

impl From<&plan::Meaning> for Meaning {
    fn from(meaning: &plan::Meaning) -> Self {
        match meaning.clone() {
            plan::Meaning::Pid(pid) => Self::Pid(pid),
            plan::Meaning::Dev {
                own,
                disks,
                sectors,
                numbers,
            } => Self::Dev {
                own,
                disks,
                sectors,
                numbers,
            },
            plan::Meaning::File { dev, inode } => Self::File { dev, inode },
            plan::Meaning::Cgroup(id) => Self::Cgroup(id),
            plan::Meaning::Member(bit) => Self::Member(bit),
        }
    }
}

impl From<Meaning> for plan::Meaning {
    fn from(meaning: Meaning) -> Self {
        match meaning {
            Meaning::Pid(pid) => Self::Pid(pid),
            Meaning::Dev {
                own,
                disks,
                sectors,
                numbers,
            } => Self::Dev {
                own,
                disks,
                sectors,
                numbers,
            },
            Meaning::File { dev, inode } => Self::File { dev, inode },
            Meaning::Cgroup(id) => Self::Cgroup(id),
            Meaning::Member(bit) => Self::Member(bit),
        }
    }
}

impl From<&Diagnostic> for Complaint {
    fn from(error: &Diagnostic) -> Self {
        Self {
            code: error.code.id.to_owned(),
            message: error.message.clone(),
            help: error.help.clone(),
        }
    }
}

/// A group of the kernel, to be sent.
pub fn group(stream: u8, record: Vec<u8>, totals: &Totals) -> Group {
    Group {
        stream,
        record: record.into(),
        rows: totals.rows,
        states: totals.states.iter().map(state).collect(),
    }
}

fn state(state: &aggregate::State) -> State {
    let counts = |histogram: &Histogram| histogram.numbered().collect();
    let int = |value: &Value| match value {
        Value::Int(value) => Some(*value),
        _ => None,
    };
    match state {
        aggregate::State::Truth(count) => State::Truth(*count),
        aggregate::State::Linear(histogram) => State::Linear(counts(histogram)),
        aggregate::State::Numbers(it) => State::Numbers(Numbers {
            count: it.count,
            sum: int(&it.sum),
            min: int(&it.min),
            max: int(&it.max),
            squares: int(&it.squares),
            histogram: counts(&it.histogram),
        }),
    }
}

/// What a guest's group says of the measures of its stream; none if it does not suit them, or its counts cannot be.
pub fn totals(group: &Group, measures: &[Measure]) -> Option<Totals> {
    let states = group.states.iter().zip(measures);
    let states: Option<Vec<_>> = states
        .map(|(it, measure)| checked(it, measure.keep))
        .collect();
    let fits = group.states.len() == measures.len() && group.rows <= LARGEST;
    Some(Totals {
        rows: group.rows,
        states: states.filter(|_| fits)?,
    })
}

fn checked(state: &State, keep: Keep) -> Option<aggregate::State> {
    Some(match (state, keep) {
        (State::Truth(count), Keep::Truth) if *count <= LARGEST => aggregate::State::Truth(*count),
        (State::Linear(counts), Keep::Linear(linear)) => {
            aggregate::State::Linear(histogram(counts, Scale::Linear(linear), -1, last(linear))?)
        }
        (State::Numbers(it), Keep::Numbers(_)) if it.count <= LARGEST => {
            let int = |value: Option<i128>| value.map_or(Value::Null, Value::Int);
            aggregate::State::Numbers(aggregate::Numbers {
                count: it.count,
                sum: int(it.sum),
                min: int(it.min),
                max: int(it.max),
                squares: int(it.squares),
                histogram: histogram(&it.histogram, Scale::Log, 0, BUCKETS)?,
            })
        }
        _ => return None,
    })
}

/// What the kernel keeps has no more steps than there are counts of a histogram.
fn last(linear: Linear) -> i32 {
    linear.steps().min(BUCKETS)
}

fn histogram(counts: &[(i32, u64)], scale: Scale, first: i32, last: i32) -> Option<Histogram> {
    let mut histogram = Histogram::new(scale);
    for &(bucket, count) in counts {
        if !(first..=last).contains(&bucket) || count > LARGEST {
            return None;
        }
        histogram.add_to(bucket, count);
    }
    // As many buckets as there can be, each of which once.
    (histogram.total() <= LARGEST).then_some(histogram)
}

#[cfg(test)]
mod tests {
    use super::*;
    use iotq_lang::aggregate::Parts;
    use iotq_lang::ir::Expr;
    use iotq_lang::source::Span;
    use iotq_lang::value::Const;
    use iotq_probes::catalogue::Type;

    fn measures() -> Vec<Measure> {
        let of = Expr::constant(Const::Int(1), Type::Int, Span::default());
        let linear = Linear::new(0, 100, 10).expect("steps");
        let keeps = [
            Keep::Numbers(Parts::default()),
            Keep::Linear(linear),
            Keep::Truth,
        ];
        let measure = |keep| Measure {
            of: of.clone(),
            keep,
        };
        keeps.into_iter().map(measure).collect()
    }

    fn sent() -> Group {
        let numbers = Numbers {
            count: 3,
            sum: Some(60),
            min: Some(10),
            max: Some(30),
            squares: None,
            histogram: vec![(10, 2), (30, 1)],
        };
        Group {
            stream: 1,
            record: vec![1, 2, 3].into(),
            rows: 3,
            states: vec![
                State::Numbers(numbers),
                State::Linear(vec![(-1, 1), (10, 2)]),
                State::Truth(2),
            ],
        }
    }

    #[test]
    fn groups_come_over_whole() {
        let totals = totals(&sent(), &measures()).expect("a group");
        assert_eq!(group(1, vec![1, 2, 3], &totals), sent());
    }

    #[test]
    fn what_cannot_be_is_refused() {
        let wrong = |change: fn(&mut Group)| {
            let mut group = sent();
            change(&mut group);
            totals(&group, &measures()).is_none()
        };
        assert!(wrong(|it| it.rows = u64::MAX));
        assert!(wrong(|it| it.states.truncate(2)));
        assert!(wrong(|it| it.states.swap(0, 2)));
        assert!(wrong(|it| it.states[2] = State::Truth(u64::MAX)));
        assert!(wrong(|it| it.states[1] = State::Linear(vec![(i32::MAX, 1)])));
        assert!(wrong(|it| it.states[1] = State::Linear(vec![(i32::MIN, 1)])));
        assert!(wrong(
            |it| it.states[1] = State::Linear(vec![(1, LARGEST); 9])
        ));
    }
}
