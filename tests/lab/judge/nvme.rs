//! The judge of the layer `nvme`.

use std::collections::{BTreeMap, HashMap};

use iotq_tests::Row;
use iotq_tests::lab::result::Brought;

use super::block::{counted, plausible, same, same_requests};
use super::{rows_of, skipped};

/// A command as the kernel's text tells of it, and as a row does.
pub type Command = (u64, u64, u64, String, u64, u64);

/// Every command to the disk is a row with its queue, id, namespace, operation, status and retries, and every row is one.
pub fn commands(brought: &Brought) {
    let disk = brought.text("disk");
    let rows = rows_of(brought);
    for row in &rows {
        assert_eq!(row.text("dev"), disk.trim(), "{row:?}");
        assert!(
            row.number("sq_head") < 4096 && row.number("sq_tail") < 4096,
            "{row:?}"
        );
    }
    plausible(rows.iter(), skipped(brought));
    let ours = counted(rows.iter().map(of_row));
    let text = brought.text("trace");
    assert!(!text.contains("LOST"), "the kernel lost events of its own");
    let theirs = counted(of_text(&text, disk.trim()).into_iter());
    assert!(
        theirs.len() > 100,
        "the kernel tells of {} commands",
        theirs.len()
    );
    same(&ours, &theirs, "the kernel", skipped(brought));
    same_requests(brought, &rows);
}

pub fn of_row(row: &Row) -> Command {
    let op = row.text("op").to_owned();
    let [qid, cid, nsid, status, retries] =
        ["qid", "cid", "nsid", "status", "retries"].map(|name| row.number(name));
    (qid, cid, nsid, op, status, retries)
}

/// The completed commands of a disk.
pub fn of_text(text: &str, disk: &str) -> Vec<Command> {
    let mut open: HashMap<(u64, u64), (u64, u64, String)> = HashMap::new();
    let mut done = Vec::new();
    for line in text.lines() {
        let (fields, is_setup) = match (
            line.split_once(" nvme_setup_cmd: "),
            line.split_once(" nvme_complete_rq: "),
        ) {
            (Some((_, rest)), _) => (fields(rest), true),
            (_, Some((_, rest))) => (fields(rest), false),
            _ => continue,
        };
        if fields.get("disk").copied() != Some(disk) {
            continue;
        }
        let number = |name: &str| number(fields[name]);
        // The upper bits count generations; some kernels leave them out where the command completes.
        let (qid, id) = (number("qid"), number("cmdid"));
        let key = (qid, id & 0xfff);
        if is_setup {
            let (_, command) = line.split_once("cmd=(").unwrap();
            let op = operation(command.split([' ', ')']).next().unwrap());
            open.insert(key, (id, number("nsid"), op));
        } else {
            let (id, nsid, op) = open.remove(&key).unwrap();
            done.push((qid, id, nsid, op, number("status"), number("retries")));
        }
    }
    done
}

/// `nvme0: disk=nvme0n1, qid=1, …`
fn fields(text: &str) -> BTreeMap<&str, &str> {
    let (_, text) = text.split_once(": ").unwrap_or(("", text));
    let parts = text.split(", ").filter_map(|part| part.split_once('='));
    parts.collect()
}

fn number(text: &str) -> u64 {
    match text.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16).unwrap(),
        None => text.parse().unwrap(),
    }
}

/// The kernel's name of an operation, as ours.
fn operation(name: &str) -> String {
    let name = name.trim_start_matches("nvme_cmd_");
    if name == "dsm" { "discard" } else { name }.into()
}
