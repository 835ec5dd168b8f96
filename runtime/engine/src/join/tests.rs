//! Requests put together, whatever the order of their parts.

use std::mem::{offset_of, size_of};

use iotq_probes::abi::*;

use super::{Assembly, Parts, Request, Source};
use crate::testing::Bytes;
use crate::{Clock, RawRecord};
use iotq_lang::ir::FieldRef;
use iotq_lang::value::{Record, Value};
use iotq_probes::catalogue::layer;

const ROOT: usize = size_of::<iotq_head>() + offset_of!(iotq_task, root);

fn part(mut bytes: Vec<u8>, id: u32) -> Vec<u8> {
    bytes[ROOT..ROOT + 4].copy_from_slice(&id.to_ne_bytes());
    bytes
}

fn root(id: u32, at: u64, children: u32) -> Vec<u8> {
    let mut bytes = Bytes::syscall(1).number("time", at).0;
    bytes.resize(size_of::<iotq_call_root>(), 0);
    let place = offset_of!(iotq_call_root, trail.children);
    bytes[place..place + 4].copy_from_slice(&children.to_ne_bytes());
    part(bytes, id)
}

fn child(id: u32, lat: u64) -> Vec<u8> {
    part(Bytes::block(0b10).number("lat", lat).0, id)
}

fn push(assembly: &mut Assembly, bytes: &[u8]) -> Option<Request> {
    let record = RawRecord::parse(bytes, Clock::default()).expect("a record");
    match record.layer().root {
        Some(_) => assembly.root(&record),
        None => assembly.child(&record),
    }
}

fn is_approx(request: &Request) -> bool {
    let record = RawRecord::parse(&request.root, Clock::default()).expect("a root");
    let layer = layer("syscall").expect("a layer");
    let field = layer.field("approx").expect("a field");
    let source = 0;
    let read = FieldRef {
        source,
        layer,
        field,
    };
    record.value(read) == Value::Bool(true)
}

#[test]
fn children_come_before_their_root_and_behind_it() {
    let mut assembly = Assembly::default();
    assert!(push(&mut assembly, &child(7, 1)).is_none());
    assert!(push(&mut assembly, &child(8, 2)).is_none());
    let request = push(&mut assembly, &root(7, 10, 1)).expect("complete");
    assert_eq!(request.children.len(), 1);
    assert!(!is_approx(&request));
    assert!(push(&mut assembly, &root(8, 11, 3)).is_none());
    assert!(push(&mut assembly, &child(8, 3)).is_none());
    let request = push(&mut assembly, &child(8, 4)).expect("complete");
    assert_eq!(request.children.len(), 3);
    assert!(assembly.overdue(u64::MAX, true).is_empty());
}

#[test]
fn what_never_comes_is_not_waited_for() {
    let mut assembly = Assembly::default();
    push(&mut assembly, &root(7, 10, 1));
    assert!(assembly.overdue(1_000_000_000, false).is_empty());
    let late = assembly.overdue(3_000_000_000, false);
    assert_eq!(late.len(), 1);
    assert!(is_approx(&late[0]));
    // Children of lost roots go in time.
    for id in 1..40_000 {
        push(&mut assembly, &child(id, 1));
        assembly.overdue(0, false);
    }
    assert!(assembly.size() <= 16_384);
}

/// Whoever makes records up cannot make this side keep more and more.
#[test]
fn children_of_one_root_are_bounded() {
    let mut assembly = Assembly::default();
    for _ in 0..300_000 {
        push(&mut assembly, &child(7, 1));
    }
    let request = push(&mut assembly, &root(7, 10, u32::MAX));
    assert!(request.is_none());
    let late = assembly.overdue(u64::MAX, true);
    assert_eq!(late[0].children.len(), 1 << 18);
    assert!(push(&mut assembly, &child(8, 1)).is_none() && assembly.size() == 1);
}

#[test]
fn a_child_without_an_end_makes_its_root_approximate() {
    let mut assembly = Assembly::default();
    let mut unended = child(7, u64::MAX);
    unended[offset_of!(iotq_head, marks)] |= IOTQ_MARK_UNENDED as u8;
    push(&mut assembly, &unended);
    let request = push(&mut assembly, &root(7, 10, 1)).expect("complete");
    assert!(is_approx(&request));
}

#[test]
fn a_row_for_each_child() {
    let mut assembly = Assembly::default();
    for lat in [1, 2, 3] {
        push(&mut assembly, &child(7, lat));
    }
    let three = push(&mut assembly, &root(7, 10, 3)).expect("complete");
    let none = push(&mut assembly, &root(7, 10, 0)).expect("complete");
    let block = layer("block").expect("a layer");
    let sources = [("syscall", 0), ("block", 1)].map(|(name, bit)| Source {
        layer: layer(name).expect("a layer"),
        bit,
        of_host: false,
    });
    let lat = FieldRef {
        source: 1,
        layer: block,
        field: block.field("lat").expect("a field"),
    };
    let lats = |request: &Request, required| {
        let parts = Parts::of(request, &sources, Clock::default()).expect("a request");
        let rows = parts.rows(sources.len(), required);
        rows.map(|row| {
            let value = match row.value(lat) {
                Value::Int(value) => Some(value),
                _ => None,
            };
            (value, row.children(lat).len())
        })
        .collect::<Vec<_>>()
    };
    assert_eq!(
        lats(&three, false),
        [(Some(1), 3), (Some(2), 3), (Some(3), 3)]
    );
    assert_eq!(lats(&none, false), [(None, 0)]);
    assert_eq!(lats(&none, true), []);
}
