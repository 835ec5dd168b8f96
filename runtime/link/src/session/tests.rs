//! Sessions over streams in memory, in time that passes by itself.

use super::*;
use tokio::io::duplex;
use tokio::time::{Instant, sleep};

type Guest = Session<ToGuest, ToHost>;
type Host = Session<ToHost, ToGuest>;

fn pair() -> (Guest, Host) {
    let (guest, host) = duplex(1 << 16);
    (
        Session::start(Wire::new(guest)),
        Session::start(Wire::new(host)),
    )
}

#[tokio::test(start_paused = true)]
async fn messages_come_in_their_order() {
    let (guest, mut host) = pair();
    for number in 0..100 {
        let (sent, came) = tokio::join!(guest.send(ToHost::Answer(number)), host.next());
        sent.expect("sent");
        assert_eq!(came.expect("a message"), ToHost::Answer(number));
    }
}

#[tokio::test(start_paused = true)]
async fn beats_keep_a_quiet_session_alive() {
    let (guest, mut host) = pair();
    sleep(SILENCE * 10).await;
    guest.send(ToHost::Answer(1)).await.expect("sent");
    assert_eq!(host.next().await.expect("a message"), ToHost::Answer(1));
}

#[tokio::test(start_paused = true)]
async fn a_silent_peer_is_gone() {
    let (peer, host) = duplex(1 << 16);
    let mut host: Host = Session::start(Wire::new(host));
    let begin = Instant::now();
    assert!(matches!(host.next().await, Err(WireError::Silent(_))));
    assert!(begin.elapsed() >= SILENCE && begin.elapsed() < SILENCE * 2);
    assert!(matches!(host.next().await, Err(WireError::Ended)));
    drop(peer);
}

#[tokio::test(start_paused = true)]
async fn the_end_of_one_side_is_told_to_the_other() {
    let (guest, mut host) = pair();
    guest.send(ToHost::Answer(1)).await.expect("sent");
    assert!(host.next().await.is_ok());
    drop(guest);
    assert!(matches!(host.next().await, Err(WireError::Ended)));
    // Whoever goes on sending notices, too.
    while host.send(ToGuest::Stop).await.is_ok() {
        sleep(BEAT).await;
    }
}

/// A peer that takes nothing fills a bounded queue, and loses its session.
#[tokio::test(start_paused = true)]
async fn a_peer_that_takes_nothing_is_not_waited_for() {
    let (peer, host) = duplex(100);
    let host: Host = Session::start(Wire::new(host));
    let mut sent = 0;
    while host.send_now(ToGuest::Credit(1)).is_ok() {
        sent += 1;
        assert!(sent <= QUEUE, "an unbounded queue");
    }
    drop(peer);
}

/// Whoever floods waits until its messages are taken.
#[tokio::test(start_paused = true)]
async fn a_flood_is_not_kept() {
    let (guest, host) = pair();
    let message = || ToHost::Records(vec![0; 1000].into());
    let mut sent = 0;
    while timeout(BEAT / 2, guest.send(message())).await.is_ok() {
        sent += 1;
        assert!(sent < 200, "an unbounded queue");
    }
    drop(host);
}

/// A host whose output takes nothing for long, and then goes on.
#[tokio::test(start_paused = true)]
async fn a_peer_that_is_slow_to_take_is_not_gone() {
    let (guest, mut host) = pair();
    let message = |number| ToHost::Records(vec![number; 2_000].into());
    let sender = tokio::spawn(async move {
        for number in 0..200 {
            guest.send(message(number)).await.expect("sent");
        }
        guest
    });
    sleep(SILENCE * 10).await;
    assert!(!sender.is_finished(), "an unbounded queue");
    for number in 0..200 {
        assert_eq!(host.next().await.expect("a message"), message(number));
    }
    let guest = sender.await.expect("all is sent");
    host.send(ToGuest::Stop).await.expect("sent");
    drop(guest);
}

#[tokio::test(start_paused = true)]
async fn whoever_waits_for_room_learns_of_the_end() {
    let (peer, guest) = duplex(100);
    let guest: Guest = Session::start(Wire::new(guest));
    let begin = Instant::now();
    while guest.send(ToHost::Answer(1)).await.is_ok() {}
    assert!(begin.elapsed() >= SILENCE && begin.elapsed() < SILENCE * 2);
    drop(peer);
}
