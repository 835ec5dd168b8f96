//! What aggregates mean.

use iotq_probes::catalogue::Type;
use proptest::prelude::{any, prop, prop_assert, prop_assert_eq, proptest};

use super::*;
use crate::ir::ArithOp;
use crate::source::Span;
use crate::testing::*;
use crate::value::{Const, Value};

fn aggregate(aggregate: Aggregate, of: Option<Expr>, ty: Type) -> Expr {
    let span = Span {
        start: 7,
        ..Span::default()
    };
    let kind = ExprKind::Aggregate(aggregate, of.into_iter().collect());
    Expr { kind, ty, span }
}

fn of_lat(which: Aggregate) -> Expr {
    aggregate(which, Some(block("lat")), Type::Duration)
}

fn grouped(measures: &[Measure], latencies: &[Option<i128>]) -> Totals {
    let mut totals = Totals::new(measures);
    for lat in latencies {
        let lat = lat.map_or(Value::Null, Value::Int);
        totals.add(measures, &Sample::of([("lat", lat)]));
    }
    totals
}

fn shown(expr: &Expr, latencies: &[Option<i128>]) -> Value<'static> {
    let measures = Measure::all([expr]);
    let totals = grouped(&measures, latencies);
    match totals.emit(&measures, expr, 2.0) {
        Emitted::Value(Value::Int(value)) => Value::Int(value),
        Emitted::Value(Value::Float(value)) => Value::Float(value),
        Emitted::Value(Value::Bool(value)) => Value::Bool(value),
        other => {
            assert_eq!(other, Emitted::Value(Value::Null));
            Value::Null
        }
    }
}

#[test]
fn aggregates_of_values() {
    use Aggregate::*;
    let values = [Some(10), None, Some(20), Some(31), Some(10)];
    let count = aggregate(Count, None, Type::Int);
    assert_eq!(
        shown(&count, &values),
        Value::Int(5),
        "rows, also without a value"
    );
    let rate = aggregate(Rate, None, Type::Float);
    assert_eq!(shown(&rate, &values), Value::Float(2.5));
    let slow = compare(block("lat"), crate::ir::CompareOp::Gt, 15);
    let ratio = aggregate(Ratio, Some(slow), Type::Float);
    assert_eq!(shown(&ratio, &values), Value::Float(0.4));
    for (which, expected) in [
        (Sum, 71),
        (Avg, 18),
        (Min, 10),
        (Max, 31),
        (Stddev, 10),
        (Quantile(0.5), 10),
        (Quantile(0.51), 20),
        (Quantile(1.0), 31),
        (Quantile(0.0), 10),
        (Rate, 36),
    ] {
        assert_eq!(
            shown(&of_lat(which), &values),
            Value::Int(expected),
            "{which:?}"
        );
    }
}

#[test]
fn nothing_is_null_or_zero() {
    use Aggregate::*;
    for values in [&[][..], &[None, None]] {
        for which in [Avg, Min, Max, Stddev, Quantile(0.5)] {
            assert_eq!(shown(&of_lat(which), values), Value::Null, "{which:?}");
        }
        for which in [Sum, Rate] {
            assert_eq!(shown(&of_lat(which), values), Value::Int(0), "{which:?}");
        }
    }
    assert_eq!(shown(&of_lat(Stddev), &[Some(1)]), Value::Null);
    assert_eq!(
        shown(&of_lat(Sum), &[Some(i128::MAX), Some(1)]),
        Value::Null
    );
}

#[test]
fn expressions_of_aggregates() {
    let count = aggregate(Aggregate::Count, None, Type::Int);
    let (most, least) = (of_lat(Aggregate::Max), of_lat(Aggregate::Min));
    let kind = ExprKind::Arith(ArithOp::Sub, Box::new(most), Box::new(least));
    let spread = Expr {
        kind,
        ty: Type::Duration,
        span: Span::default(),
    };
    assert_eq!(shown(&spread, &[Some(4), Some(11)]), Value::Int(7));
    let many = compare(count, crate::ir::CompareOp::Ge, 2);
    assert_eq!(shown(&many, &[Some(4), Some(11)]), Value::Bool(true));
}

#[test]
fn what_is_written_twice_is_kept_once() {
    let exprs = [
        of_lat(Aggregate::Quantile(0.5)),
        of_lat(Aggregate::Quantile(0.99)),
        of_lat(Aggregate::Hist),
        of_lat(Aggregate::Max),
        aggregate(Aggregate::Count, None, Type::Int),
    ];
    let measures = Measure::all(&exprs);
    assert_eq!(measures.len(), 1);
    let parts = Parts {
        histogram: true,
        max: true,
        ..Parts::default()
    };
    assert_eq!(measures[0].keep, Keep::Numbers(parts));
}

#[test]
fn steps_have_ends() {
    let int = |value| Expr::constant(Const::Int(value), Type::Duration, Span::default());
    let args = vec![block("lat"), int(10), int(35), int(10)];
    let span = Span::default();
    let expr = Expr {
        kind: ExprKind::Aggregate(Aggregate::Lhist, args),
        ty: Type::Duration,
        span,
    };
    let measures = Measure::all([&expr]);
    let values = [9, 10, 19, 20, 34, 35, 1000].map(Some);
    let totals = grouped(&measures, &values);
    let Emitted::Histogram(histogram) = totals.emit(&measures, &expr, 1.0) else {
        panic!("a histogram")
    };
    let buckets: Vec<_> = histogram
        .buckets()
        .map(|it| (it.low, it.high, it.count))
        .collect();
    assert_eq!(
        buckets,
        [
            (None, Some(10), 1),
            (Some(10), Some(20), 2),
            (Some(20), Some(30), 1),
            (Some(30), Some(35), 1),
            (Some(35), None, 2),
        ]
    );
}

#[test]
fn buckets_are_those_of_the_example() {
    assert_eq!(
        Scale::Log.bounds(Scale::Log.index(65536)),
        (Some(65536), Some(69632))
    );
    assert_eq!(Scale::Log.index(i128::from(u64::MAX)), 975);
    assert_eq!(Scale::Log.bounds(975).1, Some(1 << 64));
    assert_eq!(
        Scale::Log.bounds(Scale::Log.index(i128::MIN)).0,
        Some(1 - i128::MAX)
    );
    assert_eq!(
        Scale::Log.bounds(Scale::Log.index(i128::MAX)).1,
        Some(i128::MAX)
    );
}

proptest! {
    /// Each value lies in its bucket, the buckets follow each other, and the middle is near.
    #[test]
    fn buckets_are_narrow(value in any::<i64>(), shift in 0u32..63) {
        let value = i128::from(value >> shift);
        let index = Scale::Log.index(value);
        let (Some(low), Some(high)) = Scale::Log.bounds(index) else { panic!("bounds") };
        prop_assert!(low <= value && value < high, "{low}..{high} of {value}");
        prop_assert_eq!(Scale::Log.bounds(index + 1).0, Some(high));
        prop_assert_eq!(Scale::Log.bounds(index - 1).1, Some(low));
        let mut one = Histogram::new(Scale::Log);
        one.add(value);
        let middle = one.quantile(0.5).expect("a value");
        prop_assert!((middle - value).abs() * 32 <= value.abs(), "{middle} for {value}");
    }

    /// A quantile is as near to the true one.
    #[test]
    fn quantiles_are_near(mut values in prop::collection::vec(0u64..1 << 40, 1..300), share in 0.0..1.0f64) {
        let mut histogram = Histogram::new(Scale::Log);
        values.iter().for_each(|value| histogram.add((*value).into()));
        values.sort_unstable();
        let rank = ((share * values.len() as f64).ceil() as usize).max(1);
        let truth = i128::from(values[rank - 1]);
        let told = histogram.quantile(share).expect("a value");
        prop_assert!((told - truth).abs() * 32 <= truth, "{told} for {truth}");
    }

    /// Groups that are merged are as one.
    #[test]
    fn parts_make_the_whole(values in prop::collection::vec(prop::option::of(-1000i128..1 << 50), 0..50), cut in 0usize..50) {
        let exprs = [Aggregate::Stddev, Aggregate::Hist, Aggregate::Min, Aggregate::Max].map(of_lat);
        let measures = Measure::all(&exprs);
        let (left, right) = values.split_at(cut.min(values.len()));
        let mut parts = grouped(&measures, left);
        parts.merge(&grouped(&measures, right));
        prop_assert_eq!(parts, grouped(&measures, &values));
    }

    /// The deviation, against its definition.
    #[test]
    fn deviations(values in prop::collection::vec(0i128..1 << 40, 2..50)) {
        let told = shown(&of_lat(Aggregate::Stddev), &values.iter().copied().map(Some).collect::<Vec<_>>());
        let count = values.len() as f64;
        let mean = values.iter().sum::<i128>() as f64 / count;
        let squares: f64 = values.iter().map(|value| (*value as f64 - mean).powi(2)).sum();
        let truth = (squares / (count - 1.0)).sqrt();
        let Value::Int(told) = told else { panic!("a duration") };
        prop_assert!((told as f64 - truth).abs() <= 1.0 + truth * 1e-6, "{told} for {truth}");
    }
}
