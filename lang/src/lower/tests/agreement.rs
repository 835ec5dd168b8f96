//! Pushing down changes the cost, never the answer.

use std::collections::BTreeMap;

use iotq_probes::abi;
use iotq_probes::catalogue::{Field, Layer, Slot, Type};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use super::lowered;
use crate::eval;
use crate::ir::*;
use crate::lower::term::domain;
use crate::plan::{Clause, Meaning, Plan};
use crate::source::Span;
use crate::testing::{Sample, checked, condition, field_ref, glob, known, name, not, trace};
use crate::value::{Const, Value};

const NUMBERS: [i128; 12] = [
    -(1 << 70),
    -1,
    0,
    1,
    2,
    5,
    4095,
    0xffff_fffe,
    0xffff_ffff,
    (1 << 64) - 2,
    (1 << 64) - 1,
    1 << 70,
];
const TEXTS: [&str; 6] = [
    "",
    "a",
    "post",
    "postgres",
    "fifteen_bytes_x",
    "sixteen_bytes_xx",
];
const GLOBS: [&str; 7] = ["*", "post*", "p?st*", "*s", "a", "sixteen_bytes_xx*", ""];

fn meanings() -> Vec<Meaning> {
    vec![
        Meaning::Dev {
            own: vec![1],
            disks: vec![0, 2],
            sectors: Some((1, 5)),
            numbers: vec![1],
        },
        Meaning::Dev {
            own: vec![0],
            disks: vec![0],
            sectors: None,
            numbers: vec![0, 1],
        },
        Meaning::Dev {
            own: vec![1, 2],
            disks: vec![0, 1, 2, 5, 4095],
            sectors: None,
            numbers: vec![1, 2],
        },
        Meaning::File { dev: 1, inode: 5 },
        Meaning::Pid(1),
        Meaning::Cgroup(5),
        Meaning::Member(2),
    ]
}

fn names() -> Vec<Name> {
    use NameKind::*;
    [Dev, Dev, Dev, File, Child, Cgroup, Family]
        .map(|kind| name(kind, "it"))
        .into()
}

fn fields(layer: &'static Layer, wanted: impl Fn(&Field) -> bool) -> Vec<FieldRef> {
    let fields = layer.fields.iter().filter(|field| wanted(field));
    fields.map(|field| field_ref(layer, field.name)).collect()
}

fn number(layer: &'static Layer) -> impl Strategy<Value = Expr> {
    let is_number =
        |field: &Field| matches!(field.slot, Some(Slot::Uint { .. } | Slot::Int { .. }));
    select(fields(layer, is_number)).prop_map(|field| Expr::field(field, Span::default()))
}

fn text(layer: &'static Layer) -> impl Strategy<Value = Expr> {
    let is_text = |field: &Field| matches!(field.slot, Some(Slot::Text { .. }));
    select(fields(layer, is_text)).prop_map(|field| Expr::field(field, Span::default()))
}

fn ops() -> impl Strategy<Value = CompareOp> {
    use CompareOp::*;
    select(vec![Eq, Ne, Lt, Le, Gt, Ge])
}

fn ints() -> impl Strategy<Value = Const> {
    select(&NUMBERS[..]).prop_map(Const::Int)
}

fn constant(value: Const, ty: Type) -> Box<Expr> {
    Box::new(Expr::constant(value, ty, Span::default()))
}

fn named(layer: &'static Layer) -> impl Strategy<Value = Expr> {
    let suits =
        |field: &Field| matches!(field.ty, Type::Dev | Type::File | Type::Pid | Type::Cgroup);
    (select(fields(layer, suits)), 0..6usize).prop_map(|(field, name)| {
        let id = NameId(name);
        condition(if name == 5 {
            ExprKind::Under(field, id)
        } else {
            ExprKind::Is(field, id)
        })
    })
}

fn leaf(layer: &'static Layer) -> BoxedStrategy<Expr> {
    let boxed = |value: Expr| Box::new(value);
    let flags = fields(layer, |field| matches!(field.slot, Some(Slot::Bit { .. })));
    let mut leaves = vec![
        (number(layer), ops(), ints(), any::<bool>())
            .prop_map(move |(field, op, with, turned)| {
                let with = constant(with, field.ty);
                condition(if turned {
                    ExprKind::Compare(op, with, boxed(field))
                } else {
                    ExprKind::Compare(op, boxed(field), with)
                })
            })
            .boxed(),
        (number(layer), ops(), number(layer))
            .prop_map(move |(left, op, right)| {
                condition(ExprKind::Compare(op, boxed(left), boxed(right)))
            })
            .boxed(),
        (number(layer), vec(ints(), 0..8))
            .prop_map(move |(field, set)| condition(ExprKind::In(boxed(field), set)))
            .boxed(),
        (number(layer), ints(), ints())
            .prop_map(move |(field, low, high)| {
                let (low, high) = (constant(low, field.ty), constant(high, field.ty));
                condition(ExprKind::Between(boxed(field), low, high))
            })
            .boxed(),
        (text(layer), ops(), select(&TEXTS[..]))
            .prop_map(move |(field, op, text)| {
                let text = constant(Const::Text(text.into()), Type::Text);
                condition(ExprKind::Compare(op, boxed(field), text))
            })
            .boxed(),
        (text(layer), vec(select(&TEXTS[..]), 0..4))
            .prop_map(move |(field, set)| {
                let set = set
                    .into_iter()
                    .map(|text| Const::Text(text.into()))
                    .collect();
                condition(ExprKind::In(boxed(field), set))
            })
            .boxed(),
        (text(layer), select(&GLOBS[..]))
            .prop_map(|(field, pattern)| glob(field, pattern))
            .boxed(),
        named(layer).boxed(),
        any::<bool>()
            .prop_map(|value| *constant(Const::Bool(value), Type::Bool))
            .boxed(),
    ];
    if !flags.is_empty() {
        let flag = select(flags).prop_map(|field| Expr::field(field, Span::default()));
        leaves.push(flag.boxed());
    }
    proptest::strategy::Union::new(leaves).boxed()
}

fn filter(layer: &'static Layer) -> impl Strategy<Value = Expr> {
    leaf(layer).prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 2..4).prop_map(|list| Expr::all(list, Span::default())),
            vec(inner.clone(), 2..4).prop_map(|list| Expr::any(list, Span::default())),
            inner.prop_map(not),
        ]
    })
}

/// A record that the layer's slots can hold.
fn record(layer: &'static Layer) -> impl Strategy<Value = Sample> {
    let picks = vec(any::<prop::sample::Index>(), layer.fields.len());
    (picks, any::<u64>()).prop_map(move |(picks, members)| {
        let each = |(field, pick): (&'static Field, prop::sample::Index)| {
            let values = values(field);
            (field.name, values[pick.index(values.len())].clone())
        };
        let values: BTreeMap<_, _> = layer.fields.iter().zip(picks).map(each).collect();
        Sample { values, members }
    })
}

fn values(field: &'static Field) -> Vec<Value<'static>> {
    let Some(slot) = field.slot else {
        return vec![Value::Null];
    };
    let (nullable, mut values) = match slot {
        Slot::Uint { nullable, .. } => (nullable, Vec::new()),
        Slot::Int { .. } => (false, Vec::new()),
        Slot::Bit { .. } => (false, vec![Value::Bool(false), Value::Bool(true)]),
        Slot::Text { len, .. } => {
            let fits = |text: &&&str| !text.is_empty() && text.len() <= len;
            let texts = TEXTS.iter().filter(fits);
            (
                true,
                texts.map(|text| Value::Text(text.as_bytes())).collect(),
            )
        }
        Slot::File { .. } => (true, vec![Value::File { dev: 1, inode: 5 }]),
    };
    if let Some(all) = domain(slot) {
        let holds = |number: &&i128| all.contains(number) && !(nullable && *number == all.end());
        values.extend(
            NUMBERS
                .iter()
                .filter(holds)
                .map(|&number| Value::Int(number)),
        );
    }
    if nullable {
        values.push(Value::Null);
    }
    values
}

fn agrees(plan: &Plan, record: &Sample) -> Result<(), TestCaseError> {
    for stream in plan.streams() {
        let whole = stream
            .filter
            .as_ref()
            .is_none_or(|filter| eval::holds(filter, record));
        let kernel = |clauses: &[Clause]| clauses.iter().all(|clause| clause.holds(record));
        let left = stream
            .residual
            .as_ref()
            .is_none_or(|left| eval::holds(left, record));
        let parts = kernel(&stream.start) && kernel(&stream.end) && left;
        prop_assert_eq!(whole, parts, "{}", plan);
    }
    Ok(())
}

fn fits(plan: &Plan) -> Result<(), TestCaseError> {
    let size = |clauses: &[Clause]| {
        let terms: usize = clauses.iter().map(|clause| clause.0.len()).sum();
        terms.max(1)
    };
    let start: usize = plan.judged().map(|stream| size(&stream.start)).sum();
    let end: usize = plan.judged().map(|stream| size(&stream.end)).sum();
    prop_assert!(start.max(end) <= abi::IOTQ_MAX_TERMS as usize);
    prop_assert!(plan.texts().len() <= abi::IOTQ_MAX_TEXTS as usize);
    Ok(())
}

fn holds_for(
    layer: &'static Layer,
    filters: Vec<Expr>,
    records: &[Sample],
) -> Result<(), TestCaseError> {
    let statements = filters
        .into_iter()
        .map(|filter| trace(layer.name, Some(filter)))
        .collect();
    let plan = lowered(checked(statements, names()));
    for plan in [plan.bind(&meanings()), plan] {
        fits(&plan)?;
        records
            .iter()
            .try_for_each(|record| agrees(&plan, record))?;
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn of_block(filters in vec(filter(known("block")), 1..4), records in vec(record(known("block")), 16)) {
        holds_for(known("block"), filters, &records)?;
    }

    #[test]
    fn of_syscall(filters in vec(filter(known("syscall")), 1..4), records in vec(record(known("syscall")), 16)) {
        holds_for(known("syscall"), filters, &records)?;
    }
}
