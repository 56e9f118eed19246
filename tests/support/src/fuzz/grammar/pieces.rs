//! Texts, as pieces with joints between them: words are put in, pieces are dropped, doubled,
//! exchanged and repeated up to a limit.

use crate::fuzz::splits::Xorshift;

/// What a text is made of.
pub struct Words {
    words: &'static [&'static [u8]],
    /// Whether one piece ends with a byte and another begins, by the byte.
    joints: [bool; 256],
    /// How often something is repeated to reach a limit or pass it.
    counts: &'static [usize],
    /// Appends something whole.
    make: fn(&mut Vec<u8>, &mut Xorshift),
}

const fn table(mut bytes: &[u8]) -> [bool; 256] {
    let mut table = [false; 256];
    while let [byte, rest @ ..] = bytes {
        table[*byte as usize] = true;
        bytes = rest;
    }
    table
}

pub static HEAD: Words = Words {
    words: &[
        b"\r\n",
        b"\n",
        b"\r",
        b"\r\n\r\n",
        b" ",
        b"\t",
        b":",
        b": ",
        b",",
        b"\0",
        b"\x7f",
        b"\xe9",
        b"GET / HTTP/1.1\r\n",
        b"HEAD / HTTP/1.1\r\n",
        b"POST /a?b=c HTTP/1.1\r\n",
        b"OPTIONS * HTTP/1.1\r\n",
        b"CONNECT a:1 HTTP/1.1\r\n",
        b"GET http://b/c HTTP/1.0\r\n",
        b"HTTP/1.0",
        b"HTTP/1.9",
        b"HTTP/2.0",
        b"GET",
        b"HEAD",
        b"get",
        b"/",
        b"/%41%2F",
        b"/%zz",
        b"http://",
        b"https://",
        b"?",
        b"#",
        b"[::1]",
        b"a:65535",
        b"a:65536",
        b"a%20b",
        b"Host: a\r\n",
        b"Host: a:80\r\n",
        b"host:\r\n",
        b"Host: a, b\r\n",
        b"Connection: close\r\n",
        b"Connection: keep-alive, Upgrade\r\n",
        b"Upgrade: websocket\r\n",
        b"Sec-WebSocket-Version: 13\r\n",
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n",
        b"Sec-WebSocket-Protocol: headcount.v1\r\n",
        b"Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n",
        b"server_max_window_bits=9",
        b"client_no_context_takeover",
        b"; ",
        b"Content-Length: 0\r\n",
        b"Content-Length: 5\r\n",
        b"Content-Length: 65536\r\n",
        b"Content-Length: 65537\r\n",
        b"Content-Length: 18446744073709551615\r\n",
        b"Content-Length: +5\r\n",
        b"Transfer-Encoding: chunked\r\n",
        b"Transfer-Encoding: gzip, chunked\r\n",
        b"Expect: 100-continue\r\n",
        b"X : y\r\n",
        b" folded\r\n",
        b"5\r\nhello\r\n0\r\n\r\n",
        b"hello",
    ],
    joints: table(b" \r\n:,;=/"),
    counts: &[2, 3, 4, 5, 22, 23, 24, 25, 63, 64, 65, 127, 255, 1023, 1024],
    make: |out, random| {
        let target = "a".repeat([1, 22, 23, 24, 1022, 1023, 1024][random.below(7)]);
        let fields = [0, 2, 3, 4, 62, 63, 64][random.below(7)];
        let method = ["GET", "HEAD", "POST", "OPTIONS"][random.below(4)];
        out.extend_from_slice(format!("{method} /{target} HTTP/1.1\r\nHost: a\r\n").as_bytes());
        out.extend(b"x: y\r\n".repeat(fields));
        out.extend_from_slice(b"\r\n");
    },
};

pub static BODY: Words = Words {
    words: &[
        b"\r\n",
        b"\n",
        b"\r",
        b"0\r\n\r\n",
        b"0\r\n",
        b"5\r\nhello\r\n",
        b"A",
        b"f",
        b"0",
        b"00",
        b";",
        b"a",
        b"=",
        b"\"",
        b"\\",
        b" ",
        b"\t",
        b":",
        b"X: y\r\n",
        b";a=b",
        b";a=\"b\"",
        b"; a = \"\\\"\"",
        b"ffffffffffffffff",
        b"8000000000000000",
        b"64",
        b"65",
        b"\x7f",
        b"\xe9",
        b"5 chunked\n",
        b"100 chunked\n",
        b"5 5\n",
        b"5 6\n",
        b"0 0\n",
        b"5 chunked\n0\r\n\r\n",
    ],
    joints: table(b" \r\n:;=\""),
    counts: &[2, 3, 15, 16, 17, 20, 100, 500],
    make: |out, random| {
        let size = [1, 2, 15, 16, 17, 99, 100, 101][random.below(8)];
        let size_line = [format!("{size:x}"), format!("{size:X};a=b")][random.below(2)].clone();
        out.extend_from_slice(size_line.as_bytes());
        out.extend_from_slice(b"\r\n");
        out.resize(out.len() + size, b'x');
        out.extend_from_slice(b"\r\n");
        if random.below(2) == 0 {
            out.extend_from_slice(b"0\r\n\r\n");
        }
    },
};

pub static PACKET: Words = Words {
    words: &[
        b"0",
        b"1",
        b"2",
        b"3",
        b"4",
        b"51-",
        b"62-",
        b"/x,",
        b"/",
        b",",
        b"-",
        b"12",
        b"18446744073709551615",
        b"18446744073709551616",
        b"4294967295",
        b"[",
        b"]",
        b"{",
        b"}",
        b"\"a\"",
        b"\"connect\"",
        b"\"\\u0063onnect\"",
        b"\"newListener\"",
        b"\"a\":",
        b":",
        b"-1.5e3",
        b"01",
        b"1e400",
        b"null",
        b"true",
        b"\"\\ud800\"",
        b"\"\\",
        b"\xe2\x82\xac",
        b" ",
        b"\x01",
        b"{\"_placeholder\":true,\"num\":0}",
    ],
    joints: table(b"[]{},:\"/-"),
    counts: &[2, 3, 4, 5, 6, 98, 99, 100, 101],
    make: |out, random| {
        let kind = random.below(7);
        out.push(b'0' + kind as u8);
        if kind > 4 {
            let attachments = [0, 1, 2, 3, 4, 999, 1000, 1001][random.below(8)];
            out.extend_from_slice(format!("{attachments}-").as_bytes());
        }
        let namespace = [0, 1, 2, 5, 6, 1000, 1001][random.below(7)];
        if namespace > 0 {
            out.push(b'/');
            out.resize(out.len() + namespace - 1, b'x');
            out.push(b',');
        }
        out.extend_from_slice([&b""[..], b"0", b"7", b"18446744073709551615"][random.below(4)]);
        if [0, 1, 4].contains(&kind) {
            out.extend_from_slice([&b""[..], b"{}", b"{\"a\":1}", b"\"a\""][random.below(4)]);
            return;
        }
        let name = ["\"a\"", "\"connect\"", "\"\\u0063onnect\"", "1"][random.below(4)];
        // In one another, with the array of the packet.
        let arrays = [1, 2, 3, 4, 99, 100, 101][random.below(7)];
        out.extend_from_slice(format!("[{name}").as_bytes());
        if arrays > 1 {
            out.push(b',');
            out.extend(b"[".repeat(arrays - 1));
        }
        out.extend(b"]".repeat(arrays));
    },
};

/// Changes a text in one to three places.
pub fn change(input: &mut Vec<u8>, words: &Words, random: &mut Xorshift) {
    for _ in 0..1 + random.below(3) {
        let (start, end) = piece(input, &words.joints, random);
        match random.below(8) {
            0..3 => insert(input, start, word(words, random)),
            3 => drop(input.splice(start..end, word(words, random).iter().copied())),
            4 => drop(input.drain(start..end)),
            5 => {
                let piece = input[start..end].to_vec();
                let (place, _) = self::piece(input, &words.joints, random);
                insert(input, place, &piece);
            }
            6 => {
                let count = words.counts[random.below(words.counts.len())];
                let once = if end > start { input[start..end].to_vec() } else { b"a".to_vec() };
                let most = crate::fuzz::fast::INPUT_MAX / once.len();
                insert(input, end, &once.repeat(count.min(most)));
            }
            _ => {
                let mut made = Vec::new();
                (words.make)(&mut made, random);
                match random.below(4) {
                    0 => *input = made,
                    at => insert(input, [start, end, 0][at - 1], &made),
                }
            }
        }
    }
}

fn word(words: &Words, random: &mut Xorshift) -> &'static [u8] {
    words.words[random.below(words.words.len())]
}

fn insert(input: &mut Vec<u8>, at: usize, bytes: &[u8]) {
    input.splice(at..at, bytes.iter().copied());
}

/// Where a piece begins and ends: at joints.
fn piece(input: &[u8], joints: &[bool; 256], random: &mut Xorshift) -> (usize, usize) {
    let is_joint = |byte: &u8| joints[usize::from(*byte)];
    let from = random.below(input.len() + 1);
    let start = input[..from].iter().rposition(is_joint).map_or(0, |at| at + 1);
    let end = input[from..].iter().position(is_joint).map_or(input.len(), |at| from + at + 1);
    (start, end)
}
