//! Packets of Socket.IO: what one is says its text again.

use std::cell::RefCell;

use headcount::socketio::{Packet, PacketLimits};

use super::INPUT_MAX;
use super::cuts::drawn_from;
use crate::fuzz::packets::{LIMITS, expected};

thread_local! {
    static WRITTEN: RefCell<Vec<u8>> = RefCell::default();
}

/// The target: the text of one packet.
pub fn packet(input: &[u8]) {
    let Ok(text) = str::from_utf8(&input[..input.len().min(INPUT_MAX)]) else { return };
    let limits = &LIMITS[drawn_from(input).below(2)];
    let found = Packet::decode(text, limits);
    assert_eq!(found.ok(), expected(text, limits), "{found:?}");
    if let Ok(packet) = found {
        WRITTEN.with_borrow_mut(|written| check(&packet, limits, written));
    }
}

fn check(packet: &Packet<'_>, limits: &PacketLimits, written: &mut Vec<u8>) {
    assert!(packet.attachments <= limits.attachments_max);
    assert!(packet.namespace.len() <= limits.namespace_bytes_max as usize);
    written.clear();
    packet.encode(written);
    let again = str::from_utf8(written).expect("a packet is text");
    assert_eq!(Packet::decode(again, limits).as_ref(), Ok(packet), "written as {again}");
}
