//! Any bytes are messages or errors, in whatever pieces they come; and what is understood can be taken by the engine.

use iotq_lang::aggregate::{Keep, Linear, Measure, Parts};
use iotq_lang::ir::Expr;
use iotq_lang::source::Span;
use iotq_lang::value::Const;
use iotq_link::codec::{CodecError, Decoder, Encoder, message};
use iotq_link::message::{Group, Groups, ToGuest, ToHost};
use iotq_link::{convert, records};
use iotq_probes::catalogue::Type;

use crate::Tape;

/// Bytes as a stream of frames, or as what a host says. Tells how many messages were understood.
pub fn link(bytes: &[u8]) -> usize {
    let mut tape = Tape::new(bytes);
    let trusted = tape.coin();
    let size = 1 + tape.below(64);
    let stream = match tape.below(3) {
        0 => return of_host(tape.take(usize::MAX)),
        1 => tape.take(usize::MAX).to_vec(),
        _ => framed(&mut tape),
    };
    let whole = decode(&stream, stream.len().max(1), trusted);
    let pieces = decode(&stream, size, trusted);
    assert_eq!(whole.0, pieces.0, "the same messages in pieces");
    assert_eq!(whole.1, pieces.1, "the same error in pieces");
    again(&whole.0);
    whole.0.iter().for_each(taken);
    whole.0.len()
}

fn of_host(bytes: &[u8]) -> usize {
    let Ok(message) = message::<ToGuest>(bytes) else {
        return 0;
    };
    let bytes = encoded(&message);
    assert_eq!(self::message(&bytes[16..]), Ok(message));
    1
}

/// The beginning and the heads of frames as they should be, so that what is between them is looked at.
fn framed(tape: &mut Tape<'_>) -> Vec<u8> {
    let mut stream = Encoder::preamble().to_vec();
    let mut number = 0u32;
    while !tape.is_empty() {
        let [low, high] = tape.bytes();
        let payload = tape.take(usize::from(low) + 4 * usize::from(high));
        let length = u32::try_from(payload.len()).unwrap_or(u32::MAX);
        stream.extend_from_slice(&length.to_le_bytes());
        stream.extend_from_slice(&number.to_le_bytes());
        stream.extend_from_slice(payload);
        number += 1;
    }
    stream
}

fn decode(stream: &[u8], size: usize, trusted: bool) -> (Vec<ToHost>, Option<CodecError>) {
    let mut decoder = Decoder::default();
    if trusted {
        decoder.trust();
    }
    let mut found = Vec::new();
    for piece in stream.chunks(size) {
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

/// What was understood can be said, and is understood as the same.
fn again(messages: &[ToHost]) {
    for message in messages {
        let bytes = encoded(message);
        let same: Result<ToHost, _> = self::message(&bytes[16..]);
        assert_eq!(same.as_ref(), Ok(message));
    }
}

fn encoded<M: serde::Serialize>(message: &M) -> Vec<u8> {
    let mut bytes = Encoder::preamble().to_vec();
    let encoded = Encoder::default().encode(message, &mut bytes);
    encoded.expect("no longer than it came");
    bytes
}

/// What a host makes of a message.
fn taken(message: &ToHost) {
    match message {
        ToHost::Records(bytes) | ToHost::Unended(bytes) => {
            let all: usize = records::records(bytes).map(<[u8]>::len).sum();
            assert!(all <= bytes.len());
        }
        ToHost::Groups(Groups { groups, .. }) => groups.iter().for_each(added),
        _ => {}
    }
}

/// Groups of a guest, a few times over: their counts stay far from the bounds of their type.
fn added(group: &Group) {
    let measures = measures();
    let Some(totals) = convert::totals(group, &measures) else {
        return;
    };
    let mut sum = iotq_lang::aggregate::Totals::new(&measures);
    (0..3).for_each(|_| sum.merge(&totals));
    assert_eq!(sum.rows, 3 * totals.rows);
}

fn measures() -> Vec<Measure> {
    let of = Expr::constant(Const::Int(1), Type::Int, Span::default());
    let parts = Parts {
        sum: true,
        min: true,
        max: true,
        squares: true,
        histogram: true,
    };
    let linear = Linear::new(0, 4096, 64).map(Keep::Linear);
    let keeps = [Some(Keep::Numbers(parts)), linear, Some(Keep::Truth)];
    let measure = |keep| Measure {
        of: of.clone(),
        keep,
    };
    keeps.into_iter().flatten().map(measure).collect()
}
