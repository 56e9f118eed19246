//! Several nodes with the same rooms. `examples/nodes.rs` runs as many seeds as one likes.

use headcount::config::Limits;
use headcount::presence::{
    ClientId, Content, Leave, MemberId, News, NodeId, PartHead, Presence, Report, RoomId, Taken,
    Update, View,
};
use headcount::time::Time;
use headcount::ws::Deflater;
use headcount_support::nodes::broker::{Broker, Connection, Wildness};
use headcount_support::nodes::node::{Node, ROOMS};
use headcount_support::nodes::run;
use headcount_support::sim::choices::Choices;

/// Two nodes, in each of which somebody follows all rooms.
struct Pair {
    nodes: [Node; 2],
    broker: Broker,
    limits: Limits,
    now: u64,
}

impl Pair {
    fn new(limits: Limits) -> Pair {
        let broker = Broker { is_up: true, connections: vec![None, None], ..Broker::default() };
        let mut nodes = [Node::new(1, 0), Node::new(2, 0)];
        for node in &mut nodes {
            for room in 0..ROOMS.len() {
                node.watch(room, &limits, 0);
            }
        }
        Pair { nodes, broker, limits, now: 0 }
    }

    fn pass_ms(&mut self, ms: u64) {
        let (end, mut choices) = (self.now + ms, Choices::seed(0));
        let mut deflater = Deflater::new(1);
        while self.now < end {
            self.now += 1;
            self.broker.serve(&mut choices, Wildness::default(), self.now);
            for (node, connection) in self.nodes.iter_mut().zip(&mut self.broker.connections) {
                let by = (&mut choices, &self.limits, &mut deflater);
                node.turn(connection, self.broker.is_up, by, self.now);
            }
        }
    }

    fn login(&mut self, node: usize, name: &str) {
        let presence = &mut self.nodes[node].presence;
        let entered = presence.enter(ROOMS[1], 1, &View::Nothing, &self.limits);
        let room = entered.expect("there is room").0;
        let update = (name, Update::default());
        presence.login(room, None, update, &self.limits).expect("it has no data");
    }

    fn names(&mut self, node: usize) -> String {
        self.nodes[node].document(1, self.now)["names"].to_string()
    }

    /// The server is gone.
    fn take_down(&mut self) {
        self.broker.is_up = false;
        for (index, node) in self.nodes.iter_mut().enumerate() {
            assert!(self.broker.cut(index));
            node.cut(self.now);
        }
    }
}

#[test]
fn nodes_agree_in_the_end_whatever_fails() {
    for seed in 0..60 {
        run(seed);
    }
}

#[test]
fn somebody_on_one_node_is_seen_on_the_other() {
    let mut pair = Pair::new(Limits::default());
    pair.pass_ms(100);
    pair.login(0, "Ada");
    pair.login(1, "Bob");
    pair.login(1, "Ada");
    pair.pass_ms(100);
    assert_eq!([pair.names(0), pair.names(1)], [r#"["Ada","Bob"]"#; 2]);
}

/// A node that ends answers nothing any more: others would take it for one that is there.
#[test]
fn node_that_has_said_goodbye_is_not_there() {
    let mut pair = Pair::new(Limits::default());
    pair.nodes[1].watch(1, &pair.limits, 0);
    pair.pass_ms(100);
    pair.login(0, "Ada");
    pair.pass_ms(100);
    assert_eq!(pair.nodes[1].backplane.numbers().peers, 1);
    pair.nodes[0].backplane.end();
    pair.pass_ms(100);
    pair.nodes[1].watch(1, &pair.limits, pair.now);
    pair.pass_ms(200);
    assert_eq!(pair.nodes[1].backplane.numbers().peers, 0);
}

/// A client that has logged out and in again in one report can come back to another node.
#[test]
fn client_with_another_member_is_known_elsewhere() {
    let mut pair = Pair::new(Limits::default());
    pair.pass_ms(100);
    let client = ClientId::from_bits(7);
    let log_in = |pair: &mut Pair| {
        let presence = &mut pair.nodes[0].presence;
        let room = presence.find(ROOMS[1]).expect("somebody follows it");
        let update = ("Ada", Update::default());
        presence.login(room, Some(client), update, &pair.limits).expect("it has no data")
    };
    let first = log_in(&mut pair);
    pair.pass_ms(100);
    pair.nodes[0].presence.release(first, Leave::Logout, &pair.limits);
    log_in(&mut pair);
    pair.pass_ms(100);
    let other = &mut pair.nodes[1].presence;
    let room = other.find(ROOMS[1]).expect("somebody follows it");
    assert!(other.attach(client, room).is_some());
}

#[test]
fn members_of_others_are_kept_for_the_grace_and_not_longer() {
    let mut limits = Limits::default();
    limits.nodes.partition_grace_ms = 5_000;
    let mut pair = Pair::new(limits);
    pair.pass_ms(100);
    pair.login(0, "Ada");
    pair.login(1, "Bob");
    pair.pass_ms(100);
    pair.take_down();
    pair.pass_ms(4_900);
    assert_eq!(pair.names(0), r#"["Ada","Bob"]"#);
    pair.pass_ms(200);
    assert_eq!([pair.names(0), pair.names(1)], [r#"["Ada"]"#, r#"["Bob"]"#]);
    pair.broker.is_up = true;
    pair.pass_ms(2_000);
    assert_eq!([pair.names(0), pair.names(1)], [r#"["Ada","Bob"]"#; 2]);
}

/// It was asked for that when it was not there, and is asked again when it is.
#[test]
fn changes_of_a_node_that_is_back_last_are_known_at_once() {
    let mut pair = Pair::new(Limits::default());
    pair.pass_ms(100);
    pair.login(0, "Ada");
    pair.pass_ms(100);
    pair.take_down();
    pair.login(0, "Bob");
    pair.broker.is_up = true;
    pair.pass_ms(200);
    pair.nodes[0].cut(pair.now);
    pair.pass_ms(300);
    assert_eq!(pair.names(1), r#"["Ada"]"#);
    pair.pass_ms(300);
    assert_eq!(pair.names(1), r#"["Ada","Bob"]"#);
}

/// Where something changes all the time, nodes commit at about the same time: so a change waits for
/// one commit, and not for one on each node.
#[test]
fn change_waits_once() {
    let limits = Limits::default();
    let mut pair = Pair::new(limits.clone());
    pair.pass_ms(100);
    // They begin with commits half an interval apart.
    pair.login(0, "Ada");
    pair.pass_ms(u64::from(limits.commit_interval_ms) / 2);
    pair.login(1, "Bob");
    let (mut waits, mut unseen) = (Vec::new(), Vec::new());
    let started = pair.now;
    for step in 0..2_000 {
        if step % 7 == 0 {
            let (node, name) = (step / 7 % 2, format!("Name {step}"));
            pair.login(node, &name);
            unseen.push((1 - node, format!("\"{name}\""), pair.now));
        }
        pair.pass_ms(1);
        let names = [pair.names(0), pair.names(1)];
        let now = pair.now;
        unseen.retain(|(node, name, since)| {
            let is_seen = names[*node].contains(name);
            waits.extend(is_seen.then_some(now - since));
            !is_seen
        });
    }
    waits.sort_unstable();
    let interval = u64::from(limits.commit_interval_ms);
    let most = waits[waits.len() - 1];
    assert!(most <= interval + interval / 4, "{most} ms");
    for node in pair.nodes {
        let room = node.presence.find(ROOMS[1]).unwrap();
        let commits = node.presence.room(room).log().last().as_u64();
        let in_time = (pair.now - started) / interval;
        assert!(commits <= in_time + in_time / 10, "{commits} commits in the time of {in_time}");
    }
}

/// A room that somebody enters first on a node is not told before it is known who is in it.
#[test]
fn room_is_told_when_it_is_loaded() {
    let mut pair = Pair::new(Limits::default());
    pair.pass_ms(100);
    pair.login(0, "Ada");
    pair.nodes[1].watch(1, &pair.limits, pair.now);
    pair.pass_ms(100);
    assert!(pair.nodes[1].presence.find(ROOMS[1]).is_none());
    pair.nodes[1].watch(1, &pair.limits, pair.now);
    let room = pair.nodes[1].presence.find(ROOMS[1]).expect("somebody is in it");
    assert!(pair.nodes[1].presence.is_loading(room));
    pair.pass_ms(200);
    assert!(!pair.nodes[1].presence.is_loading(room));
    assert_eq!(pair.names(1), r#"["Ada"]"#);
}

/// What a node has in a room is sent as the other one asks for it, and never as one long message,
/// though somebody there changes all the time.
#[test]
fn large_part_comes_in_pieces() {
    let mut pair = Pair::new(Limits::default());
    pair.nodes[0].backplane.set_answer_bytes(500);
    pair.nodes[1].watch(1, &pair.limits, 0);
    pair.pass_ms(100);
    for number in 0..100 {
        pair.login(0, &format!("Name {number}"));
        pair.pass_ms(20);
    }
    (pair.broker.longest, pair.broker.commands) = (0, 0);
    pair.nodes[1].watch(1, &pair.limits, pair.now);
    for number in 0..400 {
        pair.login(0, &format!("Other {number}"));
        pair.pass_ms(10);
    }
    let there = pair.nodes[1].presence.find(ROOMS[1]).expect("somebody is in it");
    let from = pair.nodes[0].backplane.me();
    assert_eq!(pair.nodes[1].presence.copied_to(there, from), 0, "it is all there");
    pair.pass_ms(200);
    assert_eq!(pair.names(0), pair.names(1));
    assert!(pair.broker.longest < 1_500, "{} B", pair.broker.longest);
    assert_eq!(pair.nodes[1].repairs(), 0);
    // Each piece is asked for once.
    let changes = 4_000 / u64::from(pair.limits.commit_interval_ms);
    assert!(pair.broker.commands < changes + 100 + 20, "{} commands", pair.broker.commands);
}

/// A node of this number, and a room that it shares.
fn sharing(number: u64) -> (Presence, RoomId) {
    let mut presence = Presence::new(number);
    presence.share(NodeId::from_bits(number));
    let entered = presence.enter(ROOMS[1], 0, &View::Nothing, &Limits::default());
    (presence, entered.expect("there is room").0)
}

fn login(one: &mut Presence, room: RoomId, name: &str) -> MemberId {
    let update = (name, Update::default());
    one.login(room, None, update, &Limits::default()).expect("it has no data")
}

/// What others are told of what has changed.
fn report(one: &mut Presence, room: RoomId) -> Report {
    one.report_at_once(room, &Limits::default());
    match one.take_news().pop() {
        Some(News::Changed(_, report)) => report,
        other => panic!("{other:?} is no report"),
    }
}

#[test]
fn part_is_what_its_pieces_and_the_changes_between_them_say() {
    let [(mut one, room), (mut other, there)] = [1, 2].map(sharing);
    let login = |one: &mut Presence, name| login(one, room, name);
    let report = |one: &mut Presence| report(one, room);
    let piece = |one: &Presence, from, mut bytes| one.own_piece(room, from, &mut bytes).unwrap();
    let next = |report: &Report| match report.content {
        Content::Piece { to, .. } => to.expect("there is more"),
        _ => panic!("{report:?} is no piece"),
    };
    let mut check = |steps: &[(&Report, (Taken, usize, usize))]| {
        for (step, (report, expected)) in steps.iter().enumerate() {
            let taken = other.apply(there, NodeId::from_bits(1), (*report).clone());
            let known = other.heads(there).len();
            assert_eq!((taken, other.foreign_members(), known), *expected, "{step}: {report:?}");
        }
    };
    let ada = login(&mut one, "Ada");
    login(&mut one, "Bob");
    login(&mut one, "Cy");
    report(&mut one);
    let first = piece(&one, 0, 1);
    let second = piece(&one, next(&first), 1);
    let third = piece(&one, next(&second), 1);
    check(&[
        (&second, (Taken::Hole, 0, 0)),
        (&first, (Taken::Copying, 1, 0)),
        (&first, (Taken::Copying, 1, 0)),
        (&third, (Taken::Hole, 1, 0)),
        (&second, (Taken::Hole, 1, 0)),
        (&first, (Taken::Copying, 1, 0)),
        (&second, (Taken::Copying, 2, 0)),
        (&first, (Taken::Copying, 2, 0)),
    ]);
    login(&mut one, "Dan");
    let change = report(&mut one);
    let rest = piece(&one, next(&second), 1_000);
    check(&[
        (&change, (Taken::Copying, 3, 0)),
        (&third, (Taken::Copying, 3, 0)),
        (&rest, (Taken::Applied, 4, 1)),
        (&first, (Taken::Known, 4, 1)),
        (&rest, (Taken::Known, 4, 1)),
    ]);
    // Ada is here under another number, of which nothing was heard: she stays until all is.
    one.release(ada, Leave::Logout, &Limits::default());
    login(&mut one, "Ada");
    report(&mut one);
    login(&mut one, "Eve");
    let change = report(&mut one);
    let first = piece(&one, 0, 1);
    let rest = piece(&one, next(&first), 1_000);
    check(&[
        (&change, (Taken::Hole, 4, 1)),
        (&first, (Taken::Copying, 5, 0)),
        (&rest, (Taken::Applied, 5, 1)),
    ]);
}

/// Another node is silent while the server is: nobody knows that it is lost, or has to wake up.
#[test]
fn silent_server_is_waited_for_at_rest() {
    let mut pair = Pair::new(Limits::default());
    pair.pass_ms(100);
    let (mut choices, mut deflater) = (Choices::seed(0), Deflater::new(1));
    let Pair { nodes: [node, _], broker, limits, .. } = &mut pair;
    for now in 101..12_000 {
        if now < 7_000 {
            broker.serve(&mut choices, Wildness::default(), now);
        }
        let by = (&mut choices, &*limits, &mut deflater);
        node.turn(&mut broker.connections[0], true, by, now);
        assert!(node.due(limits) > now, "at {now}");
    }
}

/// A client is on two nodes at once, and goes from the one where it came last.
#[test]
fn client_that_is_left_on_its_first_node_is_held_with_it() {
    let limits = Limits::default();
    let client = ClientId::from_bits(7);
    let [(mut first, room), (mut second, there), (mut third, here)] = [1, 2, 3].map(sharing);
    let [one, two] = [1, 2].map(NodeId::from_bits);
    first.login(room, Some(client), ("Ada", Update::default()), &limits).expect("it has no data");
    let ada = report(&mut first, room);
    second.apply(there, one, ada.clone());
    third.apply(here, one, ada);
    let copy = second.attach(client, there).expect("she is known");
    let came = report(&mut second, there);
    first.apply(room, two, came.clone());
    third.apply(here, two, came);
    second.release(copy, Leave::Logout, &limits);
    let went = report(&mut second, there);
    first.apply(room, two, went.clone());
    third.apply(here, two, went);
    third.apply(here, one, report(&mut first, room));
    third.lose_node(one, &limits);
    assert_eq!(third.foreign_members(), 1, "she may come to another node");
}

/// Everybody leaves while a part is copied, and its node has the room no more.
#[test]
fn part_of_nobody_is_copied_when_that_is_said() {
    let [(mut one, room), (mut other, there)] = [1, 2].map(sharing);
    let mut apply = |report| {
        let taken = other.apply(there, NodeId::from_bits(1), report);
        (taken, other.foreign_members())
    };
    let members = ["Ada", "Bob"].map(|name| login(&mut one, room, name));
    assert_eq!(apply(report(&mut one, room)), (Taken::Applied, 2));
    // Bob's leave is not heard, and what there is is asked for.
    one.release(members[1], Leave::Logout, &Limits::default());
    report(&mut one, room);
    let members = [members[0], login(&mut one, room, "Cy")];
    report(&mut one, room);
    assert_eq!(apply(one.own_piece(room, 0, &mut 1).unwrap()), (Taken::Copying, 2));
    for member in members {
        one.release(member, Leave::Logout, &Limits::default());
    }
    let gone = report(&mut one, room);
    let head = gone.head;
    assert_eq!(apply(gone), (Taken::Copying, 1), "Bob may be in another piece");
    assert_eq!(apply(Report { head, content: Content::Head }), (Taken::Applied, 0));
}

/// What is missing of a room can't be asked for yet: another question to the same node is out.
#[test]
fn new_room_waits_while_it_knows_what_it_lacks() {
    let mut pair = Pair::new(Limits::default());
    for (room, name) in [(1, "Ada"), (2, "Bob")] {
        let presence = &mut pair.nodes[0].presence;
        let id = presence.find(ROOMS[room]).expect("it follows all");
        login(presence, id, name);
    }
    pair.nodes[1] = Node::new(2, 0);
    for (node, connection) in pair.nodes.iter_mut().zip(&mut pair.broker.connections) {
        *connection = Some(Connection::new(40));
        node.backplane.connected(0, Time::ZERO);
    }
    pair.pass_ms(1_000);
    for (room, ms) in [(1, 60), (2, 0)] {
        pair.nodes[1].watch(room, &pair.limits, pair.now);
        pair.pass_ms(ms);
    }
    let room = pair.nodes[1].presence.find(ROOMS[2]).unwrap();
    let since = pair.now;
    while pair.nodes[1].presence.is_loading(room) {
        pair.pass_ms(1);
    }
    let waited = pair.now - since;
    assert!((300..500).contains(&waited), "for {waited} ms");
    assert_eq!(pair.nodes[1].document(2, pair.now)["names"].to_string(), r#"["Bob"]"#);
}

/// A node that was taken for gone is back, and has somebody else by now or nobody.
#[test]
fn node_that_was_lost_is_believed() {
    let ((mut one, room), from) = (sharing(1), NodeId::from_bits(1));
    let limits = Limits::default();
    let ada = login(&mut one, room, "Ada");
    let told = report(&mut one, room);
    one.release(ada, Leave::Logout, &limits);
    let head = report(&mut one, room).head;
    let nobody = Report { head, content: Content::Head };
    login(&mut one, room, "Bob");
    let bob = report(&mut one, room);
    for (now, left) in [(nobody, 0), (bob, 1)] {
        let (mut other, there) = sharing(2);
        assert_eq!(other.apply(there, from, told.clone()), Taken::Applied);
        other.lose_node(from, &limits);
        assert_eq!(other.foreign_members(), 1, "she is held");
        assert_eq!(other.apply(there, from, now.clone()), Taken::Applied, "{now:?}");
        assert_eq!(other.foreign_members(), left, "{now:?}");
    }
}

#[test]
fn report_that_is_old_or_was_told_before_changes_nothing() {
    let mut pair = Pair::new(Limits::default());
    pair.login(0, "Ada");
    pair.pass_ms(100);
    let room = pair.nodes[0].presence.find(ROOMS[1]).unwrap();
    let whole = pair.nodes[0].presence.own_piece(room, 0, &mut 1_000).unwrap();
    let (mut other, there) = sharing(3);
    let from = NodeId::from_bits(1);
    assert_eq!(other.apply(there, from, whole.clone()), Taken::Applied);
    assert_eq!(other.foreign_members(), 1);
    // The same again, and one from before.
    assert_eq!(other.apply(there, from, whole.clone()), Taken::Known);
    let older = PartHead { n: whole.head.n - 1, ..PartHead::default() };
    let nobody = Content::Piece { from: 0, to: None, members: Vec::new() };
    let older = Report { head: older, content: nobody };
    assert_eq!(other.apply(there, from, older), Taken::Known);
    // A change that is missing, and one that says something else of itself.
    let (set, gone) = (Vec::new(), Vec::new());
    let n = whole.head.n + 2;
    let content = Content::Delta { after: n - 1, set: set.clone(), gone: gone.clone() };
    let hole = Report { head: PartHead { n, ..whole.head }, content };
    assert_eq!(other.apply(there, from, hole), Taken::Hole);
    let head = PartHead { n: whole.head.n + 1, count: 7, ..whole.head };
    let differs = Report { head, content: Content::Delta { after: whole.head.n, set, gone } };
    assert_eq!(other.apply(there, from, differs), Taken::Differs);
    assert_eq!(other.foreign_members(), 1);
}
