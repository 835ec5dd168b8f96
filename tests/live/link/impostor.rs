//! A guest that knows the token and means no good: it loses its session, and changes nothing for the others.

use std::path::Path;

use iotq_link::handshake::greet;
use iotq_link::message::{Books, Group, Groups, Named, Ready, What};
use iotq_link::transport::{Connection, connect};
use iotq_link::wire::{Wire, WireError};
use iotq_link::{Address, Introduction, ToGuest, ToHost, Token};
use iotq_tests::link::{Place, Side};

use super::crowd::resident;

type Guest = Wire<Connection, ToGuest>;

/// What the host says of the one that it gives up.
const RUDE: &str = "vm2 is gone: it said what was not to be said now";

/// Tries everything on a host that asks the guest `vm2`.
pub fn misbehave(place: &Place, token: &str, host: &Side) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let address: Address = place.address().parse().unwrap();
    let token = Token::read(Path::new(token)).unwrap();
    let all = lies();
    let more = all.len() + 1;
    for (given_up, lies) in (1..).zip(all) {
        runtime.block_on(async {
            let mut guest = arrive(&address, &token).await;
            say(&mut guest, lies).await;
        });
        host.wait_for(RUDE, given_up);
    }
    // The host ends it at whatever it notices first, which may be before the last of it.
    let _ = runtime.block_on(flood(&address, &token));
    host.wait_for("vm2 is gone", more);
    let most = resident(host);
    assert!(most < 100 << 10, "{most} KiB");
}

async fn arrive(address: &Address, token: &Token) -> Guest {
    let who = Introduction::of_machine(Some("vm2")).unwrap();
    loop {
        let mut wire = Wire::new(connect(address).await.unwrap());
        // The one before may still be there.
        if greet(&mut wire, &who, token).await.is_ok() {
            // Beats may come before.
            while !matches!(wire.reader.next().await.unwrap(), ToGuest::Plan(_)) {}
            return wire;
        }
    }
}

/// Says all of it, and waits until the host has enough of it.
async fn say(guest: &mut Guest, lies: Vec<ToHost>) {
    for lie in lies {
        if guest.writer.send(&lie).await.is_err() {
            return;
        }
    }
    while !matches!(
        guest.reader.next().await,
        Err(WireError::Ended | WireError::Io(_))
    ) {}
}

fn ready() -> ToHost {
    ToHost::Ready(Ready {
        // The query has one name.
        meanings: vec![iotq_link::message::Meaning::Cgroup(1)],
        missing: vec!["\x1b[2J nothing is missing".into()],
    })
}

/// What is not to be said, each time.
fn lies() -> Vec<Vec<ToHost>> {
    let records = || ToHost::Records(vec![0; 64 << 10].into());
    let groups = |stream, rows| {
        ToHost::Groups(Groups {
            report: Some(0),
            groups: vec![Group {
                stream,
                record: vec![0xff; 500].into(),
                rows,
                states: Vec::new(),
            }],
            last: true,
        })
    };
    vec![
        vec![ToHost::Ready(Ready::default())],
        vec![ready(), ready()],
        vec![records()],
        vec![ready(), groups(0, u64::MAX)],
        vec![ready(), groups(200, 1)],
        vec![ready(), ToHost::Proof([0; 32])],
        vec![ToHost::Ended(Books::default())],
    ]
}

/// Names without end, records that are none, more of them than there is credit for, and counts that cannot be: all of that
/// costs nobody else anything. Fails when the host ends it before all is said.
async fn flood(address: &Address, token: &Token) -> Result<(), WireError> {
    let mut guest = arrive(address, token).await;
    guest.writer.send(&ready()).await?;
    for number in 0..2000u64 {
        let named = |more| Named {
            what: What::Cgroup(number * 100 + more),
            name: "x".repeat(1000),
        };
        let names = ToHost::Names((0..100).map(named).collect());
        guest.writer.send(&names).await?;
    }
    let mut noise = Vec::new();
    for byte in 0..=255u8 {
        noise.extend_from_slice(&100u16.to_le_bytes());
        noise.extend_from_slice(&[byte; 100]);
    }
    for _ in 0..200 {
        let noise = ToHost::Records(noise.clone().into());
        guest.writer.send(&noise).await?;
    }
    let books = Books {
        seen: u64::MAX,
        lost: u64::MAX,
        ..Books::default()
    };
    guest.writer.send(&ToHost::Books(books)).await
}
