//! Text that is not UTF-8 (A11): RFC 6455 §8.1, and the classes of chapter 6 of the Autobahn suite.

use super::{Bare, generous};
use crate::wire::{self, Told};

/// By the chapter of the suite; before and after each of them comes what is right.
const SEQUENCES: &[(&str, &[u8])] = &[
    ("6.2 right", "Hello-µ@ßöäüàá-UTF-8!!".as_bytes()),
    ("6.3 a surrogate", b"\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5\xed\xa0\x80edited"),
    ("6.4 beyond U+10FFFF", b"\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5\xf4\x90\x80\x80edited"),
    ("6.6 cut after 1", b"\xce"),
    ("6.6 cut after 3", b"\xce\xba\xe1"),
    ("6.6 cut after 4", b"\xce\xba\xe1\xbd"),
    ("6.7 shortest of 1", b"\x00"),
    ("6.7 shortest of 2", b"\xc2\x80"),
    ("6.7 shortest of 3", b"\xe0\xa0\x80"),
    ("6.7 shortest of 4", b"\xf0\x90\x80\x80"),
    ("6.8 shortest of 5", b"\xf8\x88\x80\x80\x80"),
    ("6.8 shortest of 6", b"\xfc\x84\x80\x80\x80\x80"),
    ("6.9 longest of 1", b"\x7f"),
    ("6.9 longest of 2", b"\xdf\xbf"),
    ("6.9 longest of 3", b"\xef\xbf\xbf"),
    ("6.9 longest of 4", b"\xf4\x8f\xbf\xbf"),
    ("6.10 longest of 4, beyond", b"\xf7\xbf\xbf\xbf"),
    ("6.10 longest of 5", b"\xfb\xbf\xbf\xbf\xbf"),
    ("6.10 longest of 6", b"\xfd\xbf\xbf\xbf\xbf\xbf"),
    ("6.11 before the surrogates", b"\xed\x9f\xbf"),
    ("6.11 after the surrogates", b"\xee\x80\x80"),
    ("6.11 U+FFFD", b"\xef\xbf\xbd"),
    ("6.11 U+10FFFF", b"\xf4\x8f\xbf\xbf"),
    ("6.11 U+110000", b"\xf4\x90\x80\x80"),
    ("6.12 first continuation", b"\x80"),
    ("6.12 last continuation", b"\xbf"),
    ("6.12 continuations", b"\x80\xbf\x80\xbf\x80\xbf"),
    ("6.13 lonely starts of 2", b"\xc0 \xc1 \xc2 \xdf "),
    ("6.13 lonely starts of 3", b"\xe0 \xe1 \xef "),
    ("6.13 lonely starts of 4", b"\xf0 \xf4 \xf7 "),
    ("6.13 lonely starts of 5", b"\xf8 \xfb "),
    ("6.13 lonely starts of 6", b"\xfc \xfd "),
    ("6.14 last byte missing, 2", b"\xc0"),
    ("6.14 last byte missing, 3", b"\xe0\x80"),
    ("6.14 last byte missing, 4", b"\xf0\x80\x80"),
    ("6.14 last byte missing, 2", b"\xdf"),
    ("6.14 last byte missing, 3", b"\xef\xbf"),
    ("6.14 last byte missing, 4", b"\xf4\x8f\xbf"),
    (
        "6.15 one after the other",
        b"\xc0\xe0\x80\xf0\x80\x80\xf8\x80\x80\x80\xfc\x80\x80\x80\x80\xdf",
    ),
    ("6.16 impossible", b"\xfe"),
    ("6.16 impossible", b"\xff"),
    ("6.16 impossible", b"\xfe\xfe\xff\xff"),
    ("6.17 overlong slash of 2", b"\xc0\xaf"),
    ("6.17 overlong slash of 3", b"\xe0\x80\xaf"),
    ("6.17 overlong slash of 4", b"\xf0\x80\x80\xaf"),
    ("6.17 overlong slash of 5", b"\xf8\x80\x80\x80\xaf"),
    ("6.18 overlong, the longest of 2", b"\xc1\xbf"),
    ("6.18 overlong, the longest of 3", b"\xe0\x9f\xbf"),
    ("6.18 overlong, the longest of 4", b"\xf0\x8f\xbf\xbf"),
    ("6.19 overlong NUL of 2", b"\xc0\x80"),
    ("6.19 overlong NUL of 3", b"\xe0\x80\x80"),
    ("6.19 overlong NUL of 4", b"\xf0\x80\x80\x80"),
    ("6.20 single surrogates", b"\xed\xa0\x80"),
    ("6.20 single surrogates", b"\xed\xad\xbf"),
    ("6.20 single surrogates", b"\xed\xae\x80"),
    ("6.20 single surrogates", b"\xed\xaf\xbf"),
    ("6.20 single surrogates", b"\xed\xb0\x80"),
    ("6.20 single surrogates", b"\xed\xbe\x80"),
    ("6.20 single surrogates", b"\xed\xbf\xbf"),
    ("6.21 paired surrogates", b"\xed\xa0\x80\xed\xb0\x80"),
    ("6.21 paired surrogates", b"\xed\xa0\x80\xed\xbf\xbf"),
    ("6.21 paired surrogates", b"\xed\xaf\xbf\xed\xb0\x80"),
    ("6.22 noncharacters are text", b"\xef\xbf\xbe\xef\xbf\xbf\xf0\x9f\xbf\xbe\xf4\x8f\xbf\xbf"),
    (
        "6.23 U+FFF9 and on are text",
        b"\xef\xbf\xb9\xef\xbf\xba\xef\xbf\xbb\xef\xbf\xbc\xef\xbf\xbf",
    ),
];

/// The length after which `bytes` can't become text any more, whatever follows.
fn first_bad(bytes: &[u8]) -> Option<usize> {
    (1..=bytes.len()).find(|&length| {
        std::str::from_utf8(&bytes[..length]).is_err_and(|error| error.error_len().is_some())
    })
}

/// Sends `frames`, each with the number of payload bytes that are then there, and says what comes
/// of it: the Close must come with the first bad byte, or with the end of a text that is cut off.
fn check(case: &str, text: &[u8], frames: &[(Vec<u8>, usize)]) {
    let mut server = Bare::with(generous());
    let id = server.open("/echo", "");
    for (index, (frame, given)) in frames.iter().enumerate() {
        server.send(id, frame);
        let told = wire::take_frames(&mut server.take(id));
        let is_last = index + 1 == frames.len();
        let is_bad = first_bad(text).is_some_and(|bad| *given >= bad)
            || is_last && std::str::from_utf8(text).is_err();
        if is_bad {
            assert_eq!(told, [Told::Close(Some(1007))], "{case} after {given}");
            return;
        }
        let expected = String::from_utf8(text.to_vec()).map(Told::Text);
        let expected: Vec<Told> = expected.into_iter().filter(|_| is_last).collect();
        assert_eq!(told, expected, "{case} after {given}");
    }
}

#[test]
fn a11_text_that_is_not_utf8_fails_at_its_first_bad_byte_however_it_is_split() {
    for &(case, sequence) in SEQUENCES {
        for (before, after) in [("", ""), ("κόσμε ", ""), ("", "after"), ("a", "é")] {
            let text = [before.as_bytes(), sequence, after.as_bytes()].concat();
            let whole = wire::frame(0x81, &text);
            check(case, &text, &[(whole.clone(), text.len())]);
            // One frame, of which each byte comes in a segment of its own.
            let start = whole.len() - text.len();
            let mut bytes = vec![(whole[..start].to_vec(), 0)];
            bytes.extend((0..text.len()).map(|index| (vec![whole[start + index]], index + 1)));
            check(case, &text, &bytes);
            for cut in 0..=text.len() {
                // Two fragments, split at each place; and with a pong between the two, which must
                // not be taken for a part of the text.
                let (front, back) = text.split_at(cut);
                let (front, back) = (wire::frame(0x01, front), wire::frame(0x80, back));
                check(case, &text, &[(front.clone(), cut), (back.clone(), text.len())]);
                let pong = wire::frame(0x8A, b"\xff");
                check(case, &text, &[(front, cut), (pong, cut), (back, text.len())]);
            }
            // Each byte in a fragment of its own, between empty ones.
            let mut frames = vec![(wire::frame(0x01, b""), 0)];
            for (index, byte) in text.iter().enumerate() {
                frames.push((wire::frame(0x00, &[*byte]), index + 1));
                frames.push((wire::frame(0x00, b""), index + 1));
            }
            frames.push((wire::frame(0x80, b""), text.len()));
            check(case, &text, &frames);
        }
    }
}

/// Every sequence of one and two bytes, and of three and four with all starts and some of the rest.
#[test]
fn a11_every_short_sequence_is_judged_as_the_standard_library_does() {
    let some = [0x00, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xFF_u8];
    let mut texts: Vec<Vec<u8>> = (0..=255_u8).map(|byte| vec![byte]).collect();
    texts.extend((0..=0xFFFF_u16).map(|pair| pair.to_be_bytes().to_vec()));
    for first in 0xE0..=0xFF {
        for second in some {
            for third in some {
                texts.push(vec![first, second, third]);
                texts.extend(some.map(|fourth| vec![first, second, third, fourth]));
            }
        }
    }
    let mut server = Bare::with(generous());
    let mut id = server.open("/echo", "");
    for text in texts {
        server.send(id, &wire::frame(0x81, &text));
        let told = wire::take_frames(&mut server.take(id));
        match String::from_utf8(text) {
            Ok(text) => assert_eq!(told, [Told::Text(text)]),
            Err(error) => {
                assert_eq!(told, [Told::Close(Some(1007))], "{error}");
                server.hub.lost(id);
                server.turn();
                id = server.open("/echo", "");
            }
        }
    }
}
