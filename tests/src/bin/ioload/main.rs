//! A small generator of I/O: `ioload --ops 1000 --threads 2 --read 6 --write 3 --flush 1 /dev/vda`.
//!
//! Synchronous and direct; the same seed gives the same operations. It prints what it did as one line of JSON.

mod target;

use std::fs::File;
use std::io::Write;
use std::path::PathBuf;
use std::thread;

use anyhow::{Context, Result, ensure};
use clap::Parser;
use fastrand::Rng;
use serde_json::{Value, json};

use target::{Buffer, Target};

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

/// The operations of one thread.
fn work(load: &Load, target: &Target, span: u64, index: u32) -> Result<Vec<Done>> {
    let mut random = Rng::with_seed(load.seed.wrapping_mul(1000) + u64::from(index));
    let mut buffer = Buffer::new(load.max);
    let weights = [load.read, load.write, load.flush, load.discard];
    let count = load.ops / load.threads + u32::from(index < load.ops % load.threads);
    let mut done = Vec::new();
    for _ in 0..count {
        let kind = choose(&mut random, weights).context("all weights are zero")?;
        let units = random.usize(1..=load.max / load.min);
        let size = units * load.min;
        let places = (span - size as u64) / load.min as u64;
        let offset = random.u64(..=places) * load.min as u64;
        let error = match kind {
            0 => target.read(buffer.part(size), offset),
            1 => target.write(buffer.part(size), offset),
            2 => target.flush(),
            _ => target.discard(offset, size as u64),
        };
        let (offset, size) = if kind == 2 { (0, 0) } else { (offset, size) };
        done.push(Done {
            kind,
            offset,
            size,
            error,
        });
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
