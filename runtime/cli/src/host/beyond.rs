//! This host's part of a query over a VM boundary: what guests ask is kept in the kernel, and looked up for what they tell.

use std::borrow::Cow;
use std::cell::RefCell;
use std::rc::Rc;

use iotq_engine::beyond::{Queue, Spot};
use iotq_engine::{Crossed, Names};
use iotq_kernel::names::{self, Resolved};
use iotq_kernel::{Guests, Kept, Options, Running};
use iotq_lang::across::{Across, Crossing};
use iotq_lang::plan::Meaning;

use crate::args::Run;
use crate::names::MachineNames;
use crate::report::{Failure, note};
use crate::run::install;

/// The host's part, installed.
pub struct Own {
    running: Running,
    kept: Rc<RefCell<Kept>>,
    /// What the names of this machine mean.
    meanings: Vec<Meaning>,
    /// What it calls its own.
    names: Rc<MachineNames>,
}

/// A guest's process here. Another one's requests are not seen through it.
pub struct Process {
    pid: Option<u32>,
    kept: Rc<RefCell<Kept>>,
    names: Rc<MachineNames>,
}

/// What a guest calls its own, and this host what is its.
struct BothNames<N> {
    guest: N,
    host: Rc<MachineNames>,
}

impl Own {
    /// Installs it.
    ///
    /// # Errors
    /// If this machine or this user may not, or no QEMU runs here.
    pub fn install(run: &Run, across: &Across, crossing: &Crossing) -> Result<Self, Failure> {
        let sources = across.host.sources();
        let failed = |errors| Failure::new(errors, &sources);
        let here = crossing.whole.names.get(crossing.guest.names.len()..);
        let here = here.unwrap_or_default();
        let meant = names::resolve(here, None).map_err(failed)?;
        let plan = crossing.host.bind(&[]);
        let how = Options {
            btf: run.btf.clone(),
            ring: Some(0),
            keep: true,
        };
        let mut running = install(&how, &plan, &Resolved::default(), &sources)?;
        for missing in &running.missing {
            note(&format!("iotq: {missing}"));
        }
        let kept = running.take_kept();
        let kept = kept.map_err(|error| Failure::install(error, &sources))?;
        Ok(Self {
            running,
            kept: Rc::new(RefCell::new(kept)),
            names: Rc::new(MachineNames::with(here, &meant.meanings)),
            meanings: meant.meanings,
        })
    }

    /// What the names of this machine mean.
    pub fn meanings(&self) -> &[Meaning] {
        &self.meanings
    }

    /// The process of a guest, whose requests are kept from now on.
    pub fn process(&self, name: &str, cid: Option<u32>) -> Process {
        let found = Guests::running().process(name, cid);
        let kept = found.map(|pid| (pid, self.kept.borrow().sees(pid)));
        let (pid, told) = match kept {
            None => (
                None,
                "no QEMU here has this name (`-name`) or its context id: its requests are not seen here".to_owned(),
            ),
            Some((other, false)) => (
                None,
                format!(
                    "process {other} runs a QEMU that did not run when the query began: its requests are not seen here; \
                     begin anew to see them"
                ),
            ),
            Some((pid, true)) => match self.kept.borrow_mut().keep(pid) {
                Ok(()) => (Some(pid), format!("its process is {pid}")),
                Err(_) => (
                    None,
                    format!("process {pid} is another guest's: its requests are not seen here"),
                ),
            },
        };
        note(&format!("iotq: {name}: {told}"));
        Process {
            pid,
            kept: Rc::clone(&self.kept),
            names: Rc::clone(&self.names),
        }
    }

    /// Says what is to be known beside the summary.
    ///
    /// # Errors
    /// If the kernel does not answer.
    pub fn account(&self, crossed: &Crossed) -> Result<(), Failure> {
        let Crossed {
            joined,
            unseen,
            untimely,
            uncertainty_ns,
        } = *crossed;
        let all = joined + unseen;
        if unseen > 0 {
            note(&format!(
                "iotq: {unseen} of {all} requests were not seen in QEMU"
            ));
        }
        if untimely > 0 {
            note(&format!(
                "iotq: {untimely} requests were earlier or later in QEMU than the clocks allow: their times are fitted"
            ));
        }
        if joined > 0 {
            let within = uncertainty_ns.div_ceil(1000);
            note(&format!(
                "iotq: times on both sides are compared within {within}us"
            ));
        }
        let counts = self.running.counts().map_err(std::io::Error::other)?;
        if counts.lost > 0 {
            let lost = counts.lost;
            note(&format!(
                "iotq: {lost} requests, or calls for them, found no room among those that are kept here"
            ));
        }
        if counts.approx > 0 {
            let approx = counts.approx;
            note(&format!(
                "iotq: of {approx} requests, not all is known here: their `host.qemu.approx` is true"
            ));
        }
        let forgotten = self.kept.borrow().forgotten();
        if forgotten > 0 {
            note(&format!(
                "iotq: what was done here for {forgotten} requests was forgotten before it was asked for"
            ));
        }
        Ok(())
    }
}

impl Process {
    /// The names of both sides.
    pub fn with_names<N: Names + 'static>(&self, guest: N) -> Box<dyn Names> {
        let host = Rc::clone(&self.names);
        Box::new(BothNames { guest, host })
    }
}

impl<N: Names> Names for BothNames<N> {
    fn dev(&self, number: u32) -> Option<Cow<'_, str>> {
        self.guest.dev(number)
    }

    fn file(&self, dev: u32, inode: u64) -> Option<Cow<'_, str>> {
        self.guest.file(dev, inode)
    }

    fn cgroup(&self, id: u64) -> Option<Cow<'_, str>> {
        self.guest.cgroup(id)
    }

    fn guest(&self) -> Option<&str> {
        self.guest.guest()
    }

    fn of_host(&self) -> Option<&dyn Names> {
        Some(&*self.host)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if let Some(pid) = self.pid {
            self.kept.borrow_mut().leave(pid);
        }
    }
}

impl iotq_engine::Kept for Process {
    fn queues(&mut self) -> Vec<Queue> {
        let queues = self.pid.map(|pid| self.kept.borrow_mut().queues(pid));
        queues.unwrap_or_default()
    }

    fn look_up(&mut self, spot: &Spot) -> Option<Vec<u8>> {
        self.kept.borrow_mut().look_up(self.pid?, spot)
    }
}
