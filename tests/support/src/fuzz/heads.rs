//! Requests, most of all their heads: every split gives the same verdicts, and what is accepted has
//! one meaning.

use headcount::http::{
    BodyDecoder, BodyLength, FieldStorage, HeadLimits, HeadScanner, Method, RequestError,
    RequestHead, Version,
};
use headcount::ws::handshake::{self, Wishes};

use super::fields::check_refusal;
use super::listener::Asked;
use super::splits::splits;

/// The server's own limits, and some that are soon reached.
pub const LIMITS: [HeadLimits; 2] = [
    HeadLimits { head_bytes_max: 8 * 1024, fields_max: 64, target_bytes_max: 1024 },
    HeadLimits { head_bytes_max: 256, fields_max: 4, target_bytes_max: 24 },
];

/// The largest body, as the server has it if it is told nothing.
pub const BODY_BYTES_MAX: u64 = 64 * 1024;

/// What became of the input from one point on.
#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    Accepted(Facts),
    /// The body of what was accepted goes wrong.
    Broken(RequestError),
    Refused {
        error: RequestError,
        /// Whether the answer has no content.
        is_head: bool,
    },
}

/// All that anybody asks of a head.
#[derive(Debug, PartialEq, Eq)]
struct Facts {
    bytes: Vec<u8>,
    method: Method,
    path: String,
    query: String,
    version: Version,
    host: Vec<u8>,
    keeps_alive: bool,
    body: BodyLength,
    expects_continue: bool,
    /// The answer to it as a handshake.
    handshake: Result<Vec<u8>, String>,
}

/// The target: one request after the other, as they come.
pub fn head_thorough(input: &[u8]) {
    for limits in &LIMITS {
        let mut splits = splits(input).into_iter();
        let whole = splits.next().map(|pieces| verdicts(&pieces, limits));
        for pieces in splits {
            let verdicts = verdicts(&pieces, limits);
            assert_eq!(Some(&verdicts), whole.as_ref(), "in pieces of {:?}", lengths(&pieces));
        }
        for verdict in whole.into_iter().flatten() {
            match verdict {
                Verdict::Accepted(facts) => check(&facts, limits),
                Verdict::Broken(error) | Verdict::Refused { error, .. } => check_refusal(error),
            }
        }
    }
}

/// What is asked by the requests in `input`, one after the other.
pub fn asked(input: &[u8]) -> Vec<Asked> {
    let asked = |verdict| match verdict {
        Verdict::Accepted(facts) => {
            Some(Asked { is_head: facts.method == Method::Head, is_echo: facts.path == "/echo" })
        }
        Verdict::Broken(_) => None,
        Verdict::Refused { is_head, .. } => Some(Asked { is_head, is_echo: false }),
    };
    verdicts(&[input], &LIMITS[0]).into_iter().filter_map(asked).collect()
}

fn lengths(pieces: &[&[u8]]) -> Vec<usize> {
    pieces.iter().map(|piece| piece.len()).collect()
}

/// The verdicts on `pieces`, which come one after the other; nothing is looked at after a refusal.
fn verdicts(pieces: &[&[u8]], limits: &HeadLimits) -> Vec<Verdict> {
    let mut verdicts = Vec::new();
    let mut scanner = HeadScanner::default();
    let mut body: Option<BodyDecoder> = None;
    let mut buffer = Vec::new();
    for piece in pieces {
        buffer.extend_from_slice(piece);
        loop {
            if let Some(decoder) = &mut body {
                match decoder.decode(&buffer).map(|decoded| (decoded.used, decoded.is_complete)) {
                    Ok((0, false)) => break,
                    Ok((used, is_complete)) => {
                        buffer.drain(..used);
                        body = body.filter(|_| !is_complete);
                        continue;
                    }
                    Err(error) => {
                        verdicts.push(Verdict::Broken(error));
                        return verdicts;
                    }
                }
            }
            let outcome = match scanner.scan(&buffer, limits) {
                Ok(None) => break,
                Ok(Some(length)) => decode(&buffer[..length], limits),
                Err(error) => Err(error),
            };
            match outcome {
                Ok(facts) => {
                    buffer.drain(..facts.bytes.len());
                    scanner = HeadScanner::default();
                    let length = facts.body;
                    verdicts.push(Verdict::Accepted(facts));
                    match BodyDecoder::new(length, BODY_BYTES_MAX) {
                        Ok(decoder) => body = Some(decoder),
                        Err(error) => {
                            verdicts.push(Verdict::Broken(error));
                            return verdicts;
                        }
                    }
                }
                Err(error) => {
                    let is_head = scanner.is_head(&buffer, limits);
                    verdicts.push(Verdict::Refused { error, is_head });
                    return verdicts;
                }
            }
        }
    }
    verdicts
}

fn decode(bytes: &[u8], limits: &HeadLimits) -> Result<Facts, RequestError> {
    let mut storage = FieldStorage::default();
    let head = RequestHead::decode(bytes, limits, &mut storage)?;
    let mut answer = Vec::new();
    let wishes =
        Wishes { subprotocol: Some("headcount.v1"), deflates: true, allows_takeover: true };
    let handshake = handshake::accept(&head, wishes, &mut answer);
    Ok(Facts {
        bytes: bytes.to_vec(),
        method: head.method,
        path: head.path.to_string(),
        query: head.query.to_owned(),
        version: head.version,
        host: head.host.to_vec(),
        keeps_alive: head.keeps_alive(),
        body: head.body,
        expects_continue: head.expects_continue,
        handshake: handshake.map(|_| answer).map_err(|error| error.to_string()),
    })
}

/// Reads an accepted head again, line by line, and refuses what two readers could disagree on.
fn check(facts: &Facts, limits: &HeadLimits) {
    let shown = facts.bytes.escape_ascii();
    assert!(facts.bytes.len() <= limits.head_bytes_max, "{shown}");
    let text = String::from_utf8_lossy(&facts.bytes);
    let (head, after) = text.trim_start_matches("\r\n").split_once("\r\n\r\n").expect("an end");
    assert_eq!(after, "", "one head: {shown}");
    let mut lines = head.split("\r\n");
    let request_line: Vec<&str> = lines.next().unwrap_or_default().split(' ').collect();
    let [method, target, version] = request_line[..] else { panic!("{shown}") };
    assert!(target.len() <= limits.target_bytes_max, "{shown}");
    let minor = version.strip_prefix("HTTP/1.").unwrap_or_default();
    assert!(minor.len() == 1 && minor.parse::<u8>().is_ok(), "{shown}");
    assert_eq!(facts.version == Version::Http10, version == "HTTP/1.0", "{shown}");

    let mut hosts = 0;
    let mut fields = 0;
    let (mut lengths, mut codings) = (Vec::new(), Vec::new());
    for line in lines {
        fields += 1;
        // RFC 9112 §5.2: a line that begins with white space once continued the one before.
        assert!(!line.contains(['\r', '\n', '\0']) && !line.starts_with([' ', '\t']), "{shown}");
        let (name, value) = line.split_once(':').expect("a field has a colon");
        // RFC 9112 §5.1: white space before the colon has let requests be smuggled.
        let is_tchar = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
        assert!(!name.is_empty() && name.chars().all(is_tchar), "{shown}");
        hosts += u32::from(name.eq_ignore_ascii_case("host"));
        let value = value.trim_matches([' ', '\t']);
        match &*name.to_ascii_lowercase() {
            "transfer-encoding" => codings.push(value.to_ascii_lowercase()),
            "content-length" => lengths.push(value.to_owned()),
            _ => {}
        }
    }
    // RFC 9112 §6: one length, or one coding, and never both.
    let length = match (&lengths[..], &codings[..]) {
        ([], []) => BodyLength::Known(0),
        ([digits], []) if digits.chars().all(|c| c.is_ascii_digit()) => {
            BodyLength::Known(digits.parse().expect("it is no more than there is room for"))
        }
        ([], [coding]) if coding == "chunked" && version != "HTTP/1.0" => BodyLength::Chunked,
        _ => panic!("two readers: {shown}"),
    };
    assert_eq!(facts.body, length, "{shown}");
    let may_expect = version != "HTTP/1.0" && length != BodyLength::Known(0);
    assert!(may_expect || !facts.expects_continue, "{shown}");
    assert!(fields <= limits.fields_max, "{shown}");
    assert!(hosts == 1 || hosts == 0 && version == "HTTP/1.0", "{shown}");
    check_target(facts, method, target);
}

fn check_target(facts: &Facts, method: &str, target: &str) {
    let shown = facts.bytes.escape_ascii();
    assert!(target.bytes().all(|byte| byte.is_ascii_graphic()), "{shown}");
    match method {
        "CONNECT" if facts.path.is_empty() => {}
        "OPTIONS" if target == "*" => assert_eq!(facts.path, "*"),
        _ => {
            assert!(facts.path.starts_with('/') && !facts.path.contains('\0'), "{shown}");
            let path = target.split('?').next().unwrap_or_default();
            // An escape is three characters for one byte, and none of them is a slash.
            let escapes = path.matches('%').count();
            if target.starts_with('/') {
                assert_eq!(facts.path.len(), path.len() - 2 * escapes, "{shown}");
                assert_eq!(facts.path.matches('/').count(), path.matches('/').count(), "{shown}");
            }
        }
    }
    if facts.host.is_empty() {
        assert_eq!(facts.version, Version::Http10, "{shown}");
        return;
    }
    let host = str::from_utf8(&facts.host).expect("a host is ASCII");
    assert!(host.bytes().all(|byte| byte.is_ascii_graphic()), "{shown}");
    assert!(!host.contains(['/', '?', '#', '@', '\\', ',', '"', '<', '>']), "{shown}");
    let (name, port) = match host.rfind(']') {
        Some(end) => host.split_at(end + 1),
        None => host.split_at(host.find(':').unwrap_or(host.len())),
    };
    assert!(!name.is_empty(), "{shown}");
    let port = port.strip_prefix(':').unwrap_or(port);
    assert!(port.is_empty() || port.parse::<u16>().is_ok(), "{shown}");
    if facts.handshake.is_ok() {
        assert!(facts.version == Version::Http11, "{shown}");
    }
}
