//! What a machine monitor does for QEMU: devices come and go.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::command::LIMIT;

/// A QEMU that listens for commands at a socket.
pub struct Qmp {
    lines: BufReader<UnixStream>,
}

impl Qmp {
    /// What QEMU must be told, to listen there.
    pub fn words(socket: &Path) -> [String; 2] {
        let socket = format!("unix:{},server=on,wait=off", socket.display());
        ["-qmp".into(), socket]
    }

    /// Connects, as soon as it listens.
    pub fn connect(socket: &Path) -> Self {
        let begin = Instant::now();
        let stream = loop {
            if let Ok(stream) = UnixStream::connect(socket) {
                break stream;
            }
            assert!(begin.elapsed() < LIMIT, "QEMU does not listen");
            sleep(Duration::from_millis(10));
        };
        stream.set_read_timeout(Some(LIMIT)).unwrap();
        let lines = BufReader::new(stream);
        let mut it = Self { lines };
        it.ask("qmp_capabilities", json!({}));
        it
    }

    /// Gives a command, and waits until it is done.
    pub fn ask(&mut self, command: &str, arguments: Value) {
        self.answer(command, arguments);
    }

    /// What it answers to a question.
    pub fn get(&mut self, command: &str) -> Value {
        self.answer(command, json!({}))
    }

    fn answer(&mut self, command: &str, arguments: Value) -> Value {
        let asked = json!({"execute": command, "arguments": arguments});
        writeln!(self.lines.get_mut(), "{asked}").unwrap();
        let mut answer = self.find(|line| line.get("return").or(line.get("error")).is_some());
        assert!(answer.get("error").is_none(), "{command}: {answer}");
        answer["return"].take()
    }

    /// Waits for an event.
    pub fn wait_for(&mut self, event: &str) {
        self.find(|line| line["event"] == event);
    }

    fn find(&mut self, is: impl Fn(&Value) -> bool) -> Value {
        loop {
            let mut line = String::new();
            let length = self.lines.read_line(&mut line).unwrap();
            assert!(length > 0, "QEMU has ended");
            let line: Value = serde_json::from_str(&line).unwrap();
            if is(&line) {
                return line;
            }
        }
    }
}
