//! Makes one system call of each kind on a file: `calls FILE FOLDER`. What it makes is checked call by call.

use std::fs::File;
use std::io::{IoSlice, IoSliceMut};
use std::num::NonZero;
use std::path::PathBuf;

use rustix::fs::{
    Advice, FallocateFlags, copy_file_range, fadvise, fallocate, fdatasync, fsync, ftruncate,
    sendfile,
};
use rustix::io::{
    ReadWriteFlags, pread, preadv, preadv2, pwrite, pwritev, pwritev2, read, readv, write, writev,
};
use rustix::pipe::{SpliceFlags, pipe, splice};

fn main() -> anyhow::Result<()> {
    let mut paths = std::env::args_os().skip(1).map(PathBuf::from);
    let (Some(path), Some(folder)) = (paths.next(), paths.next()) else {
        anyhow::bail!("calls FILE FOLDER");
    };
    let file = File::options()
        .read(true)
        .write(true)
        .create(true)
        .truncate(true)
        .open(&path)?;
    let only_read = File::open(&path)?;
    let folder = File::open(folder)?;
    let (data, mut a, mut b) = ([7; 5000], [0; 100], [0; 28]);

    write(&file, &data[..1000])?;
    writev(
        &file,
        &[IoSlice::new(&data[..10]), IoSlice::new(&data[..20])],
    )?;
    pwrite(&file, &data, 4096)?;
    pwritev(&file, &[IoSlice::new(&data[..300])], 8192)?;
    pwritev2(
        &file,
        &[IoSlice::new(&data[..400])],
        12288,
        ReadWriteFlags::empty(),
    )?;
    fdatasync(&file)?;
    fsync(&file)?;
    pread(&file, &mut a, 4100)?;
    preadv(
        &file,
        &mut [IoSliceMut::new(&mut a), IoSliceMut::new(&mut b)],
        8,
    )?;
    preadv2(
        &file,
        &mut [IoSliceMut::new(&mut b)],
        16,
        ReadWriteFlags::empty(),
    )?;
    // Shorter than asked for: the file ends.
    pread(&file, &mut a, 12_680)?;
    // Nothing at all.
    pread(&file, &mut a, 1 << 30)?;
    read(&only_read, &mut a)?;
    readv(&only_read, &mut [IoSliceMut::new(&mut b)])?;
    let (from_pipe, to_pipe) = pipe()?;
    let none = SpliceFlags::empty();
    // At the position, and where a pointer says; the file at either end.
    splice(&only_read, None, &to_pipe, None, 200, none)?;
    splice(&only_read, Some(&mut 4096), &to_pipe, None, 300, none)?;
    splice(&from_pipe, None, &file, Some(&mut 16_384), 500, none)?;
    sendfile(&to_pipe, &only_read, Some(&mut 8192), 50)?;
    sendfile(&to_pipe, &only_read, None, 60)?;
    copy_file_range(&only_read, Some(&mut 12_288), &file, Some(&mut 0), 70)?;
    // The first of these is a wish to read, the other is none.
    fadvise(&file, 4096, NonZero::new(8192), Advice::WillNeed)?;
    fadvise(&file, 0, None, Advice::Random)?;
    fallocate(&file, FallocateFlags::empty(), 0, 20_000)?;
    ftruncate(&file, 100)?;
    // Errors: a descriptor that may not write, and a directory.
    let _ = write(&only_read, &a);
    let _ = read(&folder, &mut a);
    Ok(())
}
