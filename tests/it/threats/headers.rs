//! A6: every frame header there is, against a table written from RFC 6455 and on nothing else.

use crate::wire::{self, Told};
use crate::world::{Peer, World};

/// What a connection is in the middle of when a header comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    NoMessage,
    TextOpen,
    BinaryOpen,
    /// The server has sent its Close and awaits the peer's.
    Closing,
}

/// What the two bytes must lead to, once a harmless rest of the frame has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    /// RFC 6455 lets it pass.
    Fine,
    /// The connection fails with this code.
    Fails(u16),
    /// It is the peer's Close.
    Ends,
}

/// RFC 6455 §5.2, §5.4, §5.5, read aloud.
fn verdict(first: u8, second: u8, state: State) -> Verdict {
    let fin = first >> 7 == 1;
    let reserved_bits = first >> 4 & 0b111;
    let opcode = first & 0b1111;
    let masked = second >> 7 == 1;
    let length = second & 0b111_1111;
    let message_open = matches!(state, State::TextOpen | State::BinaryOpen);
    let control = opcode >= 8;
    let wrong = reserved_bits != 0
        || (3..=7).contains(&opcode)
        || opcode >= 11
        || !masked
        || control && !fin
        || control && length > 125
        || opcode == 0 && !message_open
        || (opcode == 1 || opcode == 2) && message_open;
    match opcode {
        _ if wrong => Verdict::Fails(1002),
        8 if length == 1 => Verdict::Fails(1002), // §5.5.1: a body starts with two bytes of code.
        8 => Verdict::Ends,
        _ => Verdict::Fine,
    }
}

/// The rest of a frame whose first two bytes are given: the shortest length that has this form, a
/// key, and a payload that is text, or a Close code.
fn rest(first: u8, second: u8) -> Vec<u8> {
    let (extended, length): (Vec<u8>, usize) = match second & 0x7F {
        126 => (vec![0, 126], 126),
        127 => (vec![0, 0, 0, 0, 0, 1, 0, 0], 65536),
        short => (vec![], usize::from(short)),
    };
    let mut payload = vec![b'a'; length];
    if first & 0x0F == 8 && length >= 2 {
        payload[..2].copy_from_slice(&1000_u16.to_be_bytes());
    }
    // A key of zeros: the payload stands as it is.
    [extended, vec![0; 4], payload].concat()
}

fn prepare(world: &mut World, state: State) -> Vec<Peer> {
    let peers: Vec<Peer> = (0..=255).map(|_| world.open("/echo")).collect();
    for &peer in &peers {
        match state {
            State::TextOpen => world.send_quietly(peer, &wire::frame(0x01, b"")),
            State::BinaryOpen => world.send_quietly(peer, &wire::frame(0x02, b"")),
            State::NoMessage | State::Closing => {}
        }
    }
    if state == State::Closing {
        world.hub.stop(world.now);
    }
    world.turn();
    for &peer in &peers {
        let expected: &[Told] =
            if state == State::Closing { &[Told::Close(Some(1001))] } else { &[] };
        assert_eq!(world.told(peer), expected);
    }
    peers
}

fn check(first: u8, state: State) {
    let mut world = World::with_echo();
    let peers = prepare(&mut world, state);
    let seconds: Vec<(u8, Peer)> = (0..=255).zip(peers).collect();
    for &(second, peer) in &seconds {
        // Byte by byte, so that each header is cut everywhere.
        world.send_quietly(peer, &[first]);
        world.send_quietly(peer, &[second]);
        world.send_quietly(peer, &rest(first, second));
    }
    world.turn();
    for &(second, peer) in &seconds {
        let told = world.told(peer);
        let close = told.iter().find_map(|told| match told {
            Told::Close(code) => Some(*code),
            _ => None,
        });
        let expected = verdict(first, second, state);
        let case = format!("{first:#04x} {second:#04x} {state:?}: {told:?}");
        match (expected, state) {
            // After the server's Close there is not another.
            (Verdict::Fine, _) | (_, State::Closing) => assert_eq!(close, None, "{case}"),
            (Verdict::Fails(code), _) => assert_eq!(close, Some(Some(code)), "{case}"),
            (Verdict::Ends, _) => assert!(matches!(close, Some(None | Some(1000))), "{case}"),
        }
        assert_eq!(world.is_half_closed(peer), expected != Verdict::Fine, "{case}");
    }
}

#[test]
fn a6_all_headers_while_no_message_is_open() {
    (0..=255).for_each(|first| check(first, State::NoMessage));
}

#[test]
fn a6_all_headers_while_text_is_open() {
    (0..=255).for_each(|first| check(first, State::TextOpen));
}

#[test]
fn a6_all_headers_while_binary_is_open() {
    (0..=255).for_each(|first| check(first, State::BinaryOpen));
}

#[test]
fn a6_all_headers_while_closing() {
    (0..=255).for_each(|first| check(first, State::Closing));
}
