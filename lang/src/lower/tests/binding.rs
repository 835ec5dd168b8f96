//! Names with their meaning.

use super::*;
use crate::eval;
use crate::ir::NameKind;
use crate::plan::Meaning;
use crate::testing::*;
use crate::value::Value;

fn bound(layer: &str, filter: Expr, meaning: Meaning) -> Vec<String> {
    let names = vec![name(NameKind::Dev, "it")];
    let plan = lowered(checked(vec![trace(layer, Some(filter))], names)).bind(&[meaning]);
    plan.streams()
        .flat_map(|stream| clauses(stream, &plan))
        .collect()
}

fn partition() -> Meaning {
    Meaning::Dev {
        own: vec![253 << 20 | 1],
        disks: vec![253 << 20],
        sectors: Some((2048, 4095)),
        numbers: vec![253 << 20 | 1],
    }
}

fn disk() -> Meaning {
    Meaning::Dev {
        own: vec![253 << 20],
        disks: vec![253 << 20],
        sectors: None,
        numbers: vec![253 << 20, 253 << 20 | 1],
    }
}

#[test]
fn a_partition_is_its_range_of_the_disk() {
    let is_it = is("block", "dev", 0);
    assert_eq!(
        bound("block", is_it.clone(), partition()),
        ["start: dev == 253:0", "end: sector in 2048..4095"]
    );
    assert_eq!(
        bound("block", not(is_it), partition()),
        ["end: dev != 253:0 or not sector in 2048..4095"]
    );
    assert_eq!(
        bound("block", is("block", "part", 0), partition()),
        ["start: part == 253:1"]
    );
}

#[test]
fn a_disk_is_itself_and_for_filesystems_its_partitions() {
    assert_eq!(
        bound("block", is("block", "dev", 0), disk()),
        ["start: dev == 253:0"]
    );
    assert_eq!(
        bound("syscall", is("syscall", "dev", 0), disk()),
        ["start: dev == 253:0 or dev == 253:1"]
    );
}

/// The bios of the head and the requests of its paths.
#[test]
fn a_head_includes_its_paths() {
    let head = |sectors| Meaning::Dev {
        own: vec![259 << 20],
        disks: vec![259 << 20, 259 << 20 | 1],
        sectors,
        numbers: vec![259 << 20],
    };
    let is_it = is("block", "dev", 0);
    assert_eq!(
        bound("block", is_it.clone(), head(None)),
        ["start: dev == 259:0 or dev == 259:1"]
    );
    assert_eq!(
        bound("block", not(is_it.clone()), head(None)),
        ["start: dev != 259:0", "start: dev != 259:1"]
    );
    assert_eq!(
        bound("block", is_it, head(Some((2048, 4095)))),
        [
            "start: dev == 259:0 or dev == 259:1",
            "end: sector in 2048..4095"
        ]
    );
    assert_eq!(
        bound("block", is("block", "part", 0), head(None)),
        ["start: part == 259:0"]
    );
}

#[test]
fn a_controller_is_all_of_its_disks() {
    let disks: Vec<u32> = (0..6).map(|minor| 259 << 20 | minor).collect();
    let controller = Meaning::Dev {
        own: disks.clone(),
        disks: disks.clone(),
        sectors: None,
        numbers: disks,
    };
    for field in ["dev", "part"] {
        assert_eq!(
            bound("block", is("block", field, 0), controller.clone()),
            [format!(
                "start: {field} in {{259:0, 259:1, 259:2, 259:3, 259:4, 259:5}}"
            )]
        );
    }
}

#[test]
fn a_file_is_its_device_and_inode() {
    let file = Meaning::File {
        dev: 253 << 20 | 1,
        inode: 42,
    };
    let is_it = is("syscall", "file", 0);
    assert_eq!(
        bound("syscall", is_it.clone(), file.clone()),
        ["start: dev == 253:1", "start: inode == 42"]
    );
    assert_eq!(
        bound("syscall", not(is_it), file),
        ["start: dev != 253:1 or inode != 42"]
    );
}

#[test]
fn tasks_are_numbers_or_bits() {
    assert_eq!(
        bound("block", is("block", "pid", 0), Meaning::Pid(7)),
        ["start: pid == 7"]
    );
    assert_eq!(
        bound("block", is("block", "cgroup", 0), Meaning::Cgroup(9)),
        ["start: cgroup == 9"]
    );
    assert_eq!(
        bound("block", not(under("block", "pid", 0)), Meaning::Member(3)),
        ["start: not member(3)"]
    );
}

/// A call without a file is neither inside nor outside.
#[test]
fn directories_are_bits_of_what_has_a_file() {
    let is_under = under("syscall", "file", 0);
    assert_eq!(
        bound("syscall", is_under.clone(), Meaning::Member(3)),
        ["start: member(3)"]
    );
    assert_eq!(
        bound("syscall", not(is_under), Meaning::Member(3)),
        ["start: not member(3)", "start: inode is not null"]
    );
}

#[test]
fn a_meaning_that_does_not_suit_the_field_never_holds() {
    let filter = is("block", "pid", 0);
    assert_eq!(
        bound("block", filter, Meaning::Cgroup(9)),
        ["start: pid == it"]
    );
}

#[test]
fn columns_and_templates_are_bound_too() {
    let names = vec![name(NameKind::Dev, "vda1")];
    let mut statement = trace("block", None);
    if let crate::ir::Kind::Streams(streams) = &mut statement.kind
        && let crate::ir::Output::Rows(columns) = &mut streams[0].output
    {
        columns[0].expr = is("block", "dev", 0);
    }
    let plan = lowered(checked(vec![statement], names));
    let record = Sample::of([("dev", Value::Int(253 << 20)), ("sector", Value::Int(2048))]);
    let value = |plan: &Plan| {
        let column = &plan.statements[0].streams[0].columns[0];
        eval::eval(&column.expr, &record) == Value::Bool(true)
    };
    assert!(!value(&plan), "a name is null before it is bound");
    let bound = plan.bind(&[partition()]);
    assert!(value(&bound));
    let fields: Vec<&str> = bound.templates[0]
        .fields
        .iter()
        .map(|field| field.name)
        .collect();
    assert_eq!(fields, ["dev", "sector"]);
    let points: Vec<&str> = bound.templates[0]
        .points
        .iter()
        .map(|point| point.name)
        .collect();
    assert_eq!(points, ["complete"]);
}

/// Binding finds the two numbers of a file in fields of their own.
#[test]
fn files_have_their_parts_as_fields() {
    use iotq_probes::catalogue::{LAYERS, Slot};
    for layer in LAYERS {
        for field in layer.fields {
            let Some(Slot::File { dev, inode }) = field.slot else {
                continue;
            };
            for at in [dev, inode] {
                let reads = |slot| matches!(slot, Some(Slot::Uint { offset, .. }) if offset == at);
                assert!(
                    layer.fields.iter().any(|field| reads(field.slot)),
                    "{}",
                    layer.name
                );
            }
        }
    }
}
