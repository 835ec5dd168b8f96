//! `iotq list devices`: the disks and partitions of this machine, and what they can be called in queries.

use std::io::{self, Write};
use std::process::ExitCode;

use iotq_engine::units::Bytes;
use iotq_kernel::names::device::{self, About, Device};
use serde_json::{Value, json};

use crate::args::ListFormat;
use crate::report::{Failure, note};

/// Lists them. A machine without any has an empty list.
///
/// # Errors
/// If the list cannot be written.
pub fn list(format: ListFormat) -> Result<ExitCode, Failure> {
    let devices = device::described();
    if devices.is_empty() {
        note("iotq: this machine has no block devices");
        return Ok(ExitCode::SUCCESS);
    }
    let mut out = io::stdout().lock();
    match format {
        ListFormat::Text => {
            let rows = devices.iter().map(|(device, about)| row(device, about));
            write_table(&mut out, &rows.collect::<Vec<_>>())?;
        }
        ListFormat::Json => {
            for (device, about) in &devices {
                writeln!(out, "{}", object(device, about))?;
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

const COLUMNS: [&str; 7] = [
    "name", "number", "kind", "size", "driver", "model", "details",
];
/// It stands to the right, as sizes do in rows.
const SIZE: usize = 3;

type Row = [String; COLUMNS.len()];

fn write_table(out: &mut impl Write, rows: &[Row]) -> io::Result<()> {
    let head = COLUMNS.map(str::to_owned);
    let rows = || std::iter::once(&head).chain(rows);
    let width = |column: usize| {
        let lengths = rows().map(|row| row[column].chars().count());
        lengths.max().unwrap_or(0)
    };
    let widths: [usize; COLUMNS.len()] = std::array::from_fn(width);
    for row in rows() {
        let mut line = String::new();
        for (column, (cell, width)) in row.iter().zip(widths).enumerate() {
            line += &match column {
                SIZE => format!("{cell:>width$}  "),
                _ => format!("{cell:width$}  "),
            };
        }
        writeln!(out, "{}", line.trim_end())?;
    }
    Ok(())
}

fn row(device: &Device, about: &About) -> Row {
    [
        device.name.clone(),
        number(device),
        kind(device).into(),
        Bytes(device.bytes.into()).to_string(),
        about.driver.clone(),
        about.model.clone().unwrap_or_else(|| "-".into()),
        details(device, about).join(", "),
    ]
}

fn number(device: &Device) -> String {
    format!("{}:{}", device.number >> 20, device.number & 0xfffff)
}

fn kind(device: &Device) -> &'static str {
    match device.sectors {
        Some(_) => "partition",
        None if device.head.is_some() => "path",
        None if device.bio_based => "stacked",
        None => "disk",
    }
}

/// Where it is, what it belongs to, and the best of its further names.
fn details(device: &Device, about: &About) -> Vec<String> {
    let mut details = Vec::new();
    let mut tell = |text: Option<String>| details.extend(text);
    tell(
        device
            .sectors
            .map(|(first, last)| format!("sectors {first}..{last}")),
    );
    tell(device.alias.clone());
    tell(device.address.clone());
    tell(match (about.namespace, &device.controller) {
        (Some(number), Some(name)) => Some(format!("namespace {number} of {name}")),
        (Some(number), None) => Some(format!("namespace {number}")),
        (None, name) => name.as_ref().map(|name| format!("of {name}")),
    });
    tell(device.head.as_ref().map(|name| format!("path of {name}")));
    tell(together("on", &device.members));
    tell(together("through", &device.paths));
    tell(together("below", &about.holders));
    tell(link(device, &about.links));
    details
}

fn together(how: &str, names: &[String]) -> Option<String> {
    (!names.is_empty()).then(|| format!("{how} {}", names.join(" ")))
}

/// A name that stays when disks are plugged in elsewhere: of a disk who made it, of a partition its label.
fn link(device: &Device, links: &[String]) -> Option<String> {
    let kinds: &[&str] = if device.is_whole() {
        &["/dev/disk/by-id/", "/dev/md/"]
    } else {
        &["/dev/disk/by-label/", "/dev/disk/by-partlabel/"]
    };
    let first = |kind: &&str| links.iter().find_map(|link| link.strip_prefix(kind));
    kinds.iter().find_map(first).map(str::to_owned)
}

fn object(device: &Device, about: &About) -> Value {
    json!({
        "name": device.name,
        "number": number(device),
        "kind": kind(device),
        "bytes": device.bytes,
        "driver": about.driver,
        "model": about.model,
        "sectors": device.sectors,
        "alias": device.alias,
        "address": device.address,
        "controller": device.controller,
        "namespace": about.namespace,
        "head": device.head,
        "paths": device.paths,
        "members": device.members,
        "holders": about.holders,
        "links": about.links,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn disk(name: &str) -> Device {
        Device {
            name: name.into(),
            number: 8 << 20 | 17,
            disks: vec![8 << 20 | 16],
            sectors: None,
            numbers: Vec::new(),
            bytes: 8 << 30,
            bio_based: false,
            members: Vec::new(),
            alias: None,
            address: None,
            controller: None,
            paths: Vec::new(),
            head: None,
        }
    }

    #[test]
    fn columns_are_aligned_and_end_with_their_words() {
        let scsi = Device {
            address: Some("2:0:0:0".into()),
            ..disk("sda")
        };
        let about = About {
            driver: "sd".into(),
            model: Some("QEMU HARDDISK".into()),
            holders: vec!["dm-0".into()],
            links: vec![
                "/dev/disk/by-path/pci-0".into(),
                "/dev/disk/by-id/scsi-0QEMU".into(),
            ],
            ..About::default()
        };
        let part = Device {
            sectors: Some((64, 1063)),
            bytes: 512_000,
            ..disk("sda1")
        };
        let loose = About {
            driver: "sd".into(),
            links: vec!["/dev/disk/by-id/scsi-0QEMU-part1".into()],
            ..About::default()
        };
        let mut out = Vec::new();
        write_table(&mut out, &[row(&scsi, &about), row(&part, &loose)]).expect("memory");
        let text = String::from_utf8(out).expect("text");
        let expected = "\
name  number  kind       size  driver  model          details
sda   8:17    disk         8G  sd      QEMU HARDDISK  2:0:0:0, below dm-0, scsi-0QEMU
sda1  8:17    partition  500K  sd      -              sectors 64..1063
";
        assert_eq!(text, expected);
    }

    #[test]
    fn programs_get_every_name() {
        let nvme = Device {
            controller: Some("nvme0".into()),
            ..disk("nvme0n2")
        };
        let about = About {
            namespace: Some(2),
            links: vec!["/dev/disk/by-id/a".into(), "/dev/disk/by-id/b".into()],
            ..About::default()
        };
        assert_eq!(details(&nvme, &about), ["namespace 2 of nvme0", "a"]);
        let object = object(&nvme, &about);
        assert_eq!(
            object["links"],
            json!(["/dev/disk/by-id/a", "/dev/disk/by-id/b"])
        );
        assert_eq!(
            (&object["namespace"], &object["bytes"]),
            (&json!(2), &json!(8u64 << 30))
        );
    }
}
