//! Ends in every state and by every cause (D9), and places that are used again (D3, D11).

use allocation_counter::measure;
use headcount::config::{Compression, Config};
use headcount::connection::ConnectionId;
use serde_json::{Value, json};

use super::{Bare, generous};
use crate::engine::{OFFER, PATH};
use crate::wire;
use headcount_support::fuzz::Xorshift;
use headcount_support::world::sweep;

/// What a connection is brought into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Accepted,
    HalfHead,
    Kept,
    PageHalfSent,
    Refused,
    Watching,
    Present,
    Unread,
    HalfFrame,
    HalfMessage,
    Compressed,
    AwaitsPong,
    Paused,
    Closing,
    Draining,
    HalfClosed,
    Echo,
    EngineOpen,
    EngineJoined,
    EngineHalfPacket,
}

const STATES: [State; 20] = [
    State::Accepted,
    State::HalfHead,
    State::Kept,
    State::PageHalfSent,
    State::Refused,
    State::Watching,
    State::Present,
    State::Unread,
    State::HalfFrame,
    State::HalfMessage,
    State::Compressed,
    State::AwaitsPong,
    State::Paused,
    State::Closing,
    State::Draining,
    State::HalfClosed,
    State::Echo,
    State::EngineOpen,
    State::EngineJoined,
    State::EngineHalfPacket,
];

/// How it ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cause {
    Reset,
    EndOfInput,
    ProtocolError,
    Garbage,
    Flood,
    Close,
    Silence,
    Stall,
    Stop,
    Half,
}

const CAUSES: [Cause; 10] = [
    Cause::Reset,
    Cause::EndOfInput,
    Cause::ProtocolError,
    Cause::Garbage,
    Cause::Flood,
    Cause::Close,
    Cause::Silence,
    Cause::Stall,
    Cause::Stop,
    Cause::Half,
];

fn bring(server: &mut Bare, state: State) -> ConnectionId {
    use State::*;
    let id = match state {
        Echo | Paused => server.open("/echo", OFFER),
        EngineOpen | EngineJoined | EngineHalfPacket => server.open(PATH, ""),
        Accepted | HalfHead | Kept | PageHalfSent | Refused => server.accept(),
        _ => server.open("/ws", OFFER),
    };
    match state {
        Accepted | Watching | Echo | EngineOpen => {}
        HalfHead => server.send(id, b"GET / HTTP/1.1\r\nHo"),
        Kept => {
            server.send(id, b"GET /roster HTTP/1.1\r\nHost: a\r\n\r\n");
            server.take(id);
        }
        PageHalfSent => {
            server.send(id, b"GET /page.js HTTP/1.1\r\nHost: a\r\n\r\n");
            server.hub.transmit(id);
            server.hub.sent(id, 100);
            server.hub.settle_output(id, true, server.now);
        }
        Refused => server.send(id, b"GET / HTTP/1.1\nHost: a\r\n\r\n"),
        Present => server.send(id, &wire::login("Eve")),
        Unread => {
            server.send(id, &wire::login("Eve"));
            server.hub.commit(server.now);
            server.hub.transmit(id);
            server.hub.sent(id, 1);
            server.hub.settle_output(id, true, server.now);
        }
        HalfFrame => server.send(id, &wire::login("Eve")[..9]),
        HalfMessage => server.send(id, &wire::frame(0x01, b"[\"login\"")),
        Compressed => server.send(id, &wire::frame(0x41, b"\xf2\x48\xcd")),
        AwaitsPong => {
            server.send(id, &wire::login("Eve"));
            server.now = server.now.after_ms(28_000);
            sweep(&mut server.hub, server.now);
        }
        Paused => server.send(id, &wire::frame(0x82, &[7; 30_000]).repeat(4)),
        Closing => server.hub.stop(server.now),
        Draining => server.send(id, &wire::close(1000)),
        HalfClosed => {
            server.send(id, &wire::close(1000));
            server.take(id);
        }
        EngineJoined => {
            server.send(id, &[wire::text("40"), wire::text("40/x")].concat());
            server.send(id, &wire::text("421[\"login\",\"Eve\"]"));
        }
        EngineHalfPacket => {
            let packet = r#"452-["x",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]"#;
            server.send(id, &[wire::text("40"), wire::text(packet)].concat());
            server.send(id, &wire::frame(0x82, &[7; 1_000]));
        }
    }
    id
}

fn end(server: &mut Bare, id: ConnectionId, cause: Cause) {
    match cause {
        Cause::Reset => server.hub.lost(id),
        Cause::EndOfInput => server.hub.ended(id, server.now),
        Cause::ProtocolError => server.send(id, &wire::frame(0xA1, b"")),
        Cause::Garbage => server.send(id, b"\xff\x00\r\n\r\n\xff\xff\x00"),
        Cause::Flood => server.send(id, &vec![0x80; 200_000]),
        Cause::Close => server.send(id, &wire::close(1001)),
        Cause::Silence => {}
        Cause::Stall => drop(server.hub.settle_output(id, true, server.now)),
        Cause::Stop => server.hub.stop(server.now),
        Cause::Half => server.send(id, &wire::frame(0x01, &vec![b'x'; 15_000])),
    }
    // The peer takes what there is, unless it is one that takes nothing; and says no more.
    for _ in 0..20 {
        if !matches!(cause, Cause::Stall | Cause::Reset) {
            server.take(id);
        }
        server.turn();
        server.now = server.now.after_ms(5_000);
    }
}

/// All states by all causes: the counts of the hub, its memory and its roster are what they were.
#[test]
fn d9_end_in_every_state_and_by_every_cause_leaves_nothing() {
    for compression in [Compression::On, Compression::Takeover] {
        for state in STATES {
            for cause in CAUSES {
                let case = format!("{state:?} ended by {cause:?}");
                let mut server = Bare::with(Config { compression, ..generous() });
                let id = bring(&mut server, state);
                end(&mut server, id, cause);
                assert!(server.hub.is_empty(), "{case}");
                assert_eq!(server.hub.buffered_bytes(), 0, "{case}");
                assert!(!server.hub.wants_read(id) && !server.hub.wants_write(id), "{case}");
                // What is counted shows in what is served then: nobody is there or watching.
                if state == State::Closing || cause == Cause::Stop {
                    continue;
                }
                let page = server.accept();
                server.send(page, b"GET /roster HTTP/1.1\r\nHost: a\r\n\r\n");
                let body = wire::take_answer(&mut server.take(page), false).unwrap().body;
                let document: Value = serde_json::from_slice(&body).unwrap();
                let watching = server.hub.open(headcount::connection::State::Watching);
                assert_eq!((&document["names"], watching), (&json!([]), 0), "{case}");
            }
        }
    }
}

/// Over and over in one hub: memory does not grow.
#[test]
fn d9_memory_is_flat_over_all_ends() {
    let mut server = Bare::with(generous());
    let mut round = || {
        for state in STATES.into_iter().filter(|state| *state != State::Closing) {
            for cause in CAUSES.into_iter().filter(|cause| *cause != Cause::Stop) {
                let id = bring(&mut server, state);
                end(&mut server, id, cause);
                assert!(server.hub.is_empty(), "{state:?} {cause:?}");
            }
        }
    };
    (0..3).for_each(|_| round());
    let memory = measure(|| (0..3).for_each(|_| round()));
    assert!(memory.bytes_current <= 16 * 1024, "{} bytes", memory.bytes_current);
}

/// A place has a new owner in the turn in which the old one was reaped; whatever is still on its
/// way to the old one, by a handle or by the number in an event queue, does nothing.
#[test]
fn d3_stale_event_does_not_act_on_the_next_owner_of_a_place() {
    let mut random = Xorshift::new(3);
    let mut server = Bare::with(generous());
    let mut stale: Vec<ConnectionId> = Vec::new();
    for step in 0..100_000 {
        let old = server.open("/ws", "");
        server.send(old, &wire::login("Old"));
        server.hub.lost(old);
        assert_eq!(server.turn(), 1);
        let new = server.open("/ws", "");
        assert_eq!(new.index(), old.index(), "the place is used again");
        assert_ne!(new, old);
        stale.push(ConnectionId::from_bits(old.to_bits()));
        for _ in 0..4 {
            let id = stale[stale.len() - 1 - random.below(stale.len().min(8))];
            match random.below(7) {
                0 => server.hub.lost(id),
                1 => server.hub.ended(id, server.now),
                2 => server.send(id, &wire::login("Ghost")),
                3 => drop(server.hub.settle_output(id, true, server.now)),
                4 => drop(server.hub.sent(id, 1)),
                5 => server.hub.half_closed(id, server.now),
                _ => assert!(!server.hub.wants_write(id) && !server.hub.is_to_be_told(id)),
            }
            assert!(server.hub.transmit(id).is_empty());
        }
        assert!(server.hub.wants_read(new), "step {step}");
        assert_eq!((server.turn(), server.hub.len()), (0, 1), "step {step}");
        server.hub.lost(new);
        server.turn();
        stale.drain(..stale.len().saturating_sub(8));
    }
}

/// What a place that has had another owner says is, byte for byte, what a fresh one says.
#[test]
fn d11_place_that_is_used_again_is_like_a_fresh_one() {
    let script = |server: &mut Bare| {
        let id = server.accept();
        let mut heard = Vec::new();
        for piece in [
            b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n".to_vec(),
            wire::handshake("/ws", ""),
            wire::frame(0x89, b"ping"),
            wire::text("[]"),
            wire::frame(0x01, b"[\"log"),
            wire::frame(0x80, b"in\",7]"),
            wire::text("x").repeat(10),
            wire::close(1000),
        ] {
            server.send(id, &piece);
            heard.extend(without_epoch(server.take(id)));
        }
        server.hub.ended(id, server.now);
        server.turn();
        (id.index(), heard)
    };
    // A name that came and went makes the next roster another, if it comes at once: so nobody logs
    // in on the way here.
    let names = [State::Present, State::Unread, State::AwaitsPong, State::EngineJoined];
    let with = || Bare::with(Config { echo: true, ..Config::default() });
    let fresh = script(&mut with());
    for state in STATES {
        for cause in CAUSES {
            if names.contains(&state) || state == State::Closing || cause == Cause::Stop {
                continue;
            }
            let mut server = with();
            let id = bring(&mut server, state);
            end(&mut server, id, cause);
            assert!(script(&mut server) == fresh, "after {state:?} ended by {cause:?}");
        }
    }
}

/// What was sent, but for which making of its room it is of.
fn without_epoch(mut bytes: Vec<u8>) -> Vec<u8> {
    let key = b"\"epoch\":\"";
    if let Some(at) = bytes.windows(key.len()).position(|window| window == key) {
        bytes[at + key.len()..][..16].fill(b'0');
    }
    bytes
}
