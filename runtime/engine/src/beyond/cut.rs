//! The time of a root at its device, cut by what its requests were on the host.
//!
//! The guest knows only how long it was, over all of the root's requests. What its requests were at each moment is swept: at
//! work in QEMU, else on the way there, else on the way back, else nobody knows. Where its caller still ran while a request was
//! at the device, the guest has counted that as the caller's; it is taken from the beginning, where callers submit.

use std::mem::{offset_of, size_of};

use iotq_probes::abi::{IOTQ_STAGE_DEVICE, iotq_call_root, iotq_qemu, iotq_syscall};
use zerocopy::FromBytes;

use super::Span;

/// The parts of a time at a device. What is left of it nobody has seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Cut {
    /// Issued, and not yet popped.
    pub kick: u64,
    /// In QEMU.
    pub vmm: u64,
    /// Pushed, and not yet completed.
    pub inject: u64,
}

/// What a request is at a moment, the strongest first.
const VMM: usize = 0;
const KICK: usize = 1;
const INJECT: usize = 2;
const UNSEEN: usize = 3;
const STATES: usize = 4;

/// Where in a root's record the time at the device is.
const DEVICE: usize = offset_of!(iotq_call_root, trail.stages) + 8 * IOTQ_STAGE_DEVICE as usize;

/// A request's time at the device, and the host's record of it.
pub(crate) type Request<'a> = (Span, Option<&'a [u8]>);

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
    let mut segments = sweep(whole, requests);
    let all: u64 = segments.iter().map(|(_, time)| time).sum();
    shorten(&mut segments, all.saturating_sub(device));
    let cut = total(&segments);
    let rest = device.saturating_sub(cut.kick + cut.vmm + cut.inject);
    place.copy_from_slice(&rest.to_ne_bytes());
    cut
}

/// The same of a request that is its own root.
pub(crate) fn cut_alone(request: Request<'_>) -> Cut {
    total(&sweep(request.0, &[request]))
}

/// The moments of some requests within a time: what they are, and for how long.
fn sweep(whole: Span, requests: &[Request<'_>]) -> Vec<(usize, u64)> {
    let mut changes: Vec<(u64, usize, i32)> = Vec::with_capacity(8 * requests.len());
    let mut add = |state: usize, from: u64, to: u64| {
        let from = from.clamp(whole.issued, whole.completed);
        let to = to.clamp(from, whole.completed);
        if from < to {
            changes.extend([(from, state, 1), (to, state, -1)]);
        }
    };
    for (span, seen) in requests {
        let seen = seen.and_then(|bytes| iotq_qemu::read_from_bytes(bytes).ok());
        let Some(seen) = seen else {
            add(UNSEEN, span.issued, span.completed);
            continue;
        };
        let pushed = seen.head.at;
        let popped = pushed.saturating_sub(seen.lat);
        add(KICK, span.issued, popped);
        add(VMM, popped, pushed);
        add(INJECT, pushed, span.completed);
    }
    changes.sort_unstable_by_key(|(at, ..)| *at);
    let mut segments = Vec::new();
    let mut counts = [0i32; STATES];
    let mut since = 0;
    for (at, state, change) in changes {
        let is = counts.iter().position(|count| *count > 0);
        if let Some(is) = is.filter(|_| at > since) {
            segments.push((is, at - since));
        }
        since = at;
        counts[state] += change;
    }
    segments
}

/// Takes so much from the beginning.
fn shorten(segments: &mut [(usize, u64)], mut by: u64) {
    for (_, time) in segments {
        let taken = by.min(*time);
        *time -= taken;
        by -= taken;
    }
}

fn total(segments: &[(usize, u64)]) -> Cut {
    let of = |state| {
        let own = segments.iter().filter(|(own, _)| *own == state);
        own.map(|(_, time)| time).sum()
    };
    Cut {
        kick: of(KICK),
        vmm: of(VMM),
        inject: of(INJECT),
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

    fn seen(popped: u64, pushed: u64) -> Vec<u8> {
        let mut seen = iotq_qemu::new_zeroed();
        (seen.head.at, seen.lat) = (pushed, pushed - popped);
        seen.as_bytes().to_vec()
    }

    fn span(issued: u64, completed: u64) -> Span {
        Span { issued, completed }
    }

    #[test]
    fn the_parts_and_the_rest_are_what_there_was() {
        // The caller ran for 5 after it had issued the request.
        let mut root = root(1000, 900, 295);
        let host = seen(250, 480);
        let cut = cut_root(&mut root, &[(span(200, 500), Some(&host))]);
        let (kick, vmm, inject) = (45, 230, 20);
        assert_eq!(cut, Cut { kick, vmm, inject });
        assert_eq!(rest(&root), 0);
    }

    #[test]
    fn of_requests_at_once_each_moment_counts_once() {
        let mut root = root(1000, 1000, 500);
        let (one, two) = (seen(150, 300), seen(250, 420));
        let requests = [
            (span(100, 350), Some(&one[..])),
            (span(200, 450), Some(&two[..])),
            (span(500, 700), None),
        ];
        let cut = cut_root(&mut root, &requests);
        // Kick until 150, QEMU until 420, the way back until 450; of the last one nothing is known. 50 were the caller's.
        let (kick, vmm, inject) = (0, 270, 30);
        assert_eq!(cut, Cut { kick, vmm, inject });
        assert_eq!(rest(&root), 200);
    }

    #[test]
    fn what_goes_on_after_the_root_is_not_its() {
        let mut root = root(300, 200, 150);
        let host = seen(200, 900);
        let cut = cut_root(&mut root, &[(span(150, 1000), Some(&host))]);
        let (kick, vmm, inject) = (50, 100, 0);
        assert_eq!(cut, Cut { kick, vmm, inject });
        assert_eq!(rest(&root), 0);
    }

    #[test]
    fn more_time_than_is_known_of_is_left() {
        let mut root = root(1000, 900, 800);
        let host = seen(250, 480);
        let cut = cut_root(&mut root, &[(span(200, 500), Some(&host))]);
        assert_eq!(cut.kick + cut.vmm + cut.inject + rest(&root), 800);
        assert_eq!(rest(&root), 500);
    }
}
