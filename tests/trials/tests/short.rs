//! The fuzzers in short: on the language's cases and on what comes of them by chance, and on what was found before.
//!
//! What a fuzzer finds becomes a file in `tests/cases/fuzz/TARGET`.

use std::fs;
use std::path::{Path, PathBuf};

use fastrand::Rng;
use iotq_link::codec::Encoder;
use iotq_link::message::{Group, Groups, Named, Numbers, State, ToHost, What};
use iotq_trials::{across, check, link, native, parse, plan, records};

/// `IOTQ_TRIALS=100000 cargo test --release -p iotq-trials` finds more.
fn trials() -> u64 {
    let more = std::env::var("IOTQ_TRIALS").ok();
    let few = if cfg!(debug_assertions) { 300 } else { 5000 };
    more.and_then(|text| text.parse().ok()).unwrap_or(few)
}

/// All files below a folder, in their order.
fn files(folder: &str) -> Vec<PathBuf> {
    let mut folders = vec![
        Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../..")
            .join(folder),
    ];
    let mut found = Vec::new();
    while let Some(folder) = folders.pop() {
        let entries = fs::read_dir(&folder).into_iter().flatten();
        for path in entries.map(|entry| entry.expect("a file").path()) {
            if path.is_dir() {
                folders.push(path);
            } else {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// The texts of all scripts that there are.
fn scripts() -> Vec<String> {
    let paths = ["tests/cases/lang", "examples", "stdlib"]
        .map(files)
        .concat();
    let scripts = paths
        .iter()
        .filter(|path| path.extension().is_some_and(|it| it == "iotq"));
    // Some are not text on purpose.
    let texts: Vec<_> = scripts
        .filter_map(|path| fs::read_to_string(path).ok())
        .collect();
    assert!(texts.len() > 100, "{} scripts", texts.len());
    texts
}

/// Signs that open, close or end something.
const SIGNS: [char; 15] = [
    '"', '\'', '(', ')', '{', '}', '[', ']', '#', ';', '\\', '$', '.', '0', 'é',
];

/// The last place at or before a byte at which a character begins.
fn boundary(text: &str, at: usize) -> usize {
    let mut places = (0..=at).rev();
    places.find(|&at| text.is_char_boundary(at)).unwrap_or(0)
}

/// Words of several scripts, some of them left out, doubled or exchanged.
fn mixture(scripts: &[String], random: &mut Rng) -> String {
    let mut pick = || {
        let text = &scripts[random.usize(..scripts.len())];
        let words: Vec<_> = text
            .split_inclusive([' ', '\n', '(', ')', ',', '.'])
            .collect();
        let from = random.usize(..=words.len());
        let to = (from + random.usize(..40)).min(words.len());
        words[from..to].concat()
    };
    let mut text = format!("{}{}", pick(), pick());
    if random.bool() {
        text = format!("{}{text}", scripts[random.usize(..scripts.len())]);
    }
    for _ in 0..random.usize(..4) {
        let at = boundary(&text, random.usize(..=text.len()));
        match random.u8(..3) {
            0 => text.insert(at, SIGNS[random.usize(..SIGNS.len())]),
            1 => text.truncate(at),
            _ => _ = (at < text.len()).then(|| text.remove(at)),
        }
    }
    text
}

fn noise(random: &mut Rng, most: usize) -> Vec<u8> {
    let length = random.usize(..=most);
    (0..length).map(|_| random.u8(..)).collect()
}

#[test]
fn scripts_and_mixtures_of_them() {
    let scripts = scripts();
    let mut random = Rng::with_seed(1);
    let mixtures = (0..trials()).map(|_| mixture(&scripts, &mut random));
    let mixtures: Vec<_> = mixtures.collect();
    for text in scripts.iter().chain(&mixtures) {
        parse(text);
        check(text);
    }
}

#[test]
fn plans_of_scripts() {
    let scripts = scripts();
    let mut random = Rng::with_seed(2);
    let mut plans = 0;
    for turn in 0..=trials() / 200 {
        for text in &scripts {
            let input = [text.as_bytes(), b"\0", &noise(&mut random, 1500)].concat();
            plans += u64::from(plan(&input));
        }
        assert!(plans > 20 * (turn + 1), "{plans} scripts are plans");
    }
}

#[test]
fn records_by_chance() {
    let mut random = Rng::with_seed(3);
    let mut taken = 0;
    for _ in 0..trials() {
        taken += records(&noise(&mut random, 4000));
    }
    assert!(taken > 1000, "{taken} records");
}

#[test]
fn both_sides_by_chance() {
    let mut random = Rng::with_seed(7);
    let mut taken = 0;
    for _ in 0..trials() {
        taken += across(&noise(&mut random, 4000));
    }
    assert!(taken > 1000, "{taken} records");
}

/// A stream of messages as a guest may send them.
fn stream() -> Vec<u8> {
    let numbers = Numbers {
        count: 3,
        sum: Some(60),
        histogram: vec![(10, 2), (30, 1)],
        ..Numbers::default()
    };
    let group = Group {
        stream: 1,
        record: vec![0; 100].into(),
        rows: 3,
        states: vec![
            State::Numbers(numbers),
            State::Linear(vec![(-1, 1), (10, 2)]),
            State::Truth(2),
        ],
    };
    let groups = Groups {
        report: Some(1),
        groups: vec![group; 2],
        last: true,
    };
    let named = Named {
        what: What::File(7, 9),
        name: "/var/lib/db/wal".into(),
    };
    let messages = [
        ToHost::Names(vec![named]),
        ToHost::Records(vec![1; 300].into()),
        ToHost::Groups(groups),
        ToHost::Beat,
    ];
    let mut encoder = Encoder::default();
    // Trusted, in pieces of eight bytes, as a stream.
    let mut bytes = [&[1, 7, 1][..], &Encoder::preamble()].concat();
    for message in messages {
        encoder.encode(&message, &mut bytes).expect("a message");
    }
    bytes
}

#[test]
fn messages_by_chance() {
    let mut random = Rng::with_seed(4);
    let whole = stream();
    assert_eq!(link(&whole), 4);
    let mut understood = 0;
    for _ in 0..trials() {
        link(&noise(&mut random, 1000));
        let mut bytes = whole.clone();
        for _ in 0..random.usize(1..4) {
            let place = random.usize(3..bytes.len());
            match random.u8(..3) {
                0 => bytes[place] = random.u8(..),
                1 => bytes.truncate(place.max(4)),
                _ => _ = bytes.remove(place),
            }
        }
        understood += link(&bytes);
    }
    assert!(understood > 300, "{understood} messages");
}

#[test]
fn what_was_found() {
    for path in files("tests/cases/fuzz") {
        let bytes = fs::read(&path).expect("a case");
        let target = path.parent().and_then(Path::file_name).expect("a folder");
        let text = || std::str::from_utf8(&bytes).expect("a text");
        match target.to_str() {
            Some("parse") => parse(text()),
            Some("check") => check(text()),
            Some("plan") => _ = plan(&bytes),
            Some("native") => _ = native(&bytes),
            Some("record") => _ = records(&bytes),
            Some("across") => _ = across(&bytes),
            Some("link") => _ = link(&bytes),
            _ => panic!("{} is of no fuzzer", path.display()),
        }
    }
}
