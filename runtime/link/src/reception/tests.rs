//! Guests, strangers, and those who are turned away.

use std::path::{Path, PathBuf};

use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::UnixListener;

use super::*;
use crate::handshake::{Introduction, greet};
use crate::transport::connect;

fn address(folder: &Path) -> Address {
    let path = folder.join("vm.vsock");
    format!("unix:{}", path.display())
        .parse()
        .expect("an address")
}

fn open(folder: &Path) -> Reception {
    let asked = ["vm1", "vm2"].map(|name| Invited::Name(name.into()));
    Reception::open(&[address(folder)], &[], asked, Token::default()).expect("a reception")
}

async fn come(folder: &Path, name: &str) -> Result<Wire<Connection, ToGuest>, HandshakeError> {
    let mut wire = Wire::new(connect(&address(folder)).await?);
    let who = Introduction::of_machine(Some(name))?;
    greet(&mut wire, &who, &Token::default()).await?;
    Ok(wire)
}

async fn arrived(reception: &mut Reception) -> Arrival {
    loop {
        if let Visit::Arrived(arrival) = reception.next().await {
            return *arrival;
        }
    }
}

#[tokio::test]
async fn each_guest_is_there_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let mut reception = open(folder);
    let _one = come(folder, "vm1").await.expect("welcome");
    let first = arrived(&mut reception).await;
    assert_eq!(first.hello.name, "vm1");
    let twice = come(folder, "vm1").await.err().expect("turned away");
    assert!(matches!(twice, HandshakeError::Turned(Turned::Twice)));
    let other = come(folder, "vm9").await.err().expect("turned away");
    assert!(matches!(other, HandshakeError::Turned(Turned::NotAsked)));
    let _two = come(folder, "vm2").await.expect("welcome");
    assert_eq!(arrived(&mut reception).await.hello.name, "vm2");
    drop(first);
    let _again = come(folder, "vm1").await.expect("welcome");
    assert_eq!(arrived(&mut reception).await.hello.name, "vm1");
}

#[tokio::test]
async fn strangers_are_few_and_keep_nobody_out_for_long() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let mut reception = open(folder);
    let mut idle = Vec::new();
    for _ in 0..crate::strangers::EACH * 4 {
        idle.push(connect(&address(folder)).await.expect("connected"));
    }
    // There is no room while they are there, and there is when they are gone.
    assert!(come(folder, "vm1").await.is_err());
    drop(idle);
    while come(folder, "vm1").await.is_err() {
        tokio::task::yield_now().await;
    }
    assert_eq!(arrived(&mut reception).await.hello.name, "vm1");
}

/// A monitor that puts calls through to the port of its guest.
async fn monitor(folder: PathBuf) {
    let socket = UnixListener::bind(folder.join("vm.vsock")).expect("a socket");
    loop {
        let (mut host, _) = socket.accept().await.expect("a call");
        let mut asked = [0; 13];
        host.read_exact(&mut asked).await.expect("a request");
        if let Ok(mut guest) = connect(&address(&folder)).await {
            tokio::spawn(async move {
                host.write_all(b"OK 1\n").await?;
                copy_bidirectional(&mut host, &mut guest).await
            });
        }
    }
}

#[tokio::test]
async fn a_guest_that_listens_is_called_and_again_when_it_is_gone() {
    let folder = tempfile::tempdir().expect("a folder");
    let monitor = tokio::spawn(monitor(folder.path().to_owned()));
    let address = address(folder.path());
    let asked = [Invited::Name("vm1".into())];
    let calls = [address.clone()];
    let mut reception = Reception::open(&[], &calls, asked, Token::default()).expect("a reception");
    let door = Listener::open(&address).expect("a door");
    for _ in 0..2 {
        let who = Introduction::of_machine(Some("vm1")).expect("a name");
        let serve = async {
            let (connection, _) = door.accept().await.expect("a host");
            let mut wire: Wire<_, ToGuest> = Wire::new(connection);
            greet(&mut wire, &who, &Token::default())
                .await
                .expect("welcome");
            wire
        };
        let (_wire, arrival) = tokio::join!(serve, arrived(&mut reception));
        assert_eq!(arrival.hello.name, "vm1");
    }
    monitor.abort();
}

#[test]
fn a_machine_is_there_once_whatever_it_calls_itself() {
    let (visits, _) = mpsc::channel(1);
    let house = House {
        token: Token::default(),
        asked: [Invited::Cid(3), Invited::Name("vm1".into())].into(),
        present: Arc::default(),
        strangers: Arc::default(),
        visits,
    };
    let hello = |name: &str| Hello {
        fingerprint: crate::fingerprint::own(),
        name: name.into(),
        kernel: String::new(),
        monotonic_ns: 0,
        boot_ns: 0,
        nonce: [0; 32],
    };
    let admit = |name, cid| house.admit(&hello(name), cid).map(|(presence, _)| presence);
    let third = admit("vm3", Some(3)).expect("asked");
    assert_eq!(admit("other", Some(3)).err(), Some(Turned::Twice));
    assert_eq!(admit("vm3", None).err(), Some(Turned::NotAsked));
    assert_eq!(admit("vm4", Some(4)).err(), Some(Turned::NotAsked));
    let first = admit("vm1", Some(4)).expect("asked");
    assert_eq!(admit("vm1", Some(5)).err(), Some(Turned::Twice));
    drop((first, third));
    assert!(admit("vm1", Some(3)).is_ok());
}
