//! What I/O is made on, and the memory it is made with.

use std::fs::File;
use std::io::{Seek, SeekFrom};
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::ptr::null_mut;

use anyhow::{Context, Result};
use rustix::fs::{OFlags, fsync};
use rustix::io::{Errno, pread, pwrite};
use rustix::ioctl::{Opcode, Setter, ioctl, opcode};
use rustix::mm::{Advice, MapFlags, ProtFlags, madvise, mmap, munmap};

/// `BLKDISCARD` of linux/fs.h; its argument is offset and length.
const DISCARD: Opcode = opcode::none(0x12, 119);
/// The strictest that direct I/O asks for.
const ALIGN: usize = 4096;

/// A device or a file.
pub struct Target(File);

impl AsRawFd for Target {
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_raw_fd()
    }
}

impl Target {
    pub fn open(path: &Path, cached: bool) -> Result<Self> {
        let direct = if cached {
            OFlags::empty()
        } else {
            OFlags::DIRECT
        };
        let flags = i32::try_from(direct.bits())?;
        let file = File::options()
            .read(true)
            .write(true)
            .custom_flags(flags)
            .open(path);
        file.map(Self)
            .with_context(|| format!("open {}", path.display()))
    }

    /// In bytes, of devices too.
    pub fn size(&self) -> Result<u64> {
        (&self.0).seek(SeekFrom::End(0)).context("ask for the size")
    }

    pub fn read(&self, buffer: &mut [u8], offset: u64) -> i32 {
        number(pread(&self.0, buffer, offset))
    }

    pub fn write(&self, buffer: &[u8], offset: u64) -> i32 {
        number(pwrite(&self.0, buffer, offset))
    }

    pub fn flush(&self) -> i32 {
        number(fsync(&self.0))
    }

    pub fn discard(&self, offset: u64, size: u64) -> i32 {
        #[expect(unsafe_code, reason = "rustix does not know this ioctl")]
        // SAFETY: BLKDISCARD reads two numbers of 64 bits, and writes to no memory of this process.
        number(unsafe { ioctl(&self.0, Setter::<DISCARD, [u64; 2]>::new([offset, size])) })
    }
}

/// A target in memory, without readahead.
pub struct Mapping {
    start: *const u8,
    bytes: usize,
}

impl Mapping {
    pub fn new(target: &Target, span: u64) -> Result<Self> {
        let bytes = usize::try_from(span)?;
        let (access, flags) = (ProtFlags::READ, MapFlags::SHARED);
        #[expect(unsafe_code, reason = "a mapping has no owner that the language knows")]
        // SAFETY: at a new place, which nothing else uses, until it is unmapped.
        let start = unsafe { mmap(null_mut(), bytes, access, flags, &target.0, 0)? };
        #[expect(unsafe_code, reason = "it takes the address of a mapping")]
        // SAFETY: the whole mapping, whose contents stay as they are.
        unsafe {
            madvise(start, bytes, Advice::Random)?;
        }
        let start = start.cast_const().cast();
        Ok(Self { start, bytes })
    }

    /// Reads a byte of each page.
    pub fn touch(&self, offset: u64, size: usize) {
        let pages = (offset as usize..).step_by(ALIGN);
        for at in pages.take_while(|at| *at < offset as usize + size && *at < self.bytes) {
            #[expect(unsafe_code, reason = "the language does not know what is mapped")]
            // SAFETY: within the mapping, which holds bytes of any value.
            let byte = unsafe { self.start.add(at).read_volatile() };
            std::hint::black_box(byte);
        }
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        #[expect(unsafe_code, reason = "a mapping has no owner that the language knows")]
        // SAFETY: nobody has an address in it any more. If it fails, the process keeps it until its end.
        let _ = unsafe { munmap(self.start.cast_mut().cast(), self.bytes) };
    }
}

/// 0 where all went well.
fn number<T>(result: Result<T, Errno>) -> i32 {
    result.map_or_else(Errno::raw_os_error, |_| 0)
}

/// Memory that direct I/O accepts: a part of a larger vector that begins at a round address.
pub struct Buffer {
    bytes: Vec<u8>,
    start: usize,
}

impl Buffer {
    pub fn new(size: usize) -> Self {
        let bytes = vec![0x5a; size + ALIGN];
        let start = bytes.as_ptr().align_offset(ALIGN);
        Self { bytes, start }
    }

    pub fn part(&mut self, size: usize) -> &mut [u8] {
        &mut self.bytes[self.start..][..size]
    }
}
