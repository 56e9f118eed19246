//! What a client is like, and what it is going to do.

use super::choices::Choices;
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
}

/// A step of what it does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// So many ms.
    Wait(u32),
    Open,
    /// Asks for this path, with GET or HEAD.
    Ask(&'static str, bool),
    Login(String),
    Logout,
    /// Joins the other of two namespaces, and leaves this one; its name goes along.
    Move,
    Ping,
    /// So many bytes.
    Echo(u32),
    /// Says something that is answered with an error.
    Nonsense,
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
}

/// The ways to go.
const LAST: [Step; 5] = [Step::Fin, Step::Reset, Step::Vanish, Step::HalfClose, Step::Close(1000)];

/// Changes of name that a client makes at most: more than five in a minute are refused.
const LOGINS_MAX: u32 = 4;

/// The namespaces that a client of Socket.IO may be in: what its packets say for each.
pub const NAMESPACES: [&str; 2] = ["", "/room,"];

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

/// What client `number` does, in order.
pub fn script(kind: Kind, number: usize, choices: &mut Choices) -> Vec<Step> {
    let mut steps = vec![Step::Open];
    match kind {
        Kind::Native { .. } | Kind::SocketIo => take_part(&mut steps, number, choices),
        Kind::Echo => {
            for _ in 0..choices.between(1, 4) {
                let length = choices.pick(&[0, 9, 125, 126, 4000, ECHO_BYTES_MAX]);
                steps.extend([pause(choices), Step::Echo(length)]);
                mischief(&mut steps, choices);
            }
        }
        Kind::Page => {
            steps.clear();
            for _ in 0..choices.between(1, 5) {
                let path = choices.pick(&["/", "/healthz", "/roster", "/none", "/headcount.js"]);
                steps.push(Step::Ask(path, choices.chance(4)));
                if choices.chance(2) {
                    steps.push(pause(choices));
                }
                mischief(&mut steps, choices);
            }
            steps.extend([Step::Wait(500), Step::Fin]);
        }
        Kind::Slowloris | Kind::Silent | Kind::Noise => {}
    }
    // Most stay, so that there is somebody to tell.
    if choices.chance(3) {
        steps.extend([pause(choices), go(choices)]);
    }
    steps
}

fn take_part(steps: &mut Vec<Step>, number: usize, choices: &mut Choices) {
    let mut logins = 0;
    for _ in 0..choices.between(1, 6) {
        steps.push(pause(choices));
        let step = match choices.below(13) {
            0..=6 if logins < LOGINS_MAX => {
                logins += 1;
                // Some names are shared.
                Step::Login(match choices.below(4) {
                    0 => format!("shared {}", choices.below(4)),
                    _ => format!("client {number} as {}", choices.below(3)),
                })
            }
            7..=8 => Step::Logout,
            9 => Step::Ping,
            10 => Step::Nonsense,
            11 => Step::Move,
            _ => Step::Wait(choices.between(1, 3000)),
        };
        steps.push(step);
        mischief(steps, choices);
    }
}

fn pause(choices: &mut Choices) -> Step {
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
