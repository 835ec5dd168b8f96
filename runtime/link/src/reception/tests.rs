//! Guests, strangers, and those who are turned away.

use std::path::Path;

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
    let asked = ["vm1", "vm2"].map(str::to_owned);
    Reception::open(&[address(folder)], asked, Token::default()).expect("a reception")
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
    for _ in 0..MOST_STRANGERS * 4 {
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
