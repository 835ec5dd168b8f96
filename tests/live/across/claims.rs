//! A guest that claims another one's requests, record for record and with its clock: it is not told what this host did for them.

use std::path::Path;

use iotq_link::handshake::greet;
use iotq_link::message::Books;
use iotq_link::transport::{Connection, Listener, connect};
use iotq_link::wire::Wire;
use iotq_link::{Address, Introduction, ToGuest, ToHost, Token, clock};
use iotq_tests::lab::boot::QEMU;
use iotq_tests::lab::guest::{Idle, RAW};
use iotq_tests::lab::vsock::Vsock;
use iotq_tests::link::Place;
use iotq_tests::{Output, Row};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::time::timeout;

use super::{PATIENCE, end, script};

const CLAIMS: &str = "claims";
const QUERY: &str =
    "join guest.virtio, host.qemu emit guest.virtio.sector as sector, guest.virtio.size as size,
                          host.qemu.offset as offset, host.qemu.lat as vmm";
const REQUESTS: usize = 300;
const LOAD: &str = "ioload --ops 300 --read 1 --write 1 /dev/vda\n";
/// What waits between the two halves of the one who claims.
const ROOM: usize = 1 << 20;

/// Both guests have a QEMU here. What the first one tells, the second one tells again, as its own.
pub fn of_another() {
    let place = Place::default();
    let _idle = Idle::of(Path::new(QEMU), &["-name", CLAIMS]);
    let vsock = Vsock::start().unwrap();
    let name = RAW.title();
    let guests = format!("{name},{CLAIMS}");
    let host = place.host(&guests, &["--ring", "16M", "-e", QUERY]);
    host.wait_for("waiting for", 1);
    let (near, far) = (vsock.address(), place.address());
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let runtime = tokio::runtime::Builder::new_current_thread();
            let runtime = { runtime }.enable_all().build().unwrap();
            let (near, far) = (near.parse().unwrap(), far.parse().unwrap());
            // A guest that does not come must not be waited for for ever.
            let all = async { timeout(PATIENCE, between(&near, &far)).await };
            runtime.block_on(all).unwrap();
        });
        scope.spawn(|| end(&host, || host.wait_for(&format!("{CLAIMS} is ready"), 1)));
        RAW.run_with(RAW.reaching(&vsock, &[]), &script(&name, LOAD));
    });
    let ended = host.wait();
    assert_eq!(ended.code(), 0, "{}", ended.stderr);
    let output = Output::parse(&ended);
    let of = |guest: &str| -> Vec<&Row> {
        let rows = output.rows.iter();
        rows.filter(|row| row.guest.as_deref() == Some(guest))
            .collect()
    };
    let (true_ones, claimed) = (of(&name), of(CLAIMS));
    assert!(true_ones.len() > REQUESTS, "{}", ended.stderr);
    for row in &true_ones {
        assert_eq!(
            row.int("sector").map(|it| it * 512),
            row.int("offset"),
            "{row:?}"
        );
    }
    let sectors = |rows: &[&Row]| -> Vec<_> { rows.iter().map(|row| row.int("sector")).collect() };
    assert_eq!(sectors(&claimed), sectors(&true_ones), "{}", ended.stderr);
    for row in &claimed {
        let told = row.field("offset").is_null() && row.field("vmm").is_null();
        assert!(told, "{row:?}");
    }
}

/// Stands between a guest, who connects to `near`, and its host, and is another guest besides.
async fn between(near: &Address, far: &Address) {
    let listener = Listener::open(near).unwrap();
    let (guest, _) = listener.accept().await.unwrap();
    let host = connect(far).await.unwrap();
    let (tell, told) = unbounded_channel();
    let mut behind = u64::MAX;
    let first = pass(guest, host, |said| match said {
        ToHost::Answer(time) => behind = behind.min(clock::now().saturating_sub(*time)),
        ToHost::Ready(_) | ToHost::Names(_) | ToHost::Records(_) => {
            tell.send((behind, said.clone())).unwrap();
        }
        _ => {}
    });
    tokio::join!(first, claim(far, told));
}

/// Passes on what both sides say, until one of them has ended. What the guest says may be changed.
async fn pass(guest: Connection, host: Connection, mut change: impl FnMut(&mut ToHost)) {
    let mut guest = Wire::<_, ToHost>::new(guest);
    let mut host = Wire::<_, ToGuest>::new(host);
    guest.reader.trust();
    host.reader.trust();
    loop {
        let passed = tokio::select! {
            said = guest.reader.next() => {
                let Ok(mut said) = said else { return };
                change(&mut said);
                host.writer.send(&said).await
            }
            said = host.reader.next() => {
                let Ok(said) = said else { return };
                guest.writer.send(&said).await
            }
        };
        if passed.is_err() {
            return;
        }
    }
}

/// Is the second guest: says what it was told, with the clock of the first one.
async fn claim(far: &Address, mut told: UnboundedReceiver<(u64, ToHost)>) {
    let (behind, ready) = told.recv().await.unwrap();
    let (agent, wire) = tokio::io::duplex(ROOM);
    let host = connect(far).await.unwrap();
    let passed = pass(Box::new(wire), host, |said| {
        if let ToHost::Answer(time) = said {
            *time = time.saturating_sub(behind);
        }
    });
    let says = async {
        let mut agent = Wire::<Connection, ToGuest>::new(Box::new(agent));
        let who = Introduction::of_machine(Some(CLAIMS)).unwrap();
        greet(&mut agent, &who, &Token::default()).await.unwrap();
        while !matches!(agent.reader.next().await.unwrap(), ToGuest::Plan(_)) {}
        agent.writer.send(&ready).await.unwrap();
        loop {
            tokio::select! {
                biased;
                Some((_, claim)) = told.recv() => agent.writer.send(&claim).await.unwrap(),
                asked = agent.reader.next() => match asked {
                    Ok(ToGuest::Stop) => break,
                    Ok(_) => {}
                    Err(error) => panic!("{error}"),
                },
            }
        }
        let ended = ToHost::Ended(Books::default());
        agent.writer.send(&ended).await.unwrap();
    };
    tokio::join!(passed, says);
}
