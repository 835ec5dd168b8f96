//! The boots that the chosen tests need: started at once, so many at a time as the machine bears.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, OnceLock};
use std::thread;

use iotq_tests::lab::Ready;
use iotq_tests::lab::boot::{Boot, Ended};
use iotq_tests::lab::case::{Case, Script};
use iotq_tests::lab::machine::Machine;

/// Two keep two CPUs busy: a boot is the work of one.
const AT_ONCE: usize = 2;

/// The cases of one kernel and one machine.
pub struct Group {
    machine: &'static Machine,
    ended: OnceLock<Result<Ended, String>>,
}

impl Group {
    pub fn new(machine: &'static Machine) -> Self {
        Self {
            machine,
            ended: OnceLock::new(),
        }
    }

    /// Waits for the end of the boot.
    pub fn ended(&self) -> Result<&Ended, String> {
        self.ended.wait().as_ref().map_err(Clone::clone)
    }
}

struct Job {
    ready: Arc<Ready>,
    group: Arc<Group>,
    cases: Vec<Arc<Case>>,
}

/// All boots.
pub struct Boots {
    shared: Vec<Script>,
    jobs: VecDeque<Job>,
}

impl Boots {
    pub fn new(shared: Vec<Script>) -> Self {
        Self {
            shared,
            jobs: VecDeque::new(),
        }
    }

    pub fn add(&mut self, ready: &Arc<Ready>, group: Arc<Group>, cases: Vec<Arc<Case>>) {
        if !cases.is_empty() {
            let ready = Arc::clone(ready);
            self.jobs.push_back(Job {
                ready,
                group,
                cases,
            });
        }
    }

    /// Starts them in the background.
    pub fn start(self) {
        let shared = Arc::new(self.shared);
        let jobs = Arc::new(Mutex::new(self.jobs));
        for _ in 0..AT_ONCE {
            let (shared, jobs) = (Arc::clone(&shared), Arc::clone(&jobs));
            thread::spawn(move || {
                loop {
                    let job = jobs.lock().unwrap().pop_front();
                    let Some(job) = job else { return };
                    // A panic must not leave the tests waiting.
                    let ended = catch_unwind(AssertUnwindSafe(|| boot(&job, &shared)));
                    let ended = ended.unwrap_or_else(|_| Err("the lab panicked".into()));
                    let _ = job.group.ended.set(ended);
                }
            });
        }
    }
}

fn boot(job: &Job, shared: &[Script]) -> Result<Ended, String> {
    let (kernel, machine) = (&job.ready.kernel, job.group.machine);
    let boot = Boot {
        kernel,
        modules: &job.ready.modules,
        machine,
        shared,
    };
    let cases: Vec<_> = job.cases.iter().map(AsRef::as_ref).collect();
    let ended = boot.run(&cases).map_err(|error| format!("{error:#}"))?;
    eprintln!(
        "lab: {} on {}: {} cases in {:.1}s, booted in {:.1}s",
        kernel.release,
        machine.name,
        cases.len(),
        ended.whole.as_secs_f64(),
        ended.boot.as_secs_f64()
    );
    Ok(ended)
}
