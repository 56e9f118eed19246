//! What a client is like, and what it is going to do.

use super::choices::Choices;
use super::pages::{self, Page};
use super::requests::{
    ALIASES, Act, BAD, FLAWS, IMPOSSIBLE, Naming, Request, Status, Update, View,
};
use super::twist::Twist;
use crate::wire;

/// What a client is like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Follows the roster by our events.
    Native { deflates: bool },
    /// Follows it by Socket.IO.
    SocketIo,
    /// Talks to `/echo`.
    Echo,
    /// Asks for pages.
    Page,
    /// Sends its request a byte at a time, slower than it may.
    Slowloris,
    /// Says nothing.
    Silent,
    /// Sends what is no HTTP.
    Noise,
    /// Has requests of a session of Socket.IO.
    Carrier,
    /// A WebSocket that is tried for such a session, which does not move there.
    Try,
}

/// A step of what it does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// So many ms.
    Wait(u32),
    Open,
    /// Asks for this.
    Ask(Page),
    /// Says who it is, and perhaps something more without waiting for the answer.
    Hello {
        is_eager: bool,
    },
    /// Says so many bytes of that, and goes.
    Torn(u32),
    /// Enters a room with what it has of it.
    EnterAgain(usize),
    /// Another connection says that it is the same, in so many ms.
    Double(u32),
    /// Goes in some way, and comes back in so many ms.
    Leave(Way, u32),
    /// Asks for something in a room.
    Request(Request),
    Ping,
    /// So many bytes.
    Echo(u32),
    /// Breaks the protocol.
    Violate(u8),
    /// Says much more than it may.
    Flood(u32),
    /// Starts the closing handshake.
    Close(u16),
    /// Ends its half and goes on listening.
    HalfClose,
    /// Goes.
    Fin,
    Reset,
    /// Goes without a word.
    Vanish,
    /// Stops taking what it is sent.
    ZeroWindow,
    /// Takes so many bytes a second.
    SlowReader(u32),
    /// Takes everything again.
    FastReader,
    /// Sends these bytes.
    Send(Vec<u8>),
    /// Does something that only a session does which is on no WebSocket.
    Twist(Twist),
}

/// A way to go, for somebody who will be back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    Close(u16),
    Fin,
    Reset,
    Vanish,
}

const WAYS: [Way; 7] = [
    Way::Close(1001),
    Way::Close(1000),
    Way::Reset,
    Way::Vanish,
    Way::Fin,
    Way::Close(4000),
    Way::Vanish,
];

/// The ways to go.
pub const LAST: [Step; 5] =
    [Step::Fin, Step::Reset, Step::Vanish, Step::HalfClose, Step::Close(1000)];

/// What is no name, and why.
const FLAWED_NAMES: [(&str, &str); 3] = [
    (" \t", "name_empty"),
    ("a\u{202e}b", "name_invalid"),
    ("a name of more than thirty-two characters", "name_too_long"),
];

/// The longest message to `/echo`.
pub const ECHO_BYTES_MAX: u32 = 70_000;

/// The first [`violation`] that is only one of limits.
pub const TOO_MUCH: u8 = 9;

/// One of those that there are, some more often than others.
pub fn kind(choices: &mut Choices) -> Kind {
    match choices.below(24) {
        0..=8 => Kind::Native { deflates: false },
        9..=12 => Kind::Native { deflates: true },
        13..=16 => Kind::SocketIo,
        17..=18 => Kind::Echo,
        19..=20 => Kind::Page,
        21 => Kind::Slowloris,
        22 => Kind::Silent,
        _ => Kind::Noise,
    }
}

/// What client `number` does, in order. It takes part in the first so many rooms.
pub fn script(kind: Kind, number: usize, rooms: usize, choices: &mut Choices) -> Vec<Step> {
    let mut steps = vec![Step::Open];
    match kind {
        Kind::Native { .. } | Kind::SocketIo => {
            for _ in 0..choices.between(1, 12) {
                steps.push(pause(choices));
                steps.push(match choices.below(12) {
                    0 => Step::Ping,
                    1 => Step::Wait(choices.between(1, 3000)),
                    _ => Step::Request(request(kind, number, rooms, choices)),
                });
                mischief(&mut steps, choices);
            }
        }
        Kind::Echo => {
            for _ in 0..choices.between(1, 4) {
                let length = choices.pick(&[0, 9, 125, 126, 4000, ECHO_BYTES_MAX]);
                steps.extend([pause(choices), Step::Echo(length)]);
                mischief(&mut steps, choices);
            }
        }
        Kind::Page => {
            steps.clear();
            for left in (0..choices.between(1, 5)).rev() {
                steps.push(Step::Ask(pages::page(left == 0, choices)));
                if choices.chance(2) {
                    steps.push(pause(choices));
                }
                mischief(&mut steps, choices);
            }
            steps.extend([Step::Wait(500), Step::Fin]);
        }
        Kind::Slowloris | Kind::Silent | Kind::Noise | Kind::Carrier | Kind::Try => {}
    }
    // Most stay, so that there is somebody to tell.
    if choices.chance(3) {
        steps.extend([pause(choices), go(choices)]);
    }
    steps
}

/// What somebody does who keeps an id: what others do, and comes and goes.
pub fn script_of_tab(kind: Kind, number: usize, rooms: usize, choices: &mut Choices) -> Vec<Step> {
    let most = choices.pick(&[3000, 50, 500]);
    let after = |choices: &mut Choices| Step::Wait(choices.between(1, most));
    let leave = |choices: &mut Choices| {
        let delays = [1, 100, 600, 1200, 2500, 5000, 20_000];
        Step::Leave(choices.pick(&WAYS), choices.pick(&delays))
    };
    let is_socket_io = kind == Kind::SocketIo;
    match choices.below(12) {
        10 | 11 if is_socket_io => {
            return vec![Step::Open, Step::Wait(choices.between(1, 900)), leave(choices)];
        }
        // It does not wait for an answer.
        10 => {
            let hello = Step::Hello { is_eager: choices.chance(2) };
            let wait = Step::Wait(choices.between(1, 900));
            return vec![Step::Open, hello, wait, leave(choices)];
        }
        11 => {
            return vec![Step::Open, Step::Torn(choices.between(1, 60)), {
                // A Close frame would be a part of it.
                let way = choices.pick(&[Way::Reset, Way::Vanish, Way::Fin]);
                Step::Leave(way, choices.between(1, 1000))
            }];
        }
        _ => {}
    }
    let mut steps = vec![Step::Open];
    if !is_socket_io {
        steps.push(Step::Hello { is_eager: choices.chance(4) });
    }
    for _ in 0..choices.below(6) {
        steps.push(after(choices));
        let room = choices.below(rooms as u32) as usize;
        steps.push(match choices.below(8) {
            0 if !is_socket_io => Step::EnterAgain(room),
            1 => Step::Double(choices.between(1, 1500)),
            _ => Step::Request(request(kind, number, rooms, choices)),
        });
    }
    if !choices.chance(4) {
        // In Socket.IO everything is answered as it is.
        let ping = Request::new(Act::Ping, None);
        steps.extend((!is_socket_io).then_some(Step::Request(ping)));
        steps.extend([after(choices), leave(choices)]);
    }
    steps
}

/// Something that a client asks for in a room.
fn request(kind: Kind, number: usize, rooms: usize, choices: &mut Choices) -> Request {
    let is_socket_io = kind == Kind::SocketIo;
    let room = room(rooms, is_socket_io, choices);
    let has_id = choices.chance(2);
    let act = match choices.below(24) {
        0..=7 => Act::Login(naming(number, choices), update(choices)),
        8..=9 => Act::Logout,
        10..=13 => Act::Set(update(choices)),
        14..=16 => return Request::new(Act::Enter(entered(is_socket_io, choices)), Some(room)),
        17..=18 => Act::Exit,
        19..=21 => Act::View(view(is_socket_io, choices)),
        22 if !is_socket_io => Act::Ping,
        _ => {
            let bad = choices.below(BAD.len() as u32) as usize;
            let room = is_socket_io.then_some(room);
            return Request { act: Act::Bad(bad), room, has_id, at: None };
        }
    };
    // Without an answer it would not be known from when on something else is told.
    let has_id = has_id || matches!(act, Act::View(_) | Act::Exit);
    let is_said = is_socket_io || choices.chance(2);
    Request { act, room: is_said.then_some(room), has_id, at: None }
}

/// One of the first so many rooms; now and then in another form, or one that can't be.
fn room(rooms: usize, is_socket_io: bool, choices: &mut Choices) -> usize {
    if !is_socket_io && choices.chance(12) {
        return choices.between(ALIASES as u32, IMPOSSIBLE as u32 + 1) as usize;
    }
    choices.below(rooms as u32) as usize
}

fn entered(is_socket_io: bool, choices: &mut Choices) -> Option<View> {
    match is_socket_io {
        true => Some(View::Names),
        false if choices.chance(2) => Some(view(false, choices)),
        false => None,
    }
}

fn view(is_socket_io: bool, choices: &mut Choices) -> View {
    match choices.below(8) {
        0..=3 if is_socket_io => choices.pick(&[View::Names, View::Presence]),
        0..=3 => View::Changes,
        4..=5 => View::Count,
        6 => View::Nothing,
        _ => choices.pick(&[View::Changes, View::Presence]),
    }
}

/// A name; some are shared.
fn naming(number: usize, choices: &mut Choices) -> Naming {
    let (said, canonical) = match choices.below(14) {
        0..=4 => (format!("shared {}", choices.below(4)), None),
        5 => ("Rene\u{301}".to_owned(), Some(Ok("Ren\u{e9}".to_owned()))),
        6 => (format!(" <b>&\"'  {number} "), Some(Ok(format!("<b>&\"' {number}")))),
        7 => {
            let (said, code) = choices.pick(&FLAWED_NAMES);
            (said.to_owned(), Some(Err(code)))
        }
        _ => (format!("client {number} as {}", choices.below(3)), None),
    };
    let canonical = canonical.unwrap_or_else(|| Ok(said.clone()));
    Naming { said, canonical }
}

/// What somebody says of itself.
fn update(choices: &mut Choices) -> Update {
    let mut update = Update::default();
    if choices.chance(3) {
        update.status = Some(choices.pick(&[Status::Idle, Status::Hidden, Status::Active]));
    }
    if choices.chance(2) {
        for key in ["a", "b", "é\\\""] {
            if choices.chance(2) {
                update.data.push((key, value(choices)));
            }
        }
    }
    if choices.chance(16) {
        update.flaw = Some(choices.below(FLAWS.len() as u32) as usize);
    }
    update
}

/// The value of a key in JSON, or none.
fn value(choices: &mut Choices) -> Option<String> {
    match choices.below(6) {
        0 | 1 => None,
        2 => Some(choices.below(3).to_string()),
        3 => Some(format!("{{\"x\":[{},true]}}", choices.below(2))),
        4 => Some(format!("\"{}\"", "long ".repeat(40))),
        _ => Some("\"李\"".to_owned()),
    }
}

pub fn pause(choices: &mut Choices) -> Step {
    let most = choices.pick(&[5, 100, 1000, 8000]);
    Step::Wait(choices.between(1, most))
}

/// One of the ways to go.
pub fn go(choices: &mut Choices) -> Step {
    LAST[choices.below(LAST.len() as u32) as usize].clone()
}

/// Now and then something that a client does not do by itself.
fn mischief(steps: &mut Vec<Step>, choices: &mut Choices) {
    if !choices.chance(12) {
        return;
    }
    let step = match choices.below(10) {
        0 => Step::Violate(choices.below(11) as u8),
        1 => Step::Flood(choices.pick(&[15, 60, 400])),
        2 | 3 => Step::ZeroWindow,
        4 | 5 => Step::SlowReader(choices.pick(&[1, 20, 300, 5000])),
        6 => Step::FastReader,
        _ => go(choices),
    };
    steps.push(step);
}

/// What it does after it has sent Close.
pub fn after_close(choices: &mut Choices) -> Vec<Step> {
    let step = match choices.below(9) {
        0..=4 => Step::ZeroWindow,
        5 => Step::SlowReader(choices.pick(&[1, 20])),
        6 => go(choices),
        _ => return Vec::new(),
    };
    if choices.chance(2) { vec![step] } else { vec![step, pause(choices), go(choices)] }
}

/// What it does after it has broken the protocol: it goes on talking, as who does that would.
pub fn after_violation(choices: &mut Choices) -> Vec<Step> {
    let mut steps = Vec::new();
    for _ in 0..choices.below(4) {
        steps.extend([pause(choices), Step::Flood(choices.pick(&[1, 60, 400]))]);
    }
    steps
}

/// What RFC 6455 forbids, or what is too much; and the code that says so.
pub fn violation(how: u8) -> (Vec<u8>, u16) {
    match how {
        0 => (wire::frame(0x83, b"reserved opcode"), 1002),
        1 => (wire::frame(0xA1, b"reserved bit"), 1002),
        2 => (vec![0x81, 0x05, b'h', b'e', b'l', b'l', b'o'], 1002),
        3 => (wire::frame(0x81, &[0xC0, 0xAF]), 1007),
        4 => (wire::frame(0x80, b"continues nothing"), 1002),
        5 => (wire::frame(0x09, b"a fragmented ping"), 1002),
        6 => (wire::frame(0x89, &[b'p'; 126]), 1002),
        7 => (wire::frame(0x01, b"").repeat(2), 1002),
        8 => {
            let length = (1_u64 << 40) + 1;
            ([&[0x82, 0xFF][..], &length.to_be_bytes(), &[1, 2, 3, 4]].concat(), 1009)
        }
        9 => {
            let fragments = wire::frame(0x00, b"").repeat(70);
            ([wire::frame(0x01, b""), fragments].concat(), 1009)
        }
        _ => {
            let fragments = wire::frame(0x00, &[b'x'; 1000]).repeat(20);
            ([wire::frame(0x01, b""), fragments].concat(), 1009)
        }
    }
}
