//! Limits that are set to something else, and that all of them have a test.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::Command;

use clap::Args;
use headcount::config::{Config, Limits};

use crate::engine::{self, OFFER};
use crate::program::{Client, Program};
use crate::wire::{self, Told};
use crate::world::{Peer, World};

/// Every limit, and a test that reaches it.
const REACHED: &[(&str, &str)] = &[
    ("head_bytes_max", "limits_of_a_head_can_be_set"),
    ("head_fields_max", "limits_of_a_head_can_be_set"),
    ("target_bytes_max", "limits_of_a_head_can_be_set"),
    ("body_bytes_max", "body_that_is_not_wanted_has_a_size"),
    ("requests_max", "http_connection_has_a_number_of_requests"),
    ("message_bytes_max", "message_frame_and_fragments_have_limits"),
    ("frame_bytes_max", "message_frame_and_fragments_have_limits"),
    ("fragments_max", "fragments_are_counted_empty_ones_too"),
    ("messages_per_second", "rates_that_are_set_are_kept"),
    ("messages_burst", "rates_that_are_set_are_kept"),
    ("bytes_per_second", "rates_are_limited_and_closed_with_1008"),
    ("control_frames_per_second", "rates_that_are_set_are_kept"),
    ("control_frames_burst", "rates_that_are_set_are_kept"),
    ("namespace_bytes_max", "limits_of_socket_io_that_are_set_are_kept"),
    ("attachments_max", "limits_of_socket_io_that_are_set_are_kept"),
    ("json_depth_max", "limits_of_socket_io_that_are_set_are_kept"),
    ("handshake_timeout_ms", "timeouts_that_are_set_are_kept"),
    ("ping_interval_ms", "timeouts_that_are_set_are_kept"),
    ("pong_timeout_ms", "timeouts_that_are_set_are_kept"),
    ("connect_timeout_ms", "what_a_client_owes_has_a_time"),
    ("close_timeout_ms", "close_timeout_is_a_limit"),
    ("shutdown_timeout_ms", "silent_clients_are_waited_for_only_so_long"),
    ("send_timeout_ms", "time_to_take_a_frame_is_as_it_was_set"),
    ("send_bytes_per_second_min", "time_to_take_a_frame_is_as_it_was_set"),
    ("hold_closed_ms", "leave_waits_as_long_as_its_cause_says"),
    ("hold_lost_ms", "leave_waits_as_long_as_its_cause_says"),
    ("tcp_user_timeout_ms", "connection_has_the_options_that_limits_ask_for"),
    ("stall_ms", "turn_over_the_limit_is_counted_and_logged_with_its_phases"),
    ("connections_max", "connections_have_a_number"),
    ("pending_max", "connections_that_are_not_upgraded_have_a_number_and_the_oldest_goes"),
    ("metrics_connections_max", "metrics_connections_have_a_number_of_their_own"),
    ("connections_per_address_max", "client_behind_a_trusted_proxy_is_counted_by_its_own_address"),
    ("accepts_per_address_per_second", "new_connections_of_a_client_behind_a_proxy_have_a_rate"),
    ("accepts_per_address_burst", "new_connections_of_a_client_behind_a_proxy_have_a_rate"),
    ("accepts_per_turn", "work_of_a_turn_is_bounded_and_none_is_forgotten"),
    ("read_bytes_per_turn", "work_of_a_turn_is_bounded_and_none_is_forgotten"),
    ("deadlines_per_turn", "turn_has_a_number_of_deadlines_and_the_next_goes_on"),
    ("connections_per_turn", "commit_is_told_a_few_at_a_time_and_reaches_everyone"),
    ("send_bytes_per_turn", "what_is_sent_in_a_turn_has_a_size"),
    ("reply_bytes_max", "login_that_was_held_back_until_the_end_is_no_ghost"),
    ("log_bytes_min", "log_has_a_size"),
    ("resume_bytes_max", "what_is_kept_for_those_who_come_back_has_a_size"),
    ("send_buffer_bytes", "connection_has_the_options_that_limits_ask_for"),
    ("notsent_bytes_max", "connection_has_the_options_that_limits_ask_for"),
    ("deflate_bytes_min", "compression_is_as_it_was_set"),
    ("deflate_level", "compression_is_as_it_was_set"),
    ("drain_bytes_max", "input_that_is_thrown_away_has_a_limit"),
    ("buffered_mebibytes_max", "all_memory_together_has_a_limit_and_the_largest_goes"),
    ("commit_interval_ms", "time_between_commits_is_as_it_was_set"),
    ("name_chars_max", "limits_of_names_can_be_set"),
    ("name_bytes_max", "limits_of_names_can_be_set"),
    ("name_changes_per_minute", "name_changes_are_limited_in_a_minute"),
    ("count_interval_ms", "count_is_told_at_once_and_then_at_most_once_in_an_interval"),
    ("data_keys_max", "data_that_are_too_large_change_nothing"),
    ("data_bytes_max", "data_that_are_too_large_change_nothing"),
    ("data_depth_max", "data_that_are_too_large_change_nothing"),
    ("updates_per_second", "updates_have_a_rate_of_their_own"),
    ("updates_burst", "updates_have_a_rate_of_their_own"),
    ("rooms_max", "rooms_have_a_number"),
    ("rooms_per_connection_max", "rooms_of_a_connection_have_a_number"),
    ("followers_per_room_max", "room_has_so_many_followers_and_members"),
    ("members_per_room_max", "room_has_so_many_followers_and_members"),
    ("held_members_max", "no_more_are_held_than_may_be"),
    ("room_chars_max", "name_of_a_room_has_a_length"),
    ("room_bytes_max", "name_of_a_room_has_a_length"),
    ("partition_grace_ms", "members_of_others_are_kept_for_the_grace_and_not_longer"),
    ("sessions_max", "sessions_are_limited"),
    ("upgrade_timeout_ms", "time_to_move_is_limited"),
    ("www_files_max", "folder_has_a_number_of_files_and_a_size"),
    ("www_mebibytes_max", "folder_has_a_number_of_files_and_a_size"),
];

#[test]
fn every_limit_is_reached_by_a_test() {
    let command = Limits::augment_args(clap::Command::new("headcount"));
    let limits: Vec<&str> = command.get_arguments().map(|limit| limit.get_id().as_str()).collect();
    let listed: Vec<&str> = REACHED.iter().map(|(limit, _)| *limit).collect();
    assert_eq!(listed, limits);
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |path: &str| fs::read_to_string(root.join(path)).unwrap();
    let mut sources = read("src/server/listener.rs");
    for entry in fs::read_dir(root.join("tests/it")).unwrap() {
        let path = entry.unwrap().path();
        sources += &if path.is_file() { fs::read_to_string(path).unwrap() } else { String::new() };
    }
    for (limit, test) in REACHED {
        let is_test = |indent| sources.contains(&format!("#[test]\n{indent}fn {test}()"));
        assert!(is_test("") || is_test("    "), "{limit}: {test}");
    }
}

/// The lines are for people and for scripts alike, and say what is in force on this machine.
#[test]
fn program_prints_its_limits() {
    let mut command = Command::new("sh");
    command.args(["-c", "ulimit -n 200; exec \"$0\" \"$@\"", env!("CARGO_BIN_EXE_headcount")]);
    command.args([
        "--print-limits",
        "--messages-burst",
        "7",
        "--buffered-mebibytes-max=4294967295",
    ]);
    let output = command.output().expect("the program starts");
    assert_eq!(output.status.code(), Some(0));
    let text = String::from_utf8(output.stdout).unwrap();
    let columns: BTreeSet<_> =
        text.lines().map(|line| (line.find(" = "), line.find(" # "))).collect();
    assert_eq!(columns.len(), 1, "they are aligned: {text}");
    let limit = |line: &str| {
        let (name, rest) = line.split_once('=').unwrap();
        let (value, what) = rest.split_once('#').unwrap();
        let (what, bounds) = what.strip_suffix(')').unwrap().rsplit_once(" (").unwrap();
        assert!(what.len() > 10, "{line}");
        let value: u32 = value.trim().parse().unwrap();
        let (least, most) = match bounds.strip_suffix(" or more") {
            Some(least) => (least, u32::MAX),
            None => {
                bounds.split_once(" to ").map(|(one, two)| (one, two.parse().unwrap())).unwrap()
            }
        };
        assert!((least.parse().unwrap()..=most).contains(&value), "{line}");
        (name.trim().replace('-', "_"), value)
    };
    let limits: BTreeMap<String, u32> = text.lines().map(limit).collect();
    let listed: BTreeSet<&str> = REACHED.iter().map(|(limit, _)| *limit).collect();
    assert_eq!(limits.keys().map(String::as_str).collect::<BTreeSet<_>>(), listed);
    assert_eq!(limits["head_bytes_max"], 32_768);
    assert_eq!(limits["messages_burst"], 7);
    assert!(
        text.contains("a 431 response (64 to 1048576)\n") && text.contains("at once (1 or more)\n")
    );
    assert_eq!(limits["connections_max"], 200 - 64, "the open files, less some");
    assert_eq!(limits["buffered_mebibytes_max"], u32::MAX);
}

fn world(limits: Limits) -> World {
    World::with(Config { limits, echo: true, ..Config::default() })
}

#[test]
fn rates_that_are_set_are_kept() {
    let limits = Limits {
        messages_per_second: 2,
        messages_burst: 3,
        control_frames_per_second: 4,
        control_frames_burst: 5,
        ..Limits::default()
    };
    for (frame, burst, wait_ms) in [(wire::text("x"), 3, 500), (wire::frame(0x89, b""), 5, 250)] {
        let mut world = world(limits.clone());
        let peer = world.watch();
        world.send(peer, &frame.repeat(burst));
        for _ in 0..10 {
            world.pass_ms(wait_ms);
            world.send(peer, &frame);
        }
        let told = world.told(peer);
        assert_eq!(told.len(), burst + 10, "{told:?}");
        world.pass_ms(wait_ms - 1);
        world.send(peer, &frame);
        assert_eq!(world.told(peer), [Told::Close(Some(1008))]);
    }
}

#[test]
fn limits_of_socket_io_that_are_set_are_kept() {
    let limits = Limits {
        namespace_bytes_max: 3,
        attachments_max: 1,
        json_depth_max: 2,
        ..Limits::default()
    };
    for (fits, one_more) in [
        ("40/bc,", "40/bcd,"), // The slash counts.
        (r#"451-["x",{"_placeholder":true,"num":0}]"#, r#"452-["x"]"#),
        (r#"42["x",[1]]"#, r#"42["x",[[1]]]"#),
    ] {
        let mut world = world(limits.clone());
        let [good, bad] = [(); 2].map(|()| engine::join(&mut world));
        world.say(good, fits);
        assert!(!world.is_half_closed(good), "{fits}");
        world.say(bad, "40/a,");
        world.say(bad, one_more);
        assert_eq!(world.told(bad).last(), Some(&Told::Close(Some(1008))), "{one_more}");
    }
}

#[test]
fn timeouts_that_are_set_are_kept() {
    let limits = Limits {
        handshake_timeout_ms: 300,
        ping_interval_ms: 1_000,
        pong_timeout_ms: 400,
        ..Limits::default()
    };
    let mut world = world(limits);
    let (silent, dead) = (world.connect(), world.watch());
    world.pass_ms(290);
    assert!(!world.is_closed(silent));
    world.pass_ms(110); // Deadlines are looked at ten times a second.
    assert!(world.is_closed(silent));
    world.pass_ms(490); // 0.9 s from the start, which is the interval less a tenth.
    assert!(world.told(dead).is_empty());
    world.pass_ms(310);
    assert!(matches!(world.told(dead)[..], [Told::Ping(_)]));
    assert!(!world.is_closed(dead));
    world.pass_ms(400);
    assert!(world.is_closed(dead));
}

/// A frame of 10,000 bytes has 500 ms and, at 10,000 bytes a second, a second more.
#[test]
fn time_to_take_a_frame_is_as_it_was_set() {
    let limits =
        Limits { send_timeout_ms: 500, send_bytes_per_second_min: 10_000, ..Limits::default() };
    let mut world = world(limits);
    let [short, long] = [100, 10_000].map(|bytes| {
        let peer = world.open("/echo");
        world.set_room(peer, 1);
        world.send(peer, &wire::frame(0x82, &vec![7; bytes]));
        peer
    });
    world.pass_ms(490);
    assert!(!world.is_closed(short));
    world.pass_ms(130);
    assert!(world.is_closed(short));
    world.pass_ms(870);
    assert!(!world.is_closed(long));
    world.pass_ms(120);
    assert!(world.is_closed(long));
}

#[test]
fn compression_is_as_it_was_set() {
    let text: String = (0..2_000).map(|n: u32| char::from(b'a' + (n * n % 23) as u8)).collect();
    let echoed = |deflate_bytes_min: u32, deflate_level: u32| {
        let limits = Limits { deflate_bytes_min, deflate_level, ..Limits::default() };
        let mut world = world(limits);
        let peer: Peer = world.connect();
        world.send(peer, &wire::handshake("/echo", OFFER));
        assert_eq!(world.answer(peer).status, 101);
        world.send(peer, &wire::text(&text));
        world.inbox(peer).clone()
    };
    assert_eq!(echoed(2_001, 6)[0], 0x81, "as it is");
    assert_eq!(echoed(2_000, 6)[0], 0xC1, "with RSV1");
    let [fast, thorough] = [1, 9].map(|level| echoed(1_000, level).len());
    assert!(thorough < fast, "{thorough} and {fast} bytes");
}

#[test]
fn input_that_is_thrown_away_has_a_limit() {
    let mut world = world(Limits { drain_bytes_max: 100, ..Limits::default() });
    let peer = world.connect();
    world.send(peer, b"?\r\n\r\n");
    assert!(world.is_half_closed(peer));
    world.send(peer, &[0; 100]);
    assert!(!world.is_closed(peer));
    world.send(peer, &[0]);
    assert!(world.is_closed(peer));
}

#[test]
fn time_between_commits_is_as_it_was_set() {
    let mut world = world(Limits { commit_interval_ms: 500, ..Limits::default() });
    let [ada, bob] = [(); 2].map(|()| world.watch());
    world.login(ada, "Ada");
    assert_eq!(world.heard(bob).len(), 1, "at once");
    world.login(bob, "Bob");
    world.pass_ms(499);
    assert!(world.heard(ada).len() == 1 && world.heard(bob).is_empty());
    world.pass_ms(1);
    assert_eq!(world.heard(bob).len(), 1);
}

/// What does not fit into a turn is done in the next: with one connection and one byte a turn
/// everyone is served all the same.
#[test]
fn work_of_a_turn_is_bounded_and_none_is_forgotten() {
    let program = Program::start(&["--accepts-per-turn", "1", "--read-bytes-per-turn", "1"]);
    let mut clients: Vec<Client> = (0..50).map(|_| program.connect()).collect();
    for client in &mut clients {
        client.send(&[wire::handshake("/ws", ""), wire::text("[\"login\",\"Ada\"]")].concat());
    }
    for client in &mut clients {
        assert_eq!(client.answer().status, 101);
        client.wait_for_names(&["Ada"]);
    }
}
