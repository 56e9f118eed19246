//! Lengths and masks of frames, in all their forms.

use crate::wire::{self, Told};
use crate::world::World;

/// All three forms of a length at their limits; a length that would fit a shorter form fails.
#[test]
fn lengths_have_their_shortest_form() {
    for length in [0_u64, 1, 125, 126, 127, 65_535, 65_536, 65_537] {
        let forms: [(u64, Vec<u8>); 3] = [
            (0, vec![0x80 | length.min(127) as u8]),
            (126, [vec![0xFE], (length as u16).to_be_bytes().to_vec()].concat()),
            (65_536, [vec![0xFF], length.to_be_bytes().to_vec()].concat()),
        ];
        for (index, (least, head)) in forms.into_iter().enumerate() {
            let most = [125, 65_535, u64::MAX][index];
            if length > most {
                continue; // It can't be written so.
            }
            let mut world = World::with_echo();
            let peer = world.open("/echo");
            let payload = vec![7; length as usize];
            let frame = [vec![0x82], head, vec![0; 4], payload.clone()].concat();
            // The header byte by byte, and the rest at once.
            let (header, rest) = frame.split_at(frame.len().min(14));
            for byte in header {
                world.send_quietly(peer, &[*byte]);
            }
            world.send(peer, rest);
            let expected =
                if length >= least { Told::Binary(payload) } else { Told::Close(Some(1002)) };
            assert!(world.told(peer) == [expected], "{length} in form {index}");
        }
    }
}

/// Unmasking is linear, so every length at every phase of the key with one payload is all of it.
#[test]
fn payloads_are_unmasked_wherever_they_are_cut() {
    let mut world = World::with_echo();
    let peer = world.open("/echo");
    for length in (0..40).chain([100, 125, 126, 200, 300]) {
        let payload: Vec<u8> = (0..length).map(|index: u32| (index * 7) as u8).collect();
        let frame = wire::frame(0x82, &payload);
        for cut in 0..frame.len().min(60) {
            world.send_quietly(peer, &frame[..cut]);
            world.send(peer, &frame[cut..]);
            assert_eq!(world.told(peer), [Told::Binary(payload.clone())], "{length} cut at {cut}");
        }
    }
}
