//! What all clients are sent, judged and counted.

use std::time::{Duration, Instant};

use hdrhistogram::Histogram;

use super::counts::Counts;
use super::echo::Echo;
use super::frame;
use super::mistakes::Mistakes;
use super::requests;
use super::room::{Heard, Room};
use super::text;
use super::view::{Taken, View, Wrong};

/// Judges and counts what clients are sent.
#[derive(Debug)]
pub(crate) struct Oracle {
    pub(crate) rooms: Vec<Room>,
    echo: Option<Echo>,
    pub(crate) counts: Counts,
    /// From when something was to happen until a client was told, in µs.
    pub(crate) latency: Histogram<u64>,
    /// The same, since the last sample was taken.
    pub(crate) latency_lately: Histogram<u64>,
    /// From when a client was to come back until it knew its room again, in µs.
    pub(crate) back: Histogram<u64>,
    pub(crate) mistakes: Mistakes,
    /// The longest frame to those who want to know only how many are there, in bytes.
    pub(crate) count_bytes_max: usize,
    /// Names that clients which stay were told to be gone, if somebody wants to know that: whether
    /// the client was just back itself comes with them.
    pub(crate) left: Option<Vec<(String, bool)>>,
    is_measuring: bool,
}

/// The longest time that is told from longer ones, in µs: an hour.
const LATENCY_MAX: u64 = 3_600_000_000;

/// A histogram of times, from 1 µs on, with three digits.
pub(super) fn histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, LATENCY_MAX, 3).expect("the bounds are in order")
}

impl Oracle {
    /// Nothing has been sent. One room has no name, and several have numbers; each is on all
    /// nodes. With a number of bytes, messages of that length are to come back.
    pub(crate) fn new(rooms: usize, nodes: usize, echo_bytes: Option<usize>) -> Oracle {
        let name = |index| if rooms == 1 { String::new() } else { format!("room-{}", index + 1) };
        Oracle {
            rooms: (0..rooms).map(|index| Room::new(index, name(index), nodes)).collect(),
            echo: echo_bytes.map(Echo::new),
            counts: Counts::default(),
            latency: histogram(),
            latency_lately: histogram(),
            back: histogram(),
            mistakes: Mistakes::default(),
            count_bytes_max: 0,
            left: None,
            is_measuring: false,
        }
    }

    /// Measures latency from now on, anew, or no more.
    pub(crate) fn measure(&mut self, is_measuring: bool) {
        self.is_measuring = is_measuring;
        if is_measuring {
            self.latency.reset();
            self.latency_lately.reset();
            self.back.reset();
            self.count_bytes_max = 0;
        }
    }

    /// Where the clients of a room connect to.
    pub(crate) fn path(&self, room: usize) -> String {
        if self.echo.is_some() { "/echo".into() } else { self.rooms[room].path("/ws") }
    }

    /// Whether all names that were to come have been seen.
    pub(crate) fn have_all_come(&self) -> bool {
        self.rooms.iter().all(Room::have_all_come)
    }

    /// Whether all that was asked for has been seen.
    pub(crate) fn has_all_been_seen(&self) -> bool {
        self.rooms.iter().all(Room::has_all_been_seen)
    }

    /// How many are logged in, as far as any client of the first node knows.
    pub(crate) fn people(&self) -> u64 {
        self.rooms.iter().map(|room| room.newest(0).people.count).sum()
    }

    /// What has been measured, to be kept aside.
    pub(crate) fn take_latency(&mut self) -> Histogram<u64> {
        std::mem::replace(&mut self.latency, histogram())
    }

    /// Some bytes came, whatever they say.
    pub(crate) fn received(&mut self, bytes: usize, view: &View) {
        self.counts.bytes += bytes as u64;
        if view.observes {
            self.counts.bytes_to_observers += bytes as u64;
        }
    }

    /// A client was sent a message. What it sends in turn is returned.
    pub(crate) fn message(&mut self, payload: &[u8], view: &mut View) -> Option<&[u8]> {
        self.counts.deliveries += 1;
        if let Some(echo) = &self.echo {
            match echo.age(payload) {
                Some(age) if self.is_measuring => self.record(age),
                Some(_) => {}
                None => self.mistakes.note("a message did not come back as it was sent".into()),
            }
            return self.next_echo();
        }
        let room = &mut self.rooms[view.room];
        let heard = room.message(payload, view);
        if view.observes {
            self.observed(payload, &heard);
        } else {
            self.counts.frame_bytes += frame::bytes(payload.len()) as u64;
        }
        let room = &self.rooms[view.room];
        match heard {
            Ok(Heard::Roster(taken, asked)) => {
                self.counts.rosters += 1;
                self.took(taken, asked);
            }
            Ok(Heard::Change(taken, asked)) => {
                if let Taken::Back { is_of_epoch, .. } = taken {
                    self.counts.resumed += 1;
                    self.counts.resumed_by_content += u64::from(!is_of_epoch);
                }
                self.took(taken, asked);
            }
            Ok(Heard::Welcome { is_logged_in }) => {
                self.counts.still_logged_in += u64::from(is_logged_in);
            }
            Ok(Heard::Bye) => {}
            Ok(Heard::Count) => {
                self.counts.counts += 1;
                self.count_bytes_max = self.count_bytes_max.max(frame::bytes(payload.len()));
            }
            Ok(Heard::Refused(code)) if code == "rate_limited" => {
                let hint = "start the server with a larger --name-changes-per-minute and \
                            --updates-per-second";
                self.mistakes.note(format!("a request was refused: {code} ({hint})"));
            }
            Ok(Heard::Refused(code)) => {
                self.mistakes.note(format!("a request was refused: {code}"));
            }
            Err(wrong) if room.name.is_empty() => self.mistakes.note(wrong.to_string()),
            Err(wrong) => self.mistakes.note(format!("{}: {wrong}", room.name)),
        }
        None
    }

    /// A client that stays was sent a message.
    fn observed(&mut self, payload: &[u8], heard: &Result<Heard, Wrong>) {
        if let (Some(left), Ok(Heard::Change(taken, _))) = (&mut self.left, heard) {
            let is_back = matches!(taken, Taken::Back { .. });
            left.extend(text::left(payload).into_iter().map(|name| (name, is_back)));
        }
        if let Ok(Heard::Roster(taken, _) | Heard::Change(taken, _)) = heard
            && !matches!(taken, Taken::Back { .. })
        {
            self.counts.observed += 1;
            self.counts.observed_bytes += frame::bytes(payload.len()) as u64;
            let client = requests::CLIENT.as_bytes();
            let is_of_clients = payload.windows(client.len()).any(|word| word == client);
            self.counts.observed_of_clients += u64::from(is_of_clients);
        }
    }

    /// A client's copy is another one.
    fn took(&mut self, taken: Taken, asked: Option<Instant>) {
        match taken {
            Taken::Followed(_) => {
                if let Some(asked) = asked.filter(|_| self.is_measuring) {
                    self.record(asked.elapsed());
                }
            }
            Taken::Back { since, .. } => self.back.saturating_record(micros(since.elapsed())),
            Taken::Found => self.counts.drifts_found += 1,
            Taken::Mended => self.counts.drifts_mended += 1,
        }
    }

    fn record(&mut self, latency: Duration) {
        let micros = micros(latency);
        self.latency.saturating_record(micros);
        self.latency_lately.saturating_record(micros);
    }

    /// The message to send back and forth, as of now; none if there is nothing to echo.
    pub(crate) fn next_echo(&mut self) -> Option<&[u8]> {
        self.echo.as_mut().map(Echo::next)
    }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::requests;
    use crate::bench::view::Kind;
    use crate::bench::wishes::Wish;

    const ROSTER: &str = r#"["roster",{"room":"room-1","epoch":"00000000000000ab","seq":4,
        "names":["Ada","Bob"],"status":{"Bob":"idle"},"data":{"Ada":{"at":1}}}]"#;
    const CHANGE: &str = r#"["change",{"room":"room-1","seq":5,"joined":["Eve"],"left":[],
        "status":{"Ada":"hidden","Bob":"active"},"data":{"Ada":{"at":2,"typing":true}}}]"#;
    /// What comes of the two.
    const OUTCOME: &str = r#"{"room":"room-1","epoch":"00000000000000ab","seq":5,
        "names":["Ada","Bob","Eve"],"status":{"Ada":"hidden"},
        "data":{"Ada":{"at":2,"typing":true}},"watching":3}"#;

    /// Two rooms; everybody is in the first.
    fn oracle() -> Oracle {
        Oracle::new(2, 1, None)
    }

    /// Sends messages to a client of the first room, with their digests.
    fn told(oracle: &mut Oracle, kind: Kind, messages: &[&str]) -> View {
        let mut view = View { kind, ..View::of(0) };
        for message in messages {
            tell(oracle, &mut view, message);
        }
        view
    }

    fn tell(oracle: &mut Oracle, view: &mut View, message: &str) {
        let message = sealed(oracle, view, message);
        oracle.message(message.as_bytes(), view);
    }

    /// The message with the digest of the roster that it leads to.
    fn sealed(oracle: &mut Oracle, view: &View, message: &str) -> String {
        if !message.starts_with("[\"roster\"") && !message.starts_with("[\"change\"") {
            return message.into();
        }
        let with = |digest: &str| message.replace("\"seq\"", &format!("{digest},\"seq\""));
        let none = with("\"digest\":\"0000000000000000\"");
        match oracle.rooms[0].message(none.as_bytes(), &mut view.clone()) {
            Err(Wrong::Digest { computed, .. }) => with(&format!("\"digest\":\"{computed}\"")),
            _ => none,
        }
    }

    /// A message with a fault in it, after others that are right, is noticed at once.
    #[track_caller]
    fn check_noticed(before: &[&str], faulty: &str, words: &str) {
        let mut oracle = oracle();
        told(&mut oracle, Kind::Changes, &[ROSTER, CHANGE]);
        assert_eq!(oracle.mistakes.count, 0, "{:?}", oracle.mistakes);
        let view = told(&mut oracle, Kind::Changes, before);
        assert_eq!(oracle.mistakes.count, 0, "{:?}", oracle.mistakes);
        tell(&mut oracle, &mut view.clone(), faulty);
        assert_eq!(oracle.mistakes.count, 1, "{faulty}");
        assert!(oracle.mistakes.told[0].contains(words), "{:?}", oracle.mistakes);
    }

    #[test]
    fn roster_with_its_changes_is_the_roster_that_follows() {
        let mut oracle = oracle();
        let one = told(&mut oracle, Kind::Changes, &[ROSTER, CHANGE]);
        let other = told(&mut oracle, Kind::Changes, &[&format!("[\"roster\",{OUTCOME}]")]);
        assert_eq!(one, other);
        let digest = format!("\"digest\":\"{}\",\"seq\"", one.people.digest);
        let document = OUTCOME.replace("\"seq\"", &digest);
        assert_eq!(oracle.rooms[0].document(document.as_bytes()), Ok(one));
        let wrong = document.replace("Eve", "Ian");
        let wrong = oracle.rooms[0].document(wrong.as_bytes());
        assert!(matches!(wrong, Err(Wrong::Digest { seq: 5, .. })));
        assert_eq!(oracle.rooms[0].newest(0), one);
        assert_eq!((oracle.mistakes.count, oracle.counts.rosters), (0, 2));
    }

    #[test]
    fn digest_that_is_not_that_of_the_roster_is_noticed() {
        let mut oracle = oracle();
        let view = told(&mut oracle, Kind::Changes, &[ROSTER]);
        let right = sealed(&mut oracle, &view, CHANGE);
        for (from, to) in
            [("hidden", "idle"), ("Eve", "Ian"), ("true", "false"), ("}}}", "},\"Bob\":{}}}")]
        {
            let wrong = right.replace(from, to);
            assert_ne!(wrong, right);
            oracle.message(wrong.as_bytes(), &mut view.clone());
            let told = oracle.mistakes.told.pop().expect("it is noticed");
            assert!(told.starts_with("room-1: the digest of 5 is "), "{told}");
        }
    }

    /// What the copy of a client has is known, and so what a change from it does.
    #[test]
    fn copy_of_another_epoch_is_gone_on_from() {
        let mut oracle = oracle();
        let mut view = told(&mut oracle, Kind::Changes, &[ROSTER, CHANGE]);
        let mut other = view;
        let since = Instant::now();
        view.returns(since);
        other.returns(since);
        let resumed = r#"["change",{"room":"room-1","epoch":"00000000000000ac","seq":9,
            "joined":["Ian"],"left":["Eve"],"status":{"Bob":"hidden"},"data":{"Ada":null}}]"#;
        tell(&mut oracle, &mut view, resumed);
        // Whoever comes back later may have missed nothing, and all know who is there.
        tell(&mut oracle, &mut other, resumed);
        let change = r#"["change",{"room":"room-1","seq":10,"joined":["Eve"],"left":["Ian","Bob"],
            "data":{"Ada":{"at":3}}}]"#;
        tell(&mut oracle, &mut view, change);
        tell(&mut oracle, &mut other, change);
        assert_eq!(oracle.mistakes.count, 0, "{:?}", oracle.mistakes);
        assert_eq!((view, oracle.counts.resumed, oracle.counts.resumed_by_content), (other, 2, 2));
        let text = r#"["roster",{"room":"room-1","epoch":"00000000000000ac","seq":10,
            "names":["Ada","Eve"],"status":{"Ada":"hidden"},"data":{"Ada":{"at":3}}}]"#;
        assert_eq!(told(&mut oracle, Kind::Changes, &[text]).people, view.people);
        assert_eq!(oracle.mistakes.count, 0, "{:?}", oracle.mistakes);
        let gone = r#"["change",{"room":"room-1","seq":11,"joined":[],"left":["Bob"]}]"#;
        tell(&mut oracle, &mut view, gone);
        assert!(oracle.mistakes.told[0].contains("Bob, who is not there"));
    }

    #[test]
    fn those_who_stay_count_what_they_are_told_of_the_others() {
        let change = |seq, name: &str| {
            let of = r#""room":"room-1","left":[]"#;
            format!(r#"["change",{{{of},"seq":{seq},"joined":["{name}"]}}]"#)
        };
        let mut oracle = oracle();
        let mut view = View { observes: true, ..View::of(0) };
        tell(&mut oracle, &mut view, ROSTER);
        tell(&mut oracle, &mut view, &change(5, &requests::name(7, true)));
        let Counts { observed, observed_of_clients, .. } = oracle.counts;
        assert_eq!((observed, observed_of_clients, oracle.counts.frame_bytes), (2, 0, 0));
        tell(&mut oracle, &mut view, &change(6, &requests::name(7, false)));
        assert_eq!((oracle.counts.observed, oracle.counts.observed_of_clients), (3, 1));
        assert_eq!(oracle.mistakes.count, 0, "{:?}", oracle.mistakes);
    }

    #[test]
    fn message_of_another_room_is_noticed() {
        for room in ["room-2", "", "Room-1"] {
            let leak = |message: &str| message.replace("room-1", room);
            check_noticed(&[ROSTER], &leak(CHANGE), "a message of another room");
            check_noticed(&[], &leak(ROSTER), "a message of another room");
        }
        let unnamed = |message: &str| message.replace("\"room\":\"room-1\",", "");
        check_noticed(&[ROSTER], &unnamed(CHANGE), "a message of another room");
        let mut oracle = Oracle::new(1, 1, None);
        told(&mut oracle, Kind::Changes, &[&unnamed(ROSTER), &unnamed(CHANGE)]);
        assert_eq!(oracle.mistakes.count, 0);
        told(&mut oracle, Kind::Changes, &[&unnamed(ROSTER), CHANGE]);
        assert_eq!(oracle.mistakes.count, 1);
        told(&mut oracle, Kind::Changes, &[r#"["count",{"room":"a","seq":1,"count":1}]"#]);
        assert_eq!(oracle.mistakes.count, 2);
    }

    #[test]
    fn what_only_one_client_is_told_is_noticed() {
        for (right, wrong) in [
            ("hidden", "idle"),
            ("\"Bob\":\"active\"", "\"Bob\":\"hidden\""),
            (",\"Bob\":\"active\"", ""),
            ("\"at\":2", "\"at\":3"),
            ("\"at\":2,", ""),
            ("true", "false"),
            ("{\"at\":2,\"typing\":true}", "null"),
            (",\"data\":{\"Ada\":{\"at\":2,\"typing\":true}}", ""),
            ("[\"Eve\"]", "[]"),
            ("\"Eve\"", "\"Ian\""),
        ] {
            let faulty = CHANGE.replace(right, wrong);
            assert_ne!(faulty, CHANGE);
            check_noticed(&[ROSTER], &faulty, "told different things of 5");
        }
        for (right, wrong) in [("hidden", "idle"), ("\"at\":2", "\"at\":1"), (",\"Eve\"", "")] {
            let faulty = format!("[\"roster\",{}]", OUTCOME.replace(right, wrong));
            check_noticed(&[], &faulty, "told different things of 5");
            check_noticed(&[ROSTER], &faulty, "told different things of 5");
        }
    }

    #[test]
    fn what_does_not_fit_what_came_before_is_noticed() {
        let change = |text: &str| format!(r#"["change",{{"room":"room-1",{text}}}]"#);
        let roster = |from, to| ROSTER.replace(from, to);
        for (faulty, words) in [
            (change(r#""seq":7,"joined":[],"left":[]"#), "a gap: 7 came after 5"),
            (change(r#""seq":6,"joined":[],"left":["Ian"]"#), "Ian, who is not there"),
            (change(r#""seq":6,"joined":[],"left":[],"data":{"Ian":{}}"#), "Ian, who is not there"),
            (
                change(r#""seq":6,"joined":[],"left":[],"status":{"Ian":"idle"}"#),
                "Ian, who is not there",
            ),
            (
                change(r#""seq":6,"joined":[],"left":["Bob"],"status":{"Bob":"idle"}"#),
                "Bob, who is not there",
            ),
            (roster("\"Bob\":\"idle\"", "\"Ian\":\"idle\""), "Ian, who is not there"),
            (roster("ab", "ac"), "another epoch"),
            (roster("\"seq\":4", "\"seq\":3"), "a step back: 3 came after 5"),
            (roster("\"epoch\":\"00000000000000ab\",", ""), "a message that is none"),
            (r#"["ok",{"id":1}]"#.into(), "a message that is none"),
            (r#"["error",{"code":"data_invalid","message":""}]"#.into(), "data_invalid"),
            (r#"["count",{"room":"room-1","seq":5,"count":3}]"#.into(), "did not ask for it"),
        ] {
            check_noticed(&[ROSTER, CHANGE], &faulty, words);
        }
    }

    #[test]
    fn count_that_is_not_that_of_the_names_is_noticed() {
        let count = |count| format!(r#"["count",{{"room":"room-1","seq":5,"count":{count}}}]"#);
        let mut oracle = oracle();
        told(&mut oracle, Kind::Changes, &[ROSTER, CHANGE]);
        let view = told(&mut oracle, Kind::CountAsked, &[ROSTER, &count(3)]);
        assert_eq!((oracle.mistakes.count, oracle.counts.counts), (0, 1));
        assert_eq!(oracle.count_bytes_max, count(3).len() + 2);
        assert!(view.knows(&oracle.rooms[0].newest(0)));
        let view = told(&mut oracle, Kind::CountAsked, &[ROSTER, &count(4)]);
        assert_eq!(oracle.mistakes.count, 1);
        assert!(!view.knows(&oracle.rooms[0].newest(0)));

        // The other way round: the count comes first.
        let mut oracle = self::oracle();
        told(&mut oracle, Kind::CountAsked, &[ROSTER, &count(4)]);
        told(&mut oracle, Kind::Changes, &[ROSTER, CHANGE]);
        assert_eq!(oracle.mistakes.count, 1);
    }

    #[test]
    fn clients_may_be_far_apart_and_a_room_may_be_made_again() {
        let change = |seq, at| {
            let data = format!(r#""data":{{"Ada":{{"at":{at}}}}}"#);
            format!(r#"["change",{{"room":"room-1","seq":{seq},"joined":[],"left":[],{data}}}]"#)
        };
        let mut oracle = oracle();
        let roster = |seq| ROSTER.replace("\"seq\":4", &format!("\"seq\":{seq}"));
        let later = roster(6).replace("\"at\":1", "\"at\":6");
        told(&mut oracle, Kind::Changes, &[&later, &change(7, 7)]);
        told(&mut oracle, Kind::Changes, &[ROSTER, &change(5, 5), &change(6, 6), &change(7, 7)]);
        let again = ROSTER.replace("ab", "ac").replace("\"at\":1", "\"at\":9");
        // The same bytes as before are another change now.
        let view = told(&mut oracle, Kind::Changes, &[&again, &change(5, 5)]);
        assert_eq!(oracle.mistakes.count, 0, "{:?}", oracle.mistakes);
        assert_eq!(oracle.rooms[0].newest(0), view);
    }

    /// All clients are told the same, and it is not what was asked for.
    #[test]
    fn data_that_are_never_told_are_missed() {
        let joined = r#"["change",{"room":"room-1","seq":5,"joined":["client-000007"],
            "left":[],"data":{"client-000007":{"seat":7}}}]"#;
        for (status, data, unshown) in [
            ("idle", r#""at":3,"seat":7,"typing":true"#, 1),
            ("active", r#""at":3,"seat":7"#, 1),
            ("active", r#""at":3,"typing":true"#, 1),
            ("active", r#""at":2,"seat":7,"typing":true"#, 1),
            ("active", r#""at":3,"seat":7,"typing":true"#, 0),
        ] {
            let mut oracle = oracle();
            for number in 1..=3 {
                let (_, entry) = requests::set(7, number);
                let wish = Wish::Shows(entry);
                oracle.rooms[0].expect(&requests::name(7, false), &wish, Instant::now());
            }
            let shown = format!(
                r#"["change",{{"room":"room-1","seq":6,"joined":[],"left":[],
                "status":{{"client-000007":"{status}"}},"data":{{"client-000007":{{{data}}}}}}}]"#
            );
            told(&mut oracle, Kind::Changes, &[ROSTER, joined, &shown]);
            assert_eq!(oracle.mistakes.count, 0, "{:?}", oracle.mistakes);
            assert_eq!(oracle.rooms[0].unshown(), unshown, "{status} {data}");
        }
    }
}
