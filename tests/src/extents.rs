//! Where a file lies on its disk, as `filefrag` tells.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use crate::command::tool;

/// How often something was seen.
pub type Counted = BTreeMap<u64, u64>;

/// Counts equal things.
pub fn counted(items: impl IntoIterator<Item = u64>) -> Counted {
    let mut counts = Counted::new();
    for item in items {
        *counts.entry(item).or_default() += 1;
    }
    counts
}

/// The extents of a file, in sectors of its disk.
pub struct Extents(Vec<Extent>);

struct Extent {
    logical: u64,
    physical: u64,
    length: u64,
}

impl Extents {
    /// Those of a file; the partition that its filesystem lies in is added.
    pub fn of(path: &Path) -> Self {
        let text = tool("filefrag", &["-v", "-b512", &path.display().to_string()]);
        let start = partition_start(path);
        let extents: Vec<_> = text
            .lines()
            .filter_map(|line| extent(line, start))
            .collect();
        assert!(!extents.is_empty(), "no extents: {text}");
        Self(extents)
    }

    /// The sector of an offset in bytes.
    pub fn sector(&self, offset: u64) -> u64 {
        let sector = offset / 512;
        let holds =
            |extent: &&Extent| (extent.logical..extent.logical + extent.length).contains(&sector);
        let extent = self.0.iter().find(holds).expect("the file has no holes");
        extent.physical + (sector - extent.logical)
    }
}

/// ` 0:  0..  8191:  34816..  43007:  8192:  flags`
fn extent(line: &str, start: u64) -> Option<Extent> {
    let mut columns = line.split(':').map(str::trim);
    columns.next()?.parse::<u32>().ok()?;
    let mut first = || {
        let column = columns.next()?;
        column.split("..").next()?.trim().parse::<u64>().ok()
    };
    Some(Extent {
        logical: first()?,
        physical: first()? + start,
        length: first()?,
    })
}

fn partition_start(path: &Path) -> u64 {
    let dev = fs::metadata(path).unwrap().dev();
    let (major, minor) = (rustix::fs::major(dev), rustix::fs::minor(dev));
    let text = fs::read_to_string(format!("/sys/dev/block/{major}:{minor}/start"));
    text.map_or(0, |text| text.trim().parse().unwrap())
}
