//! The executables of QEMU that run here: where their functions can be hooked, and where they keep what is read.
//!
//! They are hooked by their files: so all processes are seen that run them, those too that begin later.

mod code;
mod elf;
mod layout;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::os::fd::AsRawFd;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use iced_x86::Register::{self, R8, R9, RCX, RDI, RDX, RSI};
use iotq_probes::abi::{IOTQ_MAX_QEMUS, IOTQ_NULL32, iotq_qemu_layout};
use iotq_probes::catalogue::{Layer, layer};

use code::{Code, cheapest};
use elf::Executable;
use layout::{HANDLES, LETS_GO, MAKES, TELLS_COMMAND, layout, pop_site, scsi_site};

/// An executable of QEMU that runs.
#[derive(Clone, Debug)]
pub struct Qemu {
    /// Its path, as its processes have it.
    pub path: String,
    /// The processes that run it.
    pub processes: Vec<u32>,
    /// What cannot be found in its code, and what is lost by it.
    pub lacks: Vec<String>,
    /// It is reached by this whatever becomes of its path and its processes.
    file: Arc<File>,
    layout: Option<iotq_qemu_layout>,
    sites: Vec<Site>,
}

/// Where a function is hooked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Site {
    function: &'static str,
    /// In the file.
    pub offset: u64,
    /// As the executable has it.
    pub address: u64,
}

/// Functions that are hooked near their entries, with the arguments that are read there.
const FUNCTIONS: [(&str, &[Register]); 11] = [
    ("blk_aio_preadv", &LAST_OF_SIX),
    ("blk_aio_pwritev", &LAST_OF_SIX),
    ("blk_aio_pwrite_zeroes", &LAST_OF_SIX),
    ("blk_aio_pdiscard", &LAST_OF_FIVE),
    ("blk_aio_ioctl", &LAST_OF_FIVE),
    ("blk_aio_flush", &[RDI, RDX]),
    ("virtqueue_push", &[RDI, RSI]),
    ("scsi_req_enqueue", &[RDI]),
    ("nvme_map_dptr", &[RDI, RDX, RCX]),
    (TELLS_COMMAND, &[RDI, RSI]),
    (LETS_GO, &[RDI]),
];
const LAST_OF_SIX: [Register; 4] = [RDI, RSI, RDX, R9];
const LAST_OF_FIVE: [Register; 4] = [RDI, RSI, RDX, R8];

/// What is lost without a function that is hooked, as the catalogue has it.
fn lost_without(function: &str) -> &'static str {
    let mut hooks = layer("qemu").into_iter().flat_map(Layer::hooks);
    let hook = hooks.find(|hook| hook.target == function);
    hook.and_then(|hook| hook.without)
        .unwrap_or("nothing of the layer can be traced")
}

/// What tells an executable from others: its filesystem and its inode.
pub(crate) type Identity = (u64, u64);

/// The executable that a process runs.
pub(crate) fn executable(pid: u32) -> Option<Identity> {
    let about = fs::metadata(format!("/proc/{pid}/exe")).ok()?;
    Some((about.dev(), about.ino()))
}

impl Qemu {
    /// What tells it from others.
    pub(crate) fn identity(&self) -> Option<Identity> {
        let about = self.file.metadata().ok()?;
        Some((about.dev(), about.ino()))
    }

    /// Where a function is hooked.
    pub(crate) fn site(&self, function: &str) -> Option<Site> {
        let mut sites = self.sites.iter();
        sites.find(|it| it.function == function).copied()
    }

    /// Whether the end of anything that is made for a request is seen.
    pub(crate) fn sees_ends(&self) -> bool {
        self.site(LETS_GO).is_some()
    }

    /// To see that costs something for all disks: it is for those who have NVMe drives, as far as the command lines of the
    /// processes say.
    fn spare_ends(&mut self) {
        let line = |pid| fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        let has_drives = |line: Vec<u8>| line.windows(4).any(|word| word == b"nvme");
        if !self.processes.iter().map(line).any(has_drives) {
            self.sites.retain(|it| it.function != LETS_GO);
        }
        let nvme_ends = self.sees_ends().into();
        if let Some(layout) = &mut self.layout {
            layout.nvme_ends = nvme_ends;
        }
    }

    /// Its path, while this process has it open.
    pub(crate) fn own_path(&self) -> PathBuf {
        format!("/proc/self/fd/{}", self.file.as_raw_fd()).into()
    }

    fn examine(path: String, file: &Path) -> Option<Self> {
        let executable = Executable::open(file)?;
        let file = Arc::new(File::open(file).ok()?);
        let mut qemu = Self {
            path,
            processes: Vec::new(),
            lacks: Vec::new(),
            file,
            layout: None,
            sites: Vec::new(),
        };
        match layout(&executable) {
            Ok(layout) => {
                qemu.find_sites(&executable);
                qemu.tell_names(&layout);
                if layout.scsi_element == IOTQ_NULL32 {
                    let lack = "requests to SCSI disks have no times of the block layer";
                    qemu.lacks.push(lack.to_owned());
                }
                if layout.nvme_command == IOTQ_NULL32 {
                    qemu.lacks.push(lost_without(TELLS_COMMAND).to_owned());
                }
                qemu.layout = Some(layout);
            }
            Err(mute) => {
                let lack = format!("{mute}, so what its guests do goes by unseen");
                qemu.lacks.push(lack);
            }
        }
        Some(qemu)
    }

    fn find_sites(&mut self, executable: &Executable) {
        let sites = &mut self.sites;
        let mut add = |function, address| {
            if let Some(offset) = executable.offset(address) {
                sites.push(Site {
                    function,
                    offset,
                    address,
                });
            }
        };
        if let Ok((address, _)) = pop_site(executable) {
            add(HANDLES, address);
        }
        let mut lacks = |name: &str| {
            let lost = lost_without(name);
            self.lacks.push(format!("it does not show {name}: {lost}"));
        };
        match scsi_site(executable) {
            Some(address) => add(MAKES, address),
            None => lacks(MAKES),
        }
        for (name, arguments) in FUNCTIONS {
            match executable.symbol(name) {
                Some(entry) => add(name, cheapest(executable, entry, arguments)),
                None => lacks(name),
            }
        }
    }

    fn tell_names(&mut self, layout: &iotq_qemu_layout) {
        let mut lack = |is: bool, what: &str| {
            if is {
                self.lacks.push(format!("no names of {what}"));
            }
        };
        lack(layout.name == u64::MAX, "guests");
        let (name, device) = (layout.blk_name, layout.blk_device);
        lack(name == IOTQ_NULL32 && device == IOTQ_NULL32, "disks");
        lack(
            name != IOTQ_NULL32 && device == IOTQ_NULL32,
            "disks whose drives have none",
        );
    }
}

/// Those that are hooked, of all that run. Their places in this order are the cookies of their hooks.
pub(crate) fn hooked(all: &[Qemu]) -> impl Iterator<Item = (&Qemu, iotq_qemu_layout)> {
    let known = all.iter().filter_map(|qemu| Some((qemu, qemu.layout?)));
    known.take(IOTQ_MAX_QEMUS as usize)
}

/// Those that could be hooked, and for which there is no room.
pub(crate) fn left_out(all: &[Qemu]) -> Vec<String> {
    let known = all.iter().filter(|qemu| qemu.layout.is_some());
    let paths = known.map(|qemu| qemu.path.clone());
    paths.skip(IOTQ_MAX_QEMUS as usize).collect()
}

/// Those that run, each once, by the numbers of their processes.
pub fn running() -> Vec<Qemu> {
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    let numbers = processes.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let mut numbers: Vec<u32> = numbers.collect();
    numbers.sort_unstable();
    let mut files: BTreeMap<(u64, u64), Option<Qemu>> = BTreeMap::new();
    for pid in numbers {
        let Some((path, file)) = candidate(pid) else {
            continue;
        };
        let Ok(about) = fs::metadata(&file) else {
            continue;
        };
        let known = files
            .entry((about.dev(), about.ino()))
            .or_insert_with(|| Qemu::examine(path, &file));
        if let Some(qemu) = known {
            qemu.processes.push(pid);
        }
    }
    let mut all: Vec<Qemu> = files.into_values().flatten().collect();
    all.iter_mut().for_each(Qemu::spare_ends);
    all.sort_by_key(|qemu| qemu.processes.first().copied());
    all
}

/// A process whose executable may be one of QEMU: to look into all executables would take long.
fn candidate(pid: u32) -> Option<(String, PathBuf)> {
    let file = Path::new("/proc").join(pid.to_string()).join("exe");
    let path = fs::read_link(&file).ok()?;
    let named = path.file_name()?.to_string_lossy().contains("qemu");
    named.then(|| (path.display().to_string(), file))
}
