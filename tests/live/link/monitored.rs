//! A monitor between the sides: it puts the host through to a guest that listens, and the way may be cut for a while.

use std::time::Duration;

use iotq_tests::iotq;
use iotq_tests::link::Place;
use iotq_tests::monitor::Monitor;

use super::{Load, READS, close_to};

/// A guest that waits for its host is called, and again when it is back.
pub fn called() {
    let (place, load) = (Place::default(), Load::new());
    let at = |name: &str| place.folder().join(name);
    let _monitor = Monitor::between(&at("vm.vsock"), &at("guest.vsock_4687"), true);
    let agent = || {
        let mut command = iotq();
        command.args(["guest", "--name", "vm1", "--listen"]);
        command.arg(format!("unix:{}", at("guest.vsock").display()));
        place.side(command)
    };
    let mut command = iotq();
    command.args(["host", "--format", "json", "--guest", "vm1"]);
    command.args(["--ring", "16M", "--call", &place.address()]);
    command.args(["-e", &load.query()]);
    // Nobody is there yet.
    let host = place.side(command);
    let first = agent();
    host.wait_for("vm1 is ready", 1);
    first.kill();
    assert!(!first.wait().status.success());
    host.wait_for("vm1 is gone", 1);
    let _second = agent();
    host.wait_for("vm1 is ready", 2);
    load.run();
    let output = host.interrupted();
    close_to(output.rows.len() as u64, &output);
}

/// Ten seconds in which nothing passes: what is traced meanwhile waits in the guest, and the session goes on.
pub fn cut() {
    let (place, load) = (Place::default(), Load::new());
    let at = |name: &str| place.folder().join(name);
    let query = load.query();
    let host = place.host("vm1", &["--ring", "16M", "-e", &query]);
    let monitor = Monitor::between(&at("guest.vsock_4687"), &place.socket(), false);
    let mut command = iotq();
    command.args(["guest", "--name", "vm1", "--host"]);
    command.arg(format!("unix:{}", at("guest.vsock").display()));
    let _agent = place.side(command);
    host.wait_for("vm1 is ready", 1);
    std::thread::scope(|scope| {
        scope.spawn(|| monitor.cut(Duration::from_secs(10)));
        load.run();
    });
    let enough = READS as usize * 99 / 100;
    host.wait_until("the rows", || host.written().lines().count() >= enough);
    let output = host.interrupted();
    close_to(output.rows.len() as u64, &output);
    assert!(!output.stderr.contains("is gone"), "{}", output.stderr);
}
