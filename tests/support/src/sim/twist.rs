//! What sessions of Socket.IO do that begin by long-polling, besides what all clients do.

use super::choices::Choices;
use super::client::carrier::Fetch;
use super::script::{self, Step};
use crate::wire;

/// What a session does that begins by long-polling.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Twist {
    /// It moves to a WebSocket.
    Upgrade,
    /// Another WebSocket of it does this.
    Try(Vec<Step>),
    /// It has a second request of this kind beside the first.
    Twice(Fetch),
    /// It asks for nothing any more.
    Mute,
    /// It is slow to send its next packets.
    Slow,
    /// Its sockets go in this way.
    Drop(Box<Step>),
}

/// What a session does besides that begins by long-polling: most move to a WebSocket at some time.
pub fn twist(steps: &mut Vec<Step>, choices: &mut Choices) {
    let mut add = |twist: Twist, choices: &mut Choices| {
        let place = choices.between(1, steps.len() as u32) as usize;
        steps.insert(place, Step::Twist(twist));
    };
    if choices.chance(2) {
        add(Twist::Slow, choices);
    }
    if !choices.chance(4) {
        add(Twist::Upgrade, choices);
    }
    for _ in 0..choices.pick(&[0, 0, 1, 2]) {
        let tried = tried(choices);
        add(Twist::Try(tried), choices);
    }
    match choices.below(24) {
        0 => add(Twist::Twice(Fetch::Poll), choices),
        1 => add(Twist::Twice(Fetch::Post), choices),
        2 => add(Twist::Mute, choices),
        3..=6 => {
            let step = script::LAST[choices.below(4) as usize].clone();
            add(Twist::Drop(Box::new(step)), choices);
        }
        7 => add(Twist::Drop(Box::new(Step::ZeroWindow)), choices),
        8 => add(Twist::Drop(Box::new(Step::SlowReader(20))), choices),
        _ => {}
    }
}

/// What a WebSocket does to which no session moves.
fn tried(choices: &mut Choices) -> Vec<Step> {
    let mut steps = Vec::new();
    if !choices.chance(3) {
        steps.extend([Step::Wait(choices.between(1, 300)), Step::Send(wire::text("2probe"))]);
    }
    steps.push(script::pause(choices));
    steps.push(match choices.below(8) {
        0..=1 => Step::Close(1000),
        2 => Step::Send(wire::text("4hello")),
        3 => Step::ZeroWindow,
        4 => Step::SlowReader(20),
        _ => script::go(choices),
    });
    steps
}
