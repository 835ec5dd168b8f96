//! Whatever comes, and in whatever pieces: the same messages, or an error.

use super::*;
use crate::message::{Named, ToGuest, ToHost, What};

fn messages() -> Vec<ToHost> {
    let named = Named {
        what: What::Dev(7),
        name: "vda".into(),
    };
    vec![
        ToHost::Beat,
        ToHost::Answer(u64::MAX),
        ToHost::Names(vec![named; 20]),
        ToHost::Records(vec![7; 3000].into()),
        ToHost::Beat,
    ]
}

fn stream(messages: &[ToHost]) -> Vec<u8> {
    let mut encoder = Encoder::default();
    let mut bytes = Encoder::preamble().to_vec();
    for message in messages {
        encoder.encode(message, &mut bytes).expect("short enough");
    }
    bytes
}

/// All messages of some pieces, up to the first error.
fn decode<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> (Vec<ToHost>, Option<CodecError>) {
    let mut decoder = Decoder::default();
    let mut found = Vec::new();
    for piece in pieces {
        decoder.feed(piece);
        loop {
            match decoder.take() {
                Ok(Some(message)) => found.push(message),
                Ok(None) => break,
                Err(error) => return (found, Some(error)),
            }
        }
    }
    (found, None)
}

#[test]
fn pieces_do_not_matter() {
    let bytes = stream(&messages());
    for size in [1, 2, 3, 7, 64, 1000, bytes.len()] {
        assert_eq!(decode(bytes.chunks(size)), (messages(), None), "{size}");
    }
}

#[test]
fn what_is_cut_off_is_waited_for() {
    let bytes = stream(&messages());
    for end in 0..bytes.len() {
        let (found, error) = decode([&bytes[..end]]);
        assert!(found.len() < messages().len() && error.is_none(), "{end}");
    }
}

#[test]
fn a_length_alone_costs_nothing() {
    let mut bytes = Encoder::preamble().to_vec();
    bytes.extend_from_slice(&u32::MAX.to_le_bytes());
    bytes.extend_from_slice(&[0; 4]);
    let most = LONGEST_GREETING;
    let too_long = CodecError::TooLong {
        length: u32::MAX,
        most,
    };
    assert_eq!(decode([&bytes[..]]).1, Some(too_long));

    let mut decoder = Decoder::<ToHost>::default();
    decoder.trust();
    let mut bytes = Encoder::preamble().to_vec();
    bytes.extend_from_slice(&LONGEST.to_le_bytes());
    bytes.extend_from_slice(&[0; 4]);
    decoder.feed(&bytes);
    assert_eq!(decoder.take(), Ok(None));
    assert!(decoder.bytes.capacity() < 100);
}

#[test]
fn lists_get_no_room_for_what_they_claim() {
    // Names, two to the power of 35 of them.
    let mut payload = postcard::to_stdvec(&ToHost::Names(Vec::new())).expect("a message");
    payload.truncate(1);
    payload.extend_from_slice(&[0xff, 0xff, 0xff, 0xff, 0x7f]);
    assert_eq!(message::<ToHost>(&payload), Err(CodecError::Malformed));
}

#[test]
fn frames_have_their_places() {
    let bytes = stream(&[ToHost::Beat, ToHost::Answer(1), ToHost::Beat]);
    let (head, frames) = bytes.split_at(8);
    // A frame of nine bytes, one of ten, one of nine.
    let [one, two, three] = [&frames[..9], &frames[9..19], &frames[19..]];
    assert_eq!(decode([head, one, two, three]).0.len(), 3);
    let order = |found, expected| Some(CodecError::Order { found, expected });
    assert_eq!(decode([head, one, three, two]).1, order(2, 1));
    assert_eq!(decode([head, one, two, two]).1, order(1, 2));
    assert_eq!(decode([head, two]).1, order(1, 0));
}

#[test]
fn others_are_recognised() {
    let at_once = decode([&b"GET / HTTP/1.1\r\n"[..]]);
    assert_eq!(at_once, (Vec::new(), Some(CodecError::Foreign)));
    assert_eq!(decode([&b"G"[..]]).1, Some(CodecError::Foreign));
    let mut later = stream(&[ToHost::Beat]);
    later[7] = PROTOCOL + 1;
    assert_eq!(
        decode([&later[..]]).1,
        Some(CodecError::Version(PROTOCOL + 1))
    );
}

#[test]
fn a_message_is_all_of_its_frame() {
    let mut bytes = stream(&[ToHost::Beat]);
    bytes[8] += 1;
    bytes.push(0);
    assert_eq!(decode([&bytes[..]]).1, Some(CodecError::Malformed));
}

#[test]
fn long_messages_are_not_sent() {
    let mut encoder = Encoder::default();
    let mut bytes = Vec::new();
    let long = ToHost::Records(vec![0; LONGEST as usize].into());
    assert!(encoder.encode(&long, &mut bytes).is_err() && bytes.is_empty());
    encoder.encode(&ToHost::Beat, &mut bytes).expect("short");
    assert_eq!(bytes[4..8], [0; 4]);
}

#[test]
fn any_bytes_are_messages_or_errors() {
    let mut state = 1u64;
    let mut chance = || {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1);
        (state >> 33) as u8
    };
    for length in 0..2000 {
        let bytes: Vec<u8> = (0..length % 200).map(|_| chance()).collect();
        let _ = message::<ToHost>(&bytes);
        let _ = message::<ToGuest>(&bytes);
        let mut whole = stream(&messages());
        let place = usize::from(chance()) * 13 % whole.len();
        whole[place] ^= chance() | 1;
        decode([&whole[..]]);
    }
}
