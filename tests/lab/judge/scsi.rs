//! The judge of the layer `scsi`.

use std::collections::HashMap;

use iotq_tests::Row;
use iotq_tests::lab::result::Brought;

use super::block::{counted, plausible, same};
use super::{rows_of, skipped};

/// A command: its device, its opcode, the block that it names if it does, its status, and its tag where the text has it.
type Command = ([u64; 4], u64, Option<u64>, u64, Option<u64>);

/// Every command to the disk is a row with its address, opcode, place and status, and every row is one.
pub fn commands(brought: &Brought) {
    let text = brought.text("trace");
    assert!(!text.contains("LOST"), "the kernel lost events of its own");
    let tagged = text.contains("driver_tag=");
    let rows = rows_of(brought);
    for row in &rows {
        assert_eq!(row.text("dev"), brought.text("disk").trim(), "{row:?}");
    }
    let address = rows.first().map(address).expect("rows");
    plausible(rows.iter(), skipped(brought));
    let ours = counted(rows.iter().map(|row| of_row(row, tagged)));
    let lines = text
        .lines()
        .filter_map(|line| line.split_once(" scsi_dispatch_cmd_done: "));
    let theirs = lines.map(|(_, rest)| of_text(rest));
    let theirs = counted(theirs.filter(|command| command.0 == address));
    assert!(
        theirs.len() > 50,
        "the kernel tells of {} commands",
        theirs.len()
    );
    same(&ours, &theirs, "the kernel", skipped(brought));
}

fn address(row: &Row) -> [u64; 4] {
    ["host", "channel", "target", "lun"].map(|name| row.number(name))
}

fn of_row(row: &Row, tagged: bool) -> Command {
    let placed = ["read", "write"].contains(&row.text("op"));
    let block = placed.then(|| row.number("sector"));
    let status = row.number("result") & 0xff;
    let tag = tagged.then(|| row.number("tag"));
    (address(row), row.number("opcode"), block, status, tag)
}

/// `host_no=0 channel=0 id=0 lun=0 … driver_tag=1 … cmnd=(READ_10 lba=8 txlen=8 protect=0 raw=28 00 …) result=(…)`
fn of_text(text: &str) -> Command {
    let words: HashMap<&str, &str> = text
        .split([' ', '(', ')'])
        .filter_map(|word| word.split_once('='))
        .collect();
    let number = |name: &str| words[name].parse::<u64>().unwrap();
    let opcode = u64::from_str_radix(words["raw"], 16).unwrap();
    let placed = [0x08, 0x0a, 0x28, 0x2a, 0x88, 0x8a].contains(&opcode);
    let status = match words["status"] {
        "SAM_STAT_GOOD" => 0,
        "SAM_STAT_CHECK_CONDITION" => 2,
        other => panic!("{other}"),
    };
    (
        ["host_no", "channel", "id", "lun"].map(number),
        opcode,
        placed.then(|| number("lba")),
        status,
        words.get("driver_tag").map(|tag| tag.parse().unwrap()),
    )
}

/// Each dispatched command is a row, with a latency if it was answered. The others timed out, and are marked.
pub fn attempts(brought: &Brought) {
    let text = brought.text("trace");
    let rows = rows_of(brought);
    let [host, channel, target, lun] = address(rows.first().expect("rows"));
    let whose = format!("host_no={host} channel={channel} id={target} lun={lun} ");
    let count = |event: &str| text.matches(&format!(" {event}: {whose}")).count();
    let (unended, ended): (Vec<_>, Vec<_>) =
        rows.iter().partition(|row| row.field("lat").is_null());
    let timeouts = count("scsi_dispatch_cmd_timeout");
    assert!(timeouts > 1, "nothing timed out");
    assert_eq!(rows.len(), count("scsi_dispatch_cmd_start"), "dispatched");
    assert_eq!(ended.len(), count("scsi_dispatch_cmd_done"), "answered");
    assert_eq!(unended.len(), timeouts, "timed out");
    assert!(unended.iter().all(|row| row.field("approx") == true));
}
