//! Both parts of a program, and what is made of them.

use super::Across;
use crate::check::{Inputs, Placed, place};
use crate::diag::Errors;
use crate::plan::{Role, Shape};
use crate::source::{Source, Sources};
use crate::syntax;
use iotq_probes::catalogue::{Named, Type};

fn placed(text: &str) -> Result<Placed, Errors> {
    let mut sources = Sources(vec![Source {
        name: "<query>".into(),
        text: text.into(),
    }]);
    let script = syntax::parse(text).expect("it parses");
    let inputs = Inputs {
        args: vec!["vda".into()],
        ..Inputs::default()
    };
    place(&mut sources, &script, &inputs)
}

fn across(text: &str) -> Across {
    match placed(text) {
        Ok(Placed::Across(across)) => *across,
        other => panic!("{text}: {other:?}"),
    }
}

/// What guests are asked.
fn asked(text: &str) -> String {
    let across = across(text);
    let plan = across.plan();
    plan.unwrap_or_else(|errors| panic!("{text}: {}: {errors}", across.guest.text));
    across
        .guest
        .text
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
}

const ROWS: &str = "join guest.syscall, guest.block, guest.virtio, host.qemu \
                    where guest.syscall.lat > 1ms and host.qemu.s2p > 200us and guest.block.size > 4KiB \
                    emit guest.syscall.lat, guest.virtio.lat, host.qemu.lat, host.qemu.disk";

#[test]
fn each_side_is_asked_what_is_read_of_it() {
    let across = across(ROWS);
    let text: Vec<&str> = across.guest.text.split_whitespace().collect();
    assert_eq!(
        text.join(" "),
        "join syscall, block, virtio where syscall.lat > 1ms and block.size > 4KiB \
         emit block.size, syscall.lat, virtio.lat"
    );
    assert_eq!(
        across.host.text,
        "trace qemu emit qemu.disk, qemu.lat, qemu.s2p\n"
    );
}

#[test]
fn the_way_to_the_host_comes_along() {
    assert_eq!(
        asked("join guest.syscall, host.qemu emit host.qemu.lat"),
        "join syscall, virtio emit syscall.lat"
    );
    // In it, a field that the way has as well is that of the layer that was meant.
    assert_eq!(
        asked("join guest.syscall, guest.block, host.qemu where guest.block.sector > 5 emit tree"),
        "join syscall, block, virtio where block.sector > 5 emit tree"
    );
    assert_eq!(
        asked("join guest.syscall, guest.nvme, host.qemu emit host.qemu.lat"),
        "join syscall, nvme emit syscall.lat"
    );
    assert_eq!(
        asked("join guest.nvme, host.qemu emit host.qemu.lat"),
        "trace nvme emit nvme.lat"
    );
    assert_eq!(
        asked("join guest.virtio, host.qemu where guest.virtio.op == flush"),
        "trace virtio where virtio.op == flush emit virtio.comm, virtio.dev, virtio.index, virtio.lat, virtio.op, \
         virtio.pid, virtio.queue, virtio.sector, virtio.size, virtio.time"
    );
}

#[test]
fn what_cannot_be_decided_there_is_not_asked() {
    let text = "def slow = guest.syscall.lat > 1ms or host.qemu.lat > 1ms\n\
                def reads = guest.syscall.op == read\n\
                join guest.syscall, host.qemu where slow and reads and host.qemu.disk == \"d\" emit host.qemu.lat limit 5";
    assert_eq!(
        asked(text),
        "def reads = syscall.op == read join syscall, virtio where reads emit syscall.lat, syscall.op"
    );
}

#[test]
fn a_host_follows_requests_where_it_is_asked_what_it_did() {
    let kept = |text: &str| across(text).host.text;
    assert_eq!(
        kept(
            "join guest.syscall, guest.virtio, host.qemu, host.syscall, host.block \
             where host.block.dev == $1 emit host.syscall.lat, max(host.block[].lat), host.qemu.disk"
        ),
        "join qemu, syscall, block emit block.dev, block.lat, qemu.disk, qemu.lat, syscall.lat\n"
    );
    // What one of several joins wants.
    assert_eq!(
        kept(
            "join guest.virtio, host.qemu emit host.qemu.lat\n\
             join guest.virtio, host.qemu, optional host.nvme, host.block emit host.block.d2c"
        ),
        "join qemu, block, optional nvme emit block.d2c, qemu.lat\n"
    );
    let text = "join guest.syscall, host.qemu emit host.qemu.device";
    let crossing = across(text).plan().expect("plans");
    assert!(crossing.host.follows_guests());
    let text = "join guest.syscall, host.qemu emit host.qemu.disk";
    let crossing = across(text).plan().expect("plans");
    assert!(!crossing.host.follows_guests());
}

#[test]
fn what_is_the_hosts_has_its_names() {
    let text = "join guest.syscall, guest.block, host.qemu, host.block \
                emit guest.block.dev, host.block.dev, host.block.dev == sda as is, count(host.block[])";
    let crossing = across(text).plan().expect("plans");
    let columns = &crossing.whole.statements[0].streams[0].columns;
    let types: Vec<Type> = columns.iter().map(|it| it.expr.ty).collect();
    let of_host = Type::OfHost(Named::Dev);
    assert_eq!(types, [Type::Dev, of_host, Type::Bool, Type::Int]);
}

#[test]
fn names_mean_what_they_mean_on_their_side() {
    let across = across(
        "join guest.syscall, guest.block, host.qemu \
         where guest.syscall.file == \"/a\" and (guest.block.dev == $1 or host.qemu.cgroup == \"/m\") \
         emit guest.syscall.pid under 5 as mine, host.qemu.cgroup",
    );
    let text: Vec<&str> = across.guest.text.split_whitespace().collect();
    assert_eq!(
        text.join(" "),
        "join syscall, block, virtio where syscall.file == \"/a\" emit block.dev, syscall.file, syscall.lat, syscall.pid, \
         block.dev == \"vda\" as name0, syscall.pid under 5 as name1"
    );
    let crossing = across.plan().expect("plans");
    let names = |plan: &crate::plan::Plan| -> Vec<String> {
        plan.names.iter().map(|name| name.text.clone()).collect()
    };
    assert_eq!(names(&crossing.guest), ["/a", "vda", "5"]);
    assert_eq!(names(&crossing.whole), ["/a", "vda", "5", "/m"]);
    assert!(crossing.host.names.is_empty());
}

#[test]
fn the_streams_of_a_guest_keep_their_bits() {
    let text = format!("trace guest.block\n{ROWS}\njoin guest.virtio, host.qemu emit stages");
    let crossing = across(&text).plan().expect("plans");
    let bits = |plan: &crate::plan::Plan| -> Vec<(u8, &str)> {
        let streams = plan.streams();
        streams.map(|it| (it.bit, it.layer.name)).collect()
    };
    let guest = [
        (0, "block"),
        (1, "syscall"),
        (2, "block"),
        (3, "virtio"),
        (4, "virtio"),
    ];
    assert_eq!(bits(&crossing.guest), guest);
    let mut whole = guest.to_vec();
    whole.insert(4, (5, "qemu"));
    whole.push((6, "qemu"));
    assert_eq!(bits(&crossing.whole), whole);
    let join = crossing.whole.statements[1].join.as_ref().expect("a join");
    assert_eq!((&join.sources[..], join.via), (&[1, 2, 3, 5][..], Some(3)));
    assert!(join.residual.is_some() && join.residual == join.filter);
    let ring = &crossing.whole.statements[2];
    let join = ring.join.as_ref().expect("a join");
    assert_eq!((&join.sources[..], join.via), (&[4, 6][..], Some(4)));
    assert_eq!(
        (ring.streams[0].role, join.shape),
        (Role::Root, Shape::Whole)
    );
}

#[test]
fn stages_are_cut_where_the_device_was() {
    let names = |text: &str| -> Vec<String> {
        let crossing = across(text).plan().expect("plans");
        let root = &crossing.whole.statements[0].streams[0];
        let groups = root.groups.as_ref().expect("groups");
        groups.columns.iter().map(|it| it.name.clone()).collect()
    };
    let call = names("join guest.syscall, host.qemu emit stages by guest.syscall.op");
    let at = call.iter().position(|it| it == "device").expect("a stage");
    assert_eq!(call[at - 3..at], ["kick", "vmm", "inject"]);
    assert_eq!(
        names("join guest.virtio, host.qemu emit stages"),
        ["requests", "lat", "kick", "vmm", "inject", "device"]
    );
    let call = names("join guest.syscall, host.qemu, host.block emit stages");
    let at = call.iter().position(|it| it == "device").expect("a stage");
    let parts = ["kick", "vmm", "host.queue", "host.device", "inject"];
    assert_eq!(call[at - 5..at], parts);
    let ring = names("join guest.virtio, host.qemu, host.syscall, host.block emit stages");
    assert_eq!(ring[2..], [&parts[..], &["device"]].concat());
}

#[test]
fn what_cannot_be_followed_is_refused() {
    for (text, code) in [
        ("join host.qemu, guest.syscall", "E0609"),
        ("join guest.block, host.qemu", "E0609"),
        ("join guest.syscall, host.block", "E0609"),
        ("join guest.syscall, host.qemu, host.fs", "E0609"),
        ("join guest.syscall, host.qemu, host.virtio", "E0609"),
        (
            "join guest.syscall, host.qemu, host.block where host.block.pid under 7",
            "E0609",
        ),
        ("join guest.syscall, guest.qemu, host.qemu", "E0609"),
        ("join guest.virtio, guest.block, host.qemu", "E0609"),
        ("join guest.nvme, guest.block, host.qemu", "E0609"),
        (
            "join guest.syscall, guest.virtio, guest.nvme, host.qemu",
            "E0609",
        ),
        ("join guest.syscall, optional host.qemu", "E0609"),
        (
            "join guest.syscall, host.qemu where host.qemu.pid under 7",
            "E0609",
        ),
        ("join guest.syscall, host.qemu\ntrace host.qemu", "E0609"),
        ("trace guest.block, host.qemu", "E0609"),
    ] {
        let errors = placed(text).expect_err(text);
        assert_eq!(errors.0[0].code.id, code, "{text}");
    }
}
