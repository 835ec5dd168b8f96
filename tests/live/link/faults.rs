//! Sides that are killed, and strangers.

use std::io::Write;
use std::os::unix::net::UnixStream;

use iotq_tests::link::{Place, Side};
use rustix::process::Signal;

use super::{Load, READS, close_to, impostor};

/// A host that asks two guests, of which one is there, and the secret of both.
pub struct House {
    pub(super) host: Side,
    _agent: Side,
    pub(super) load: Load,
    pub(super) secret: String,
    pub(super) place: Place,
}

impl House {
    pub fn open() -> Self {
        let (place, load) = (Place::default(), Load::new());
        let secret = place.token("a secret of the house");
        let _agent = place.agent("vm1", &["--token", &secret]);
        let query = load.query();
        let host = place.host(
            "vm1,vm2",
            &[
                "--ring",
                "16M",
                "--token",
                &secret,
                "--listen",
                &place.other_address(),
                "-e",
                &query,
            ],
        );
        host.wait_for("vm1 is ready", 1);
        Self {
            host,
            _agent,
            load,
            secret,
            place,
        }
    }
}

/// Whoever talks nonsense, or does not know the token, changes nothing for a guest.
pub fn hostile() {
    let House {
        host,
        _agent,
        load,
        secret,
        place,
    } = House::open();
    let nobody = place.agent("vm2", &[]);
    let wrong = place.agent("vm2", &["--token", &place.token("another secret, wrong")]);
    let stranger = place.agent("vm3", &["--token", &secret]);
    let mut idle: Vec<UnixStream> = Vec::new();
    for bytes in garbage() {
        for _ in 0..20 {
            // Strangers who are too many are turned away, which they may notice while they talk.
            let mut stream = UnixStream::connect(place.socket()).unwrap();
            let _ = stream.write_all(&bytes);
            idle.push(stream);
        }
    }
    load.run();
    nobody.wait_for("the token is not the host's", 1);
    wrong.wait_for("the token is not the host's", 1);
    stranger.wait_for("the host does not ask this guest", 1);
    host.wait_for("somebody was turned away: the token is not the host's", 1);
    let output = host.interrupted();
    close_to(output.rows.len() as u64, &output);
    assert!(!output.stderr.contains("vm2 is ready"), "{}", output.stderr);
    assert!(!output.stderr.contains("is gone"), "{}", output.stderr);
}

/// A guest that is none of the house's own, though it knows the secret.
pub fn impostor() {
    let House {
        host,
        _agent,
        load,
        secret,
        place,
    } = House::open();
    impostor::misbehave(&place, &secret, &host);
    load.run();
    let output = host.interrupted();
    close_to(output.rows.len() as u64, &output);
    assert!(!output.stderr.contains('\x1b'), "{}", output.stderr);
    assert!(!output.stderr.contains("vm1 is gone"), "{}", output.stderr);
}

/// What strangers say.
fn garbage() -> Vec<Vec<u8>> {
    let begin = b"iotqlnk\x01".to_vec();
    let frame = |length: u32| [&begin[..], &length.to_le_bytes(), &[0; 4]].concat();
    vec![
        Vec::new(),
        b"GET / HTTP/1.1\r\n\r\n".to_vec(),
        b"CONNECT 4687\n".to_vec(),
        vec![0xff; 100_000],
        b"iotqlnk\x02".to_vec(),
        frame(u32::MAX),
        // As long as it may be, and never there.
        frame(4096),
        [frame(4), vec![0xff; 4]].concat(),
    ]
}

/// An agent that is killed is missed, and welcome when it is back.
pub fn agent_killed() {
    let (place, load) = (Place::default(), Load::new());
    let agent = place.agent("vm1", &[]);
    let query = load.query();
    let host = place.host("vm1", &["--ring", "16M", "-e", &query]);
    host.wait_for("vm1 is ready", 1);
    load.run();
    host.wait_until("the rows", || {
        host.written().lines().count() >= READS as usize * 9 / 10
    });
    agent.kill();
    assert!(!agent.wait().status.success());
    host.wait_for("vm1 is gone", 1);
    let before = host.written().lines().count() as u64;
    let _again = place.agent("vm1", &[]);
    host.wait_for("vm1 is ready", 2);
    load.run();
    let output = host.interrupted();
    close_to(output.rows.len() as u64 - before, &output);
    assert!(
        output.stderr.contains("what it had not sent is missing"),
        "{}",
        output.stderr
    );
}

/// An agent whose host is killed detaches, and serves the next one.
pub fn host_killed() {
    let (place, load) = (Place::default(), Load::new());
    let agent = place.agent("vm1", &[]);
    let query = load.query();
    let host = place.host("vm1", &["-e", &query]);
    host.wait_for("vm1 is ready", 1);
    assert!(agent.holds_programs());
    host.kill();
    assert!(!host.wait().status.success());
    agent.wait_for("the host is gone", 1);
    agent.wait_until("detached", || !agent.holds_programs());
    // The socket that the killed one has left is in nobody's way.
    let host = place.host("vm1", &["--ring", "16M", "-e", &query]);
    host.wait_for("vm1 is ready", 1);
    load.run();
    let output = host.interrupted();
    close_to(output.rows.len() as u64, &output);
    agent.signal(Signal::TERM);
    assert_eq!(agent.wait().code(), 0);
}
