//! One connection, from accept to close: how its bytes are cut, and how fast it reads, changes
//! nothing of what it is told.

use headcount::api::Wanted;
use headcount::config::{Compression, Config, Limits};
use headcount::time::Time;

use super::census::Census;
use super::expected::{self, Expected, OFFER};
use super::heads;
use super::listener::{Asked, Listener, Stage};
use super::splits::{Xorshift, pieces};
use crate::wire;
use crate::world::{Peer, World};

/// A longer input is cut off: it adds time and nothing else.
const INPUT_MAX: usize = 4096;

/// What the client does besides sending its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Manner {
    /// It reads everything and then says that it sends no more.
    Polite,
    /// It is also slow to read.
    Slow,
    /// In the end it waits until the server gives up; before, too, unless rates apply.
    Silent,
}

/// How an input is to be understood.
struct Script<'a> {
    config: Config,
    handshake: Vec<u8>,
    bytes: &'a [u8],
    /// Whether no rate is reached, so that everything can be foretold.
    is_generous: bool,
}

/// A connection and what was said on it.
struct Talk {
    world: World,
    peer: Peer,
    asked: Vec<Asked>,
    listener: Listener,
    heard: Vec<u8>,
}

/// The target. The first byte says what the others are: frames to `/ws` after `w`, with the
/// server's own rates after `W`, with permessage-deflate after `d`; frames to `/echo` after `e`,
/// with permessage-deflate and windows that are kept after `D`. After another one all bytes are
/// sent as they are: requests, mostly.
pub fn connection(input: &[u8]) {
    let script = Script::new(&input[..input.len().min(INPUT_MAX)]);
    let whole = script.play(&[script.bytes], Manner::Polite);
    // A piece is a turn, so a long input has longer ones.
    let length = 1 + script.bytes.len() / 512;
    let bytewise: Vec<&[u8]> = script.bytes.chunks(length).collect();
    script.play(&bytewise, Manner::Polite).check_same(&whole, Manner::Polite);
    let mut random = Xorshift::seeded_by(input);
    for manner in [Manner::Polite, Manner::Slow, Manner::Silent] {
        let pieces = pieces(script.bytes, &mut random);
        script.play(&pieces, manner).check_same(&whole, manner);
    }
}

impl Script<'_> {
    fn new(input: &[u8]) -> Script<'_> {
        let (path, offer, is_generous) = match input.first() {
            Some(b'w') => ("/ws", "", true),
            Some(b'd') => ("/ws", OFFER, true),
            Some(b'e') => ("/echo", "", true),
            Some(b'D') => ("/echo", OFFER, true),
            Some(b'W') => ("/ws", "", false),
            _ => {
                let config = expected::default_config();
                return Script { config, handshake: vec![], bytes: input, is_generous: false };
            }
        };
        let mut config = match is_generous {
            true => expected::generous_config(),
            false => expected::default_config(),
        };
        if path == "/echo" {
            config.compression = Compression::Takeover;
        }
        let handshake = wire::handshake(path, offer);
        Script { config, handshake, bytes: &input[1..], is_generous }
    }

    /// What must come of it on the WebSocket that `listener` has opened.
    fn expected(&self, listener: &Listener) -> Expected {
        match listener.stage {
            _ if !self.is_generous => Expected::default(),
            Stage::Echo => Expected::echo(self.bytes, listener.deflate()),
            _ => Expected::roster(self.bytes, listener.deflate(), &[], ("", &self.config.limits)),
        }
    }

    /// Has a client send the bytes in `pieces`.
    fn play(&self, pieces: &[&[u8]], manner: Manner) -> Talk {
        let mut talk = Talk::start(self);
        let expected = self.expected(&talk.listener);
        let mut random = Xorshift::seeded_by(self.bytes);
        for piece in pieces.iter().filter(|piece| !piece.is_empty()) {
            if manner == Manner::Slow {
                let most = 1 << random.below(13);
                talk.world.set_room(talk.peer, random.below(most));
            }
            if !talk.wait_until_read() {
                break;
            }
            talk.world.send(talk.peer, piece);
            if manner == Manner::Silent && self.is_generous {
                talk.world.pass_ms(1);
            }
            talk.listen();
        }
        talk.world.set_room(talk.peer, usize::MAX);
        talk.world.turn();
        if manner == Manner::Silent {
            talk.world.pass_ms(120_000);
        } else if !talk.world.is_closed(talk.peer) {
            talk.world.pass_ms(50); // Until a commit is made.
            talk.listen();
            if self.is_generous && talk.listener.stage == Stage::Roster {
                talk.check_rooms(&expected, &self.config.limits);
            }
            talk.world.end(talk.peer);
        }
        talk.listen();
        talk.check_end();
        if self.is_generous {
            talk.check_expected(&expected);
        }
        talk
    }
}

impl Talk {
    fn start(script: &Script<'_>) -> Talk {
        let mut world = World::with(script.config.clone());
        let peer = world.connect();
        world.send(peer, &script.handshake);
        let asked = heads::asked(&[&script.handshake, script.bytes].concat());
        let mut talk =
            Talk { world, peer, asked, listener: Listener::default(), heard: Vec::new() };
        talk.listen();
        talk
    }

    /// Waits until the server takes input, by reading what holds it up; `false` if it never will.
    fn wait_until_read(&mut self) -> bool {
        let mut room = 1;
        while !self.world.is_closed(self.peer)
            && !self.world.hub.wants_read(self.world.id(self.peer))
        {
            self.world.set_room(self.peer, room);
            self.world.turn();
            self.listen();
            room *= 2;
        }
        !self.world.is_closed(self.peer)
    }

    fn listen(&mut self) {
        let inbox = self.world.inbox(self.peer);
        let before = inbox.clone();
        self.listener.read(inbox, &self.asked);
        self.heard.extend_from_slice(&before[..before.len() - inbox.len()]);
    }

    /// In the end the server has said all it had to say and forgotten all.
    fn check_end(&mut self) {
        assert_eq!(self.world.inbox(self.peer).escape_ascii().to_string(), "", "a rest");
        assert!(self.world.is_closed(self.peer));
        assert!(self.world.hub.is_empty());
        assert_eq!(self.world.hub.buffered_bytes(), 0);
        // A deadline of someone who left is found to be nobody's when it comes.
        self.world.pass_ms(60_000);
        assert_eq!(self.world.hub.next_wakeup(), Time::NEVER, "nothing is left to be done");
    }

    /// It is told of itself, in each room that it is in.
    fn check_rooms(&self, expected: &Expected, limits: &Limits) {
        for (room, seat) in &expected.rooms.all {
            let mut census = Census::default();
            if let Some(member) = &seat.member {
                census.add(member);
            }
            if seat.view == Wanted::Changes && !seat.is_vague {
                census.check(&self.listener.copies[room], limits, true);
            }
        }
    }

    fn check_expected(&self, expected: &Expected) {
        assert_eq!(self.listener.private, expected.private);
        assert_eq!(self.listener.told.len(), expected.told.len());
        let mut pongs = self.listener.told.iter().zip(&expected.told);
        assert!(pongs.all(|(told, due)| due.contains(told)), "{:?}", self.listener.told);
        let is_open = matches!(self.listener.stage, Stage::Roster | Stage::Echo);
        assert_eq!(is_open, expected.is_open);
    }

    /// What everyone on the roster is told may come earlier or later among the rest, and several
    /// changes may come as one; everything else is the same to the byte.
    fn check_same(&self, other: &Talk, manner: Manner) {
        assert_eq!(self.listener.answers, other.listener.answers);
        assert_eq!(self.listener.private, other.listener.private);
        assert_eq!(self.listener.stage, other.listener.stage);
        if self.listener.copies.is_empty() && manner != Manner::Silent {
            assert_eq!(self.heard, other.heard);
        }
    }
}
