//! A file that takes its time to be synced, for certain: a filesystem of one file, served by this process.

use std::fs::File;
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, SystemTime};

use fuser::consts::FOPEN_DIRECT_IO;
use fuser::{
    BackgroundSession, FUSE_ROOT_ID, FileAttr, FileType, Filesystem, MountOption, ReplyAttr,
    ReplyData, ReplyEmpty, ReplyOpen, ReplyWrite, Request, TimeOrNow, spawn_mount2,
};

/// For the kernel to remember what it was told of the file: as long as it lives.
const TTL: Duration = Duration::from_secs(3600);

/// The file, gone at the end.
pub struct SlowFile {
    _session: BackgroundSession,
}

impl SlowFile {
    /// One of this size, full of zeros; a sync takes this long.
    pub fn new(path: &Path, bytes: usize, sync: Duration) -> Self {
        File::create(path).unwrap();
        let served = Served {
            bytes: vec![0; bytes],
            sync,
        };
        let options = [MountOption::FSName("iotq-tests".into())];
        let session = spawn_mount2(served, path, &options);
        Self {
            _session: session.unwrap(),
        }
    }
}

struct Served {
    bytes: Vec<u8>,
    sync: Duration,
}

impl Served {
    fn attr(&self) -> FileAttr {
        let size = self.bytes.len() as u64;
        let never = SystemTime::UNIX_EPOCH;
        FileAttr {
            ino: FUSE_ROOT_ID,
            size,
            blocks: size.div_ceil(512),
            atime: never,
            mtime: never,
            ctime: never,
            crtime: never,
            kind: FileType::RegularFile,
            perm: 0o600,
            nlink: 1,
            uid: 0,
            gid: 0,
            rdev: 0,
            blksize: 4096,
            flags: 0,
        }
    }

    /// What lies there, as far as the file goes.
    fn part(&mut self, offset: i64, size: usize) -> &mut [u8] {
        let from = usize::try_from(offset).unwrap().min(self.bytes.len());
        let to = from.saturating_add(size).min(self.bytes.len());
        &mut self.bytes[from..to]
    }
}

impl Filesystem for Served {
    fn getattr(&mut self, _: &Request<'_>, _: u64, _: Option<u64>, reply: ReplyAttr) {
        reply.attr(&TTL, &self.attr());
    }

    /// Times are not kept.
    fn setattr(
        &mut self,
        _: &Request<'_>,
        _: u64,
        _: Option<u32>,
        _: Option<u32>,
        _: Option<u32>,
        _: Option<u64>,
        _: Option<TimeOrNow>,
        _: Option<TimeOrNow>,
        _: Option<SystemTime>,
        _: Option<u64>,
        _: Option<SystemTime>,
        _: Option<SystemTime>,
        _: Option<SystemTime>,
        _: Option<u32>,
        reply: ReplyAttr,
    ) {
        reply.attr(&TTL, &self.attr());
    }

    fn open(&mut self, _: &Request<'_>, _: u64, _: i32, reply: ReplyOpen) {
        reply.opened(0, FOPEN_DIRECT_IO);
    }

    fn read(
        &mut self,
        _: &Request<'_>,
        _: u64,
        _: u64,
        offset: i64,
        size: u32,
        _: i32,
        _: Option<u64>,
        reply: ReplyData,
    ) {
        reply.data(self.part(offset, size as usize));
    }

    fn write(
        &mut self,
        _: &Request<'_>,
        _: u64,
        _: u64,
        offset: i64,
        data: &[u8],
        _: u32,
        _: i32,
        _: Option<u64>,
        reply: ReplyWrite,
    ) {
        let part = self.part(offset, data.len());
        let written = part.len();
        part.copy_from_slice(&data[..written]);
        reply.written(u32::try_from(written).unwrap());
    }

    fn fsync(&mut self, _: &Request<'_>, _: u64, _: u64, _: bool, reply: ReplyEmpty) {
        sleep(self.sync);
        reply.ok();
    }
}
