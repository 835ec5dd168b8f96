//! The time of a root at its device, cut by what its requests were on the host.
//!
//! The guest knows only how long it was, over all of the root's requests. What its requests were at each moment is swept: at a
//! disk of the host, else queued for one, else at work in QEMU, else on the way there, else on the way back, else nobody knows.
//! Where its caller still ran while a request was at the device, the guest has counted that as the caller's; it is taken from
//! the beginning, where callers submit.

use std::mem::{offset_of, size_of};

use iotq_probes::abi::{
    IOTQ_STAGE_DEVICE, IOTQ_STAGE_QUEUE, iotq_block, iotq_call_root, iotq_qemu, iotq_qemu_root,
    iotq_syscall,
};
use zerocopy::FromBytes;

use super::Span;
use super::sweep::{Moment, State, States};
use crate::{Clock, RawRecord};

/// The parts of a time at a device. What is left of it nobody has seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Cut {
    /// Issued, and not yet popped.
    pub kick: u64,
    /// In QEMU, and not at or before a disk of the host.
    pub vmm: u64,
    /// Queued for a disk of the host,
    pub queue: u64,
    /// and at one.
    pub device: u64,
    /// Pushed, and not yet completed.
    pub inject: u64,
}

impl Cut {
    fn of(moments: &[Moment]) -> Self {
        let of = |state| {
            let own = moments.iter().filter(|it| it.state == state);
            own.map(Moment::time).sum()
        };
        Self {
            kick: of(State::Kick),
            vmm: of(State::Vmm),
            queue: of(State::Queue),
            device: of(State::Device),
            inject: of(State::Inject),
        }
    }

    fn sum(&self) -> u64 {
        self.kick + self.vmm + self.queue + self.device + self.inject
    }

    /// The same for whom the disks of the host are not of interest.
    pub fn without_disks(self) -> Self {
        Self {
            vmm: self.vmm + self.queue + self.device,
            queue: 0,
            device: 0,
            ..self
        }
    }
}

/// Where in a root's record the time at the device is.
const DEVICE: usize = offset_of!(iotq_call_root, trail.stages) + 8 * IOTQ_STAGE_DEVICE as usize;

/// A request's time at the device, and the host's records of it: its own, and those of what was done for it.
pub(crate) type Request<'a> = (Span, &'a [Vec<u8>]);

/// Cuts the time at the device of a root's record, which has the rest of it afterwards.
pub(crate) fn cut_root(root: &mut [u8], requests: &[Request<'_>]) -> Cut {
    let call = iotq_syscall::read_from_prefix(&*root);
    let call = call.map(|(call, _)| call).ok();
    let place = root.get_mut(DEVICE..DEVICE + size_of::<u64>());
    let (Some(call), Some(place)) = (call, place) else {
        return Cut::default();
    };
    let completed = call.head.at;
    let whole = Span {
        issued: completed.saturating_sub(call.lat),
        completed,
    };
    let mut bytes = [0; size_of::<u64>()];
    bytes.copy_from_slice(place);
    let device = u64::from_ne_bytes(bytes);
    let mut moments = sweep(whole, requests);
    let all: u64 = moments.iter().map(Moment::time).sum();
    shorten(&mut moments, all.saturating_sub(device));
    let cut = Cut::of(&moments);
    let rest = device.saturating_sub(cut.sum());
    place.copy_from_slice(&rest.to_ne_bytes());
    cut
}

/// The same of a request that is its own root.
pub(crate) fn cut_alone(request: Request<'_>) -> Cut {
    Cut::of(&sweep(request.0, &[request]))
}

/// The moments of some requests within a time.
fn sweep(whole: Span, requests: &[Request<'_>]) -> Vec<Moment> {
    let mut states = States::within(whole);
    for (span, seen) in requests {
        let own = seen
            .first()
            .and_then(|it| iotq_qemu::read_from_prefix(it).ok());
        let Some((own, _)) = own else {
            states.add(State::Unseen, span.issued, span.completed);
            continue;
        };
        let pushed = own.head.at;
        let popped = pushed.saturating_sub(own.lat);
        states.add(State::Kick, span.issued, popped);
        for it in in_qemu(popped, pushed, seen) {
            states.add(it.state, it.from, it.to);
        }
        states.add(State::Inject, pushed, span.completed);
    }
    states.moments()
}

/// The time of one request in QEMU, cut by what the host's disks did for it. How long that was its stages tell, exactly; when,
/// the requests to the disks, of which some may be missing.
fn in_qemu(popped: u64, pushed: u64, seen: &[Vec<u8>]) -> Vec<Moment> {
    let span = Span {
        issued: popped,
        completed: pushed,
    };
    let mut states = States::within(span);
    states.add(State::Vmm, popped, pushed);
    let own = seen
        .first()
        .and_then(|it| iotq_qemu_root::read_from_bytes(it).ok());
    let Some(own) = own else {
        return states.moments();
    };
    for (block, done) in seen.iter().skip(1).filter_map(|it| disk_request(it)) {
        let completed = block.head.at;
        // One that was never issued was at the device all the time.
        let time = |it: u64| (it != u64::MAX).then_some(it);
        let lat = time(block.lat).unwrap_or(0);
        let at_device = time(block.d2c).unwrap_or(lat);
        let issued = done.saturating_sub(at_device);
        states.add(State::Queue, completed.saturating_sub(lat), issued);
        states.add(State::Device, issued, done);
        states.add(State::Queue, done, completed);
    }
    let mut moments = states.moments();
    let stages = &own.trail.stages;
    fit(
        &mut moments,
        State::Device,
        stages[IOTQ_STAGE_DEVICE as usize],
    );
    fit(
        &mut moments,
        State::Queue,
        stages[IOTQ_STAGE_QUEUE as usize],
    );
    moments
}

/// A record of a request to a disk, and when it was done there.
fn disk_request(bytes: &[u8]) -> Option<(iotq_block, u64)> {
    let record = RawRecord::parse(bytes, Clock::default()).ok()?;
    Some((record.request()?, record.done()))
}

/// Lets a state be as long as it was: where a call ran besides, it is not the disk's time, which is so at its beginning; where
/// requests are not known, it is among the rest, the later the likelier.
fn fit(moments: &mut Vec<Moment>, state: State, time: u64) {
    let own = moments.iter().filter(|it| it.state == state);
    let is: u64 = own.map(Moment::time).sum();
    let mut fitted = Vec::with_capacity(moments.len() + 1);
    let mut more = is.saturating_sub(time);
    for it in moments.drain(..) {
        let by = if it.state == state {
            more.min(it.time())
        } else {
            0
        };
        more -= by;
        fitted.extend(parts(it.split(it.from + by, State::Vmm, it.state)));
    }
    let mut less = time.saturating_sub(is);
    for it in fitted.into_iter().rev() {
        let by = if it.state == State::Vmm {
            less.min(it.time())
        } else {
            0
        };
        less -= by;
        moments.extend(parts(it.split(it.to - by, it.state, state)).rev());
    }
    moments.reverse();
}

/// Those that take time.
fn parts(of: [Moment; 2]) -> impl DoubleEndedIterator<Item = Moment> {
    of.into_iter().filter(|it| it.time() > 0)
}

/// Takes so much from the beginning.
fn shorten(moments: &mut [Moment], mut by: u64) {
    for it in moments {
        let taken = by.min(it.time());
        it.from += taken;
        by -= taken;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Bytes;
    use zerocopy::{FromZeros, IntoBytes};

    fn root(at: u64, lat: u64, device: u64) -> Vec<u8> {
        let mut bytes = Bytes::syscall(1).number("time", at).number("lat", lat).0;
        bytes.resize(size_of::<iotq_call_root>(), 0);
        bytes[DEVICE..DEVICE + 8].copy_from_slice(&device.to_ne_bytes());
        bytes
    }

    fn rest(root: &[u8]) -> u64 {
        u64::from_ne_bytes(*root[DEVICE..].first_chunk().expect("a stage"))
    }

    fn seen(popped: u64, pushed: u64) -> Vec<Vec<u8>> {
        let mut seen = iotq_qemu::new_zeroed();
        (seen.head.at, seen.lat) = (pushed, pushed - popped);
        vec![seen.as_bytes().to_vec()]
    }

    /// With so much time before and at the disks, and the requests to them: queued, issued, completed.
    fn followed(
        popped: u64,
        pushed: u64,
        (queue, device): (u64, u64),
        disks: &[(u64, u64, u64)],
    ) -> Vec<Vec<u8>> {
        let mut seen = iotq_qemu_root::new_zeroed();
        (seen.request.head.at, seen.request.lat) = (pushed, pushed - popped);
        seen.trail.stages[IOTQ_STAGE_QUEUE as usize] = queue;
        seen.trail.stages[IOTQ_STAGE_DEVICE as usize] = device;
        let mut all = vec![seen.as_bytes().to_vec()];
        all.extend(disks.iter().map(|&(queued, issued, completed)| {
            let block = Bytes::block(1).number("time", completed);
            let block = block.number("lat", completed.wrapping_sub(queued));
            block.number("d2c", completed.wrapping_sub(issued)).0
        }));
        all
    }

    fn span(issued: u64, completed: u64) -> Span {
        Span { issued, completed }
    }

    fn cut(kick: u64, vmm: u64, inject: u64) -> Cut {
        Cut {
            kick,
            vmm,
            inject,
            ..Cut::default()
        }
    }

    #[test]
    fn the_parts_and_the_rest_are_what_there_was() {
        // The caller ran for 5 after it had issued the request.
        let mut root = root(1000, 900, 295);
        let host = seen(250, 480);
        let parts = cut_root(&mut root, &[(span(200, 500), &host)]);
        assert_eq!(parts, cut(45, 230, 20));
        assert_eq!(rest(&root), 0);
    }

    #[test]
    fn of_requests_at_once_each_moment_counts_once() {
        let mut root = root(1000, 1000, 500);
        let (one, two) = (seen(150, 300), seen(250, 420));
        let requests = [
            (span(100, 350), &one[..]),
            (span(200, 450), &two[..]),
            (span(500, 700), &[]),
        ];
        // Kick until 150, QEMU until 420, the way back until 450; of the last one nothing is known. 50 were the caller's.
        assert_eq!(cut_root(&mut root, &requests), cut(0, 270, 30));
        assert_eq!(rest(&root), 200);
    }

    #[test]
    fn what_goes_on_after_the_root_is_not_its() {
        let mut root = root(300, 200, 150);
        let host = seen(200, 900);
        let parts = cut_root(&mut root, &[(span(150, 1000), &host)]);
        assert_eq!(parts, cut(50, 100, 0));
        assert_eq!(rest(&root), 0);
    }

    #[test]
    fn more_time_than_is_known_of_is_left() {
        let mut root = root(1000, 900, 800);
        let host = seen(250, 480);
        let parts = cut_root(&mut root, &[(span(200, 500), &host)]);
        assert_eq!(parts.sum() + rest(&root), 800);
        assert_eq!(rest(&root), 500);
    }

    #[test]
    fn the_time_in_qemu_is_cut_by_its_disks() {
        // 10 of the 130 at the device a call still ran, which are QEMU's.
        let host = followed(100, 400, (20, 120), &[(150, 170, 300)]);
        let whole = cut_alone((span(50, 450), &host));
        let expected = Cut {
            queue: 20,
            device: 120,
            ..cut(50, 160, 50)
        };
        assert_eq!(whole, expected);
        assert_eq!(whole.without_disks(), cut(50, 300, 50));
        // The same of a call, whose own start was 30 of it.
        let mut root = root(1000, 950, 370);
        let parts = cut_root(&mut root, &[(span(50, 450), &host)]);
        assert_eq!(
            parts,
            Cut {
                kick: 20,
                ..expected
            }
        );
        assert_eq!(rest(&root), 0);
    }

    #[test]
    fn a_disk_of_any_request_counts_before_what_others_wait_for() {
        let one = followed(100, 300, (0, 100), &[(150, 150, 250)]);
        let two = followed(200, 500, (200, 50), &[(220, 420, 470)]);
        let mut root = root(1000, 1000, 400);
        let requests = [(span(100, 300), &one[..]), (span(200, 500), &two[..])];
        // At a disk from 150 to 250 and from 420 to 470; queued from 250 to 420.
        let expected = Cut {
            queue: 170,
            device: 150,
            ..cut(0, 80, 0)
        };
        assert_eq!(cut_root(&mut root, &requests), expected);
        assert_eq!(rest(&root), 0);
    }

    #[test]
    fn stages_count_where_requests_are_not_known() {
        for disks in [&[][..], &[(0, 0, 9_000)], &[(150, u64::MAX, 200)]] {
            let host = followed(100, 400, (20, 120), disks);
            let expected = Cut {
                queue: 20,
                device: 120,
                ..cut(50, 160, 50)
            };
            assert_eq!(cut_alone((span(50, 450), &host)), expected);
        }
    }

    #[test]
    fn stages_longer_than_the_request_do_no_harm() {
        let host = followed(100, 400, (u64::MAX, u64::MAX), &[(150, 170, 300)]);
        let parts = cut_alone((span(50, 450), &host));
        assert_eq!(parts.sum(), 400);
        assert_eq!((parts.device, parts.vmm), (280, 0));
    }
}
