//! A small generator of I/O: `ioload --ops 1000 --threads 2 --read 6 --write 3 --flush 1 /dev/vda`.
//!
//! Direct, and one after the other in each thread, unless told otherwise; the same seed gives the same operations. It prints
//! what it did as one line of JSON.

mod queue;
mod target;

use std::fs::File;
use std::io::Write;
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use clap::Parser;
use fastrand::Rng;
use serde_json::{Value, json};

use queue::{Asked, Engine, Kind, Queue};
use target::{Buffer, Mapping, Target};

#[derive(Parser)]
#[command(about = "Make direct I/O and tell what was made")]
struct Load {
    /// A device or a file
    target: PathBuf,
    /// Operations, of all threads together
    #[arg(long, default_value_t = 100)]
    ops: u32,
    /// Threads
    #[arg(long, default_value_t = 1)]
    threads: u32,
    /// Seed of the random choices
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How many of the operations are reads, in relation to the others
    #[arg(long, default_value_t = 0)]
    read: u32,
    /// How many are writes
    #[arg(long, default_value_t = 0)]
    write: u32,
    /// How many are flushes (fsync)
    #[arg(long, default_value_t = 0)]
    flush: u32,
    /// How many are discards; devices only
    #[arg(long, default_value_t = 0)]
    discard: u32,
    /// Smallest size in bytes, and the unit of sizes and offsets
    #[arg(long, default_value_t = 4096)]
    min: usize,
    /// Largest size in bytes
    #[arg(long, default_value_t = 4096)]
    max: usize,
    /// Stay within so many bytes [default: the whole target]
    #[arg(long)]
    span: Option<u64>,
    /// Through the page cache
    #[arg(long)]
    cached: bool,
    /// How operations are asked for; discards are always calls
    #[arg(long, value_enum, default_value_t = Engine::Calls)]
    engine: Engine,
    /// Operations of a thread that are under way at the same time
    #[arg(long, default_value_t = 1)]
    depth: u32,
    /// Operations a second, of all threads together [default: as fast as they go]
    #[arg(long)]
    rate: Option<u32>,
    /// Write each operation, its offset, size and error number to FILE
    #[arg(long)]
    log: Option<PathBuf>,
    /// Print to FILE
    #[arg(long)]
    summary: Option<PathBuf>,
}

/// In the order of the weights.
const KINDS: [&str; 4] = ["read", "write", "flush", "discard"];

/// An operation, and the number of its error or 0.
struct Done {
    kind: usize,
    offset: u64,
    size: usize,
    error: i32,
}

fn main() -> Result<()> {
    let load = Load::parse();
    ensure!(
        load.threads > 0 && load.min > 0 && load.max >= load.min,
        "nothing to do"
    );
    let target = Target::open(&load.target, load.cached)?;
    let span = load.span.unwrap_or(u64::MAX).min(target.size()?);
    ensure!(
        span >= load.max as u64,
        "the target is smaller than an operation"
    );
    let all = thread::scope(|scope| -> Result<Vec<Done>> {
        let (load, target) = (&load, &target);
        let start = |index| scope.spawn(move || work(load, target, span, index));
        let threads: Vec<_> = (0..load.threads).map(start).collect();
        let mut all = Vec::new();
        for thread in threads {
            all.extend(thread.join().ok().context("a thread panicked")??);
        }
        Ok(all)
    })?;
    if let Some(path) = &load.log {
        log(path, &all)?;
    }
    let line = format!("{}\n", summary(&all));
    match &load.summary {
        Some(path) => std::fs::write(path, line)?,
        None => std::io::stdout().write_all(line.as_bytes())?,
    }
    Ok(())
}

/// An operation that is to be done.
struct Wanted {
    kind: usize,
    offset: u64,
    size: usize,
}

/// The operations of one thread.
fn work(load: &Load, target: &Target, span: u64, index: u32) -> Result<Vec<Done>> {
    let mut random = Rng::with_seed(load.seed.wrapping_mul(1000) + u64::from(index));
    let weights = [load.read, load.write, load.flush, load.discard];
    let count = load.ops / load.threads + u32::from(index < load.ops % load.threads);
    let pace = load
        .rate
        .map(|rate| Duration::from_secs(load.threads.into()) / rate.max(1));
    let begin = Instant::now();
    let wanted = (0..count).map(|nth| {
        if let Some(pace) = pace {
            thread::sleep((pace * nth).saturating_sub(begin.elapsed()));
        }
        let kind = choose(&mut random, weights).context("all weights are zero")?;
        let units = random.usize(1..=load.max / load.min);
        let size = units * load.min;
        let places = (span - size as u64) / load.min as u64;
        let offset = random.u64(..=places) * load.min as u64;
        Ok(Wanted { kind, offset, size })
    });
    match Queue::new(load.engine, load.depth, target)? {
        None if load.engine == Engine::Map => read_mapped(&Mapping::new(target, span)?, wanted),
        None => wait_for_each(target, wanted, load.max),
        Some(queue) => keep_under_way(target, queue, wanted, load),
    }
}

impl Wanted {
    fn done(self, error: i32) -> Done {
        let is_flush = self.kind == 2;
        Done {
            kind: self.kind,
            offset: if is_flush { 0 } else { self.offset },
            size: if is_flush { 0 } else { self.size },
            error,
        }
    }
}

fn wait_for_each(
    target: &Target,
    wanted: impl Iterator<Item = Result<Wanted>>,
    most: usize,
) -> Result<Vec<Done>> {
    let mut buffer = Buffer::new(most);
    let mut done = Vec::new();
    for wanted in wanted {
        let wanted = wanted?;
        let (size, offset) = (wanted.size, wanted.offset);
        let error = match wanted.kind {
            0 => target.read(buffer.part(size), offset),
            1 => target.write(buffer.part(size), offset),
            2 => target.flush(),
            _ => target.discard(offset, size as u64),
        };
        done.push(wanted.done(error));
    }
    Ok(done)
}

fn read_mapped(
    mapping: &Mapping,
    wanted: impl Iterator<Item = Result<Wanted>>,
) -> Result<Vec<Done>> {
    let read = |wanted: Result<Wanted>| {
        let wanted = wanted?;
        ensure!(wanted.kind == 0, "a mapping is read only");
        mapping.touch(wanted.offset, wanted.size);
        Ok(wanted.done(0))
    };
    wanted.map(read).collect()
}

/// As many as the depth at the same time, each with a buffer of its own.
fn keep_under_way(
    target: &Target,
    mut queue: Queue,
    wanted: impl Iterator<Item = Result<Wanted>>,
    load: &Load,
) -> Result<Vec<Done>> {
    let mut buffers: Vec<Buffer> = (0..load.depth).map(|_| Buffer::new(load.max)).collect();
    let mut under_way: Vec<Option<Wanted>> = buffers.iter().map(|_| None).collect();
    let mut done = Vec::new();
    let reap = |queue: &mut Queue, under_way: &mut Vec<Option<Wanted>>, done: &mut Vec<Done>| {
        for (tag, error) in queue.wait()? {
            let place = under_way.get_mut(usize::try_from(tag)?);
            let ended = place.and_then(Option::take);
            done.push(ended.context("an end of nothing")?.done(error));
        }
        anyhow::Ok(())
    };
    for wanted in wanted {
        let wanted = wanted?;
        let kind = match wanted.kind {
            0 => Kind::Read,
            1 => Kind::Write,
            2 => Kind::Flush,
            _ => {
                let error = target.discard(wanted.offset, wanted.size as u64);
                done.push(wanted.done(error));
                continue;
            }
        };
        if under_way.iter().all(Option::is_some) {
            reap(&mut queue, &mut under_way, &mut done)?;
        }
        let place = under_way.iter().position(Option::is_none);
        let place = place.context("no place is free")?;
        queue.submit(&Asked {
            tag: place as u64,
            kind,
            offset: wanted.offset,
            at: buffers[place].part(wanted.size).as_mut_ptr(),
            len: wanted.size,
        })?;
        under_way[place] = Some(wanted);
    }
    while under_way.iter().any(Option::is_some) {
        reap(&mut queue, &mut under_way, &mut done)?;
    }
    Ok(done)
}

fn choose(random: &mut Rng, weights: [u32; 4]) -> Option<usize> {
    let sum: u32 = weights.iter().sum();
    let mut left = (sum > 0).then(|| random.u32(..sum))?;
    weights.iter().position(|weight| {
        let here = left < *weight;
        left = left.saturating_sub(*weight);
        here
    })
}

fn summary(all: &[Done]) -> Value {
    let mut line = json!({ "errors": all.iter().filter(|each| each.error != 0).count() });
    for (kind, name) in KINDS.iter().enumerate() {
        let of = || all.iter().filter(|each| each.kind == kind);
        line[format!("{name}s").replace("shs", "shes")] = of().count().into();
        line[format!("{name}_bytes")] = of().map(|each| each.size).sum::<usize>().into();
    }
    line
}

fn log(path: &PathBuf, all: &[Done]) -> Result<()> {
    let mut out = std::io::BufWriter::new(File::create(path)?);
    for each in all {
        let kind = KINDS[each.kind];
        writeln!(out, "{kind} {} {} {}", each.offset, each.size, each.error)?;
    }
    out.flush()?;
    Ok(())
}
