//! Greetings over streams in memory.

use super::*;
use crate::codec::Encoder;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

fn introduction(name: &str) -> Introduction {
    Introduction {
        name: name.into(),
        kernel: "6.1".into(),
    }
}

fn token(text: &str) -> Token {
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), text).expect("written");
    Token::read(file.path()).expect("a token")
}

/// What a guest and a host with these tokens come to.
async fn meet(
    guest: &Token,
    host: &Token,
    admit: impl FnOnce(&Hello) -> Result<(), Turned>,
) -> (
    Result<(), HandshakeError>,
    Result<(Hello, (), Offset), HandshakeError>,
) {
    let (ours, theirs) = duplex(1 << 16);
    let (mut ours, mut theirs) = (Wire::new(ours), Wire::new(theirs));
    let who = introduction("vm1");
    tokio::join!(
        greet(&mut ours, &who, guest),
        receive(&mut theirs, host, admit)
    )
}

#[tokio::test(start_paused = true)]
async fn two_that_know_the_token_meet() {
    for secret in [Token::default(), token("0123456789abcdef")] {
        let (guest, host) = meet(&secret, &secret, |_| Ok(())).await;
        guest.expect("welcome");
        let (hello, (), offset) = host.expect("received");
        assert_eq!((hello.name.as_str(), hello.kernel.as_str()), ("vm1", "6.1"));
        // Both read the same clock.
        assert!(offset.ns.unsigned_abs() <= offset.uncertainty_ns);
    }
}

#[tokio::test(start_paused = true)]
async fn without_the_token_there_is_no_session() {
    let secret = token("0123456789abcdef");
    for other in [Token::default(), token("0123456789abcdeg")] {
        let never = |_: &Hello| panic!("it is nobody yet");
        let (guest, host) = meet(&other, &secret, never).await;
        assert!(matches!(guest, Err(HandshakeError::Turned(Turned::Token))));
        assert!(matches!(host, Err(HandshakeError::Turned(Turned::Token))));
    }
}

#[tokio::test(start_paused = true)]
async fn a_host_without_the_token_gets_no_guest() {
    let (ours, theirs) = duplex(1 << 16);
    let (mut ours, mut theirs) = (
        Wire::<_, ToGuest>::new(ours),
        Wire::<_, ToHost>::new(theirs),
    );
    let impostor = async {
        theirs.reader.next().await.expect("a hello");
        let challenge = ToGuest::Challenge([0; 32]);
        theirs.writer.send(&challenge).await.expect("sent");
        theirs.reader.next().await.expect("a proof");
        let welcome = ToGuest::Welcome([0; 32]);
        theirs.writer.send(&welcome).await.expect("sent");
    };
    let who = introduction("vm1");
    let secret = token("0123456789abcdef");
    let (guest, ()) = tokio::join!(greet(&mut ours, &who, &secret), impostor);
    assert!(matches!(guest, Err(HandshakeError::Host)));
}

#[tokio::test(start_paused = true)]
async fn whoever_is_not_admitted_is_told_why() {
    let all = Token::default();
    for why in [Turned::NotAsked, Turned::Twice] {
        let (guest, host) = meet(&all, &all, |_| Err(why)).await;
        assert!(matches!(guest, Err(HandshakeError::Turned(it)) if it == why));
        assert!(matches!(host, Err(HandshakeError::Turned(it)) if it == why));
    }
}

/// What comes of a peer that sends these bytes and then waits.
async fn hostile(bytes: &[u8]) -> (HandshakeError, Vec<u8>) {
    let (mut peer, theirs): (DuplexStream, _) = duplex(1 << 16);
    let mut theirs = Wire::new(theirs);
    peer.write_all(bytes).await.expect("written");
    let all = Token::default();
    let received = receive(&mut theirs, &all, |_| Ok(())).await;
    drop(theirs);
    let mut answer = Vec::new();
    peer.read_to_end(&mut answer).await.expect("read");
    (received.expect_err("no session"), answer)
}

#[tokio::test(start_paused = true)]
async fn hostile_peers_are_turned_away_in_time() {
    let late = |error: &HandshakeError| matches!(error, HandshakeError::Late);
    assert!(late(&hostile(b"").await.0));
    // A length that is allowed, and nothing behind it.
    let mut endless = Encoder::preamble().to_vec();
    endless.extend_from_slice(&[0, 1, 0, 0, 0, 0, 0, 0]);
    assert!(late(&hostile(&endless).await.0));
    let foreign = hostile(b"GET / HTTP/1.1\r\n\r\n").await.0;
    assert!(matches!(foreign, HandshakeError::Wire(WireError::Codec(_))));
    let mut bytes = Encoder::preamble().to_vec();
    let rude = ToHost::Records(vec![0; 100].into());
    Encoder::default()
        .encode(&rude, &mut bytes)
        .expect("a message");
    let (rude, answer) = hostile(&bytes).await;
    assert!(matches!(rude, HandshakeError::Turned(Turned::Manners)));
    assert!(!answer.is_empty());
}

#[test]
fn a_machine_has_a_name() {
    assert!(Introduction::of_machine(Some("vm-1.example")).is_ok());
    for name in ["", "a b", "ü", &"x".repeat(65)] {
        assert!(Introduction::of_machine(Some(name)).is_err(), "{name}");
    }
}
