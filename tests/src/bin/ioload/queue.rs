//! Operations that are submitted and not waited for: with io_uring, or with libaio.

use std::os::fd::{AsRawFd, RawFd};

use anyhow::{Context, Result};
use clap::ValueEnum;
use io_uring::{IoUring, opcode, types};

/// How operations are asked for.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Engine {
    /// One system call each
    Calls,
    /// io_uring
    Uring,
    /// libaio
    Aio,
    /// A mapping, which is read only
    Map,
}

/// What a queue is asked for: on the bytes at an address, which stay in place until its end.
pub struct Asked {
    /// A number of the asker's.
    pub tag: u64,
    pub kind: Kind,
    pub offset: u64,
    pub at: *mut u8,
    pub len: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Read,
    Write,
    Flush,
}

/// An operation's tag, and the number of its error or 0.
pub type Ended = (u64, i32);

/// A queue on one file.
pub enum Queue {
    Uring(Box<IoUring>, RawFd),
    Aio(aio::Context, RawFd),
}

impl Queue {
    /// `None`: operations are calls.
    pub fn new(engine: Engine, depth: u32, file: &impl AsRawFd) -> Result<Option<Self>> {
        let fd = file.as_raw_fd();
        Ok(match engine {
            Engine::Calls | Engine::Map => None,
            Engine::Uring => {
                let ring = IoUring::new(depth.next_power_of_two()).context("make a ring")?;
                Some(Self::Uring(Box::new(ring), fd))
            }
            Engine::Aio => Some(Self::Aio(aio::Context::new(depth)?, fd)),
        })
    }

    pub fn submit(&mut self, asked: &Asked) -> Result<()> {
        match self {
            Self::Uring(ring, fd) => {
                let (fd, len) = (types::Fd(*fd), u32::try_from(asked.len)?);
                let entry = match asked.kind {
                    Kind::Read => opcode::Read::new(fd, asked.at, len)
                        .offset(asked.offset)
                        .build(),
                    Kind::Write => opcode::Write::new(fd, asked.at, len)
                        .offset(asked.offset)
                        .build(),
                    Kind::Flush => opcode::Fsync::new(fd).build(),
                };
                #[expect(unsafe_code, reason = "the ring does not know how long memory lives")]
                // SAFETY: the asker keeps the bytes in place until the operation has ended.
                unsafe {
                    ring.submission().push(&entry.user_data(asked.tag))?;
                }
                ring.submit()?;
                Ok(())
            }
            Self::Aio(context, fd) => context.submit(*fd, asked),
        }
    }

    /// Those that have ended, at least one.
    pub fn wait(&mut self) -> Result<Vec<Ended>> {
        match self {
            Self::Uring(ring, _) => {
                ring.submit_and_wait(1)?;
                let ended = ring.completion();
                Ok(ended
                    .map(|one| (one.user_data(), error(one.result().into())))
                    .collect())
            }
            Self::Aio(context, _) => context.wait(),
        }
    }
}

fn error(result: i64) -> i32 {
    i32::try_from(-result.min(0)).unwrap_or(i32::MAX)
}

/// libaio's system calls, which no library of this kind needs.
mod aio {
    use std::io::Error;
    use std::os::fd::RawFd;
    use std::ptr::null_mut;

    use anyhow::{Context as _, Result};
    use libc::{SYS_io_destroy, SYS_io_getevents, SYS_io_setup, SYS_io_submit, c_long, syscall};

    use super::{Asked, Ended, Kind, error};

    /// `struct iocb` of linux/aio_abi.h.
    #[repr(C)]
    #[derive(Default)]
    struct Block {
        data: u64,
        key: u32,
        rw_flags: i32,
        opcode: u16,
        priority: i16,
        fd: u32,
        at: u64,
        bytes: u64,
        offset: i64,
        reserved: u64,
        flags: u32,
        eventfd: u32,
    }

    /// `struct io_event`.
    #[repr(C)]
    #[derive(Clone, Copy, Default)]
    struct Event {
        data: u64,
        block: u64,
        result: i64,
        more: i64,
    }

    const EVENTS: usize = 64;

    pub struct Context(u64);

    fn checked(result: c_long, what: &'static str) -> Result<usize> {
        usize::try_from(result)
            .map_err(|_| Error::last_os_error())
            .context(what)
    }

    impl Context {
        pub fn new(depth: u32) -> Result<Self> {
            let mut context = 0u64;
            #[expect(unsafe_code, reason = "no library has this call")]
            // SAFETY: the kernel writes a number of 64 bits to where the pointer leads.
            let result = unsafe { syscall(SYS_io_setup, depth, &raw mut context) };
            checked(result, "set up libaio").map(|_| Self(context))
        }

        pub fn submit(&self, fd: RawFd, asked: &Asked) -> Result<()> {
            let block = Block {
                data: asked.tag,
                opcode: match asked.kind {
                    Kind::Read => 0,
                    Kind::Write => 1,
                    Kind::Flush => 2,
                },
                fd: u32::try_from(fd)?,
                at: asked.at as u64,
                bytes: asked.len as u64,
                offset: i64::try_from(asked.offset)?,
                ..Block::default()
            };
            let list = [&raw const block];
            #[expect(unsafe_code, reason = "no library has this call")]
            // SAFETY: the kernel copies the list and the block; the asker keeps the bytes that it names in place.
            let result = unsafe { syscall(SYS_io_submit, self.0, 1 as c_long, list.as_ptr()) };
            checked(result, "submit to libaio").map(|_| ())
        }

        pub fn wait(&self) -> Result<Vec<Ended>> {
            let mut events = [Event::default(); EVENTS];
            #[expect(unsafe_code, reason = "no library has this call")]
            // SAFETY: the kernel writes as many events as there is room for.
            let result = unsafe {
                syscall(
                    SYS_io_getevents,
                    self.0,
                    1 as c_long,
                    EVENTS as c_long,
                    events.as_mut_ptr(),
                    null_mut::<u8>(),
                )
            };
            let count = checked(result, "wait for libaio")?;
            let ended = events.iter().take(count);
            Ok(ended
                .map(|event| (event.data, error(event.result)))
                .collect())
        }
    }

    impl Drop for Context {
        fn drop(&mut self) {
            #[expect(unsafe_code, reason = "no library has this call")]
            // SAFETY: it waits until what is under way has ended, and uses no memory of this process.
            unsafe {
                syscall(SYS_io_destroy, self.0);
            }
        }
    }
}
