//! `headcount bench` and `headcount doctor` as programs: against servers that are right, wrong,
//! silent and not there.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream, ToSocketAddrs};
use std::process::{Child, Command, Output, Stdio};
use std::thread;

use headcount::ws::handshake;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::program::Program;

const PROGRAM: &str = env!("CARGO_BIN_EXE_headcount");

pub(crate) fn bench(arguments: &[&str]) -> Output {
    Command::new(PROGRAM).arg("bench").args(arguments).output().expect("the program runs")
}

/// The report of a run, and its exit code.
pub(crate) fn report(arguments: &[&str]) -> (Value, Option<i32>) {
    let (scenario, arguments) = arguments.split_at(1);
    let output = bench(&[scenario, &["--json"], arguments].concat());
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    let report = serde_json::from_slice(&output.stdout);
    (report.unwrap_or_else(|_| panic!("no report: {errors}")), output.status.code())
}

pub(crate) fn figure(report: &Value, name: &str) -> f64 {
    let figures = report["figures"].as_array().expect("figures");
    let figure = figures.iter().find(|figure| figure["name"] == name);
    figure.unwrap_or_else(|| panic!("no {name} in {report}"))["value"].as_f64().expect("a number")
}

/// A run that ends as it should, with each client's roster the server's.
#[track_caller]
pub(crate) fn check(scenario: &str, arguments: &[&str]) -> Value {
    let (report, code) = report(&[&[scenario, "--seconds", "1"], arguments].concat());
    assert_eq!((&report["is_correct"], code), (&Value::Bool(true), Some(0)), "{report}");
    assert_eq!((&report["scenario"], &report["mistakes"]), (&scenario.into(), &0.into()));
    report
}

#[test]
fn idle_measures_what_a_client_costs() {
    let report = check("idle", &["-n", "200"]);
    assert!(figure(&report, "server_cpu_per_handshake") > 0.0);
    assert!(figure(&report, "server_memory_per_client") < 10_000.0);
}

#[test]
fn storm_tells_everyone_of_everyone() {
    let report = check("storm", &["-n", "100"]);
    // Each of a hundred is told a hundred names, in `"client-000000",` or thereabouts.
    assert!(figure(&report, "bytes_received") > 100.0 * 100.0 * 16.0);
    assert_eq!(report["samples"].as_array().map(Vec::is_empty), Some(false));
}

#[test]
fn churn_asks_as_often_as_it_is_told_to() {
    let report = check("churn", &["-n", "20", "--rate", "100"]);
    // In the one second fifty log out, and all but the last ten of them in again.
    assert_eq!(figure(&report, "changes"), 90.0);
    // Changes share messages, on a busy machine many of them.
    let told = figure(&report, "deliveries") / 20.0;
    assert!((1.0..=90.0).contains(&told), "{told} messages a client for 90 changes");
    let latency = &report["latencies"][0];
    assert_eq!(latency["name"], "change_to_visible");
    assert!(latency["p50"].as_f64() <= latency["max"].as_f64());
}

#[test]
fn probe_tells_what_a_stranger_feels_meanwhile() {
    for scenario in ["storm", "churn", "slow", "echo"] {
        let report = check(scenario, &["-n", "20", "--probe"]);
        let latencies = report["latencies"].as_array().expect("latencies");
        let stranger = latencies.iter().find(|latency| latency["name"] == "stranger_request");
        let stranger = stranger.unwrap_or_else(|| panic!("no stranger in {report}"));
        assert!(stranger["count"].as_u64() >= Some(1) && stranger["p50"].as_f64() > Some(0.0));
        assert_eq!(report["warnings"].to_string().matches("stranger").count(), 0, "{report}");
    }
}

/// Those who stay are told nothing, and no client is sent what it had.
#[test]
fn clients_that_come_back_go_on_from_their_copies() {
    for rooms in ["1", "5"] {
        let all = ["-n", "50", "--rooms", rooms];
        let data = ["--cut-s", "1", "--rate", "10", "--changes", "data"];
        for (scenario, arguments) in
            [("reload", &[][..]), ("restart", &[]), ("cut", &data), ("cut", &["--cut-s", "1"])]
        {
            let report = check(scenario, &[&all[..], arguments].concat());
            let observers = if scenario == "restart" { 10.0 } else { 0.0 };
            assert_eq!(figure(&report, "resumed"), 50.0 + observers, "{report}");
            let by_content = if scenario == "restart" { 60.0 } else { 0.0 };
            assert_eq!(figure(&report, "resumed_by_content"), by_content, "{report}");
            assert_eq!(figure(&report, "rosters_sent"), 0.0, "{report}");
            assert_eq!(figure(&report, "observer_frames_of_clients"), 0.0, "{report}");
            // In several rooms a client missed more or less than the mean.
            let beyond = figure(&report, "bytes_beyond_missed");
            assert!(beyond < 200.0 || rooms != "1", "{beyond} B beside what was missed");
            assert!(figure(&report, "all_right") < 10.0);
        }
    }
}

#[test]
fn cut_makes_changes_meanwhile_that_those_who_stay_are_told() {
    let arguments = ["-n", "20", "--cut-s", "1", "--rate", "10", "--changes", "data"];
    let report = check("cut", &[&arguments[..], &["--observers", "4"]].concat());
    assert_eq!(figure(&report, "changes"), 10.0);
    let frames = figure(&report, "observer_frames_while_away");
    assert!((4.0..=40.0).contains(&frames), "{frames} frames");
    assert!(figure(&report, "bytes_missed") > 100.0);
    assert!(figure(&report, "of_them_in_frames") > 200.0, "what was missed is told");
}

/// The holds are over before the others are back: those who stay see that, and count it.
#[test]
fn clients_that_come_back_too_late_are_seen_to_leave_and_to_come() {
    let late = ["-n", "20", "--cut-s", "1", "--", "--hold-lost-ms=100"];
    let report = check("cut", &late);
    assert!(figure(&report, "of_them_of_clients_away") >= 10.0, "{report}");
    assert!(figure(&report, "observer_frames_of_clients") >= 10.0, "{report}");
    assert_eq!(figure(&report, "still_logged_in"), 0.0);
}

#[test]
fn corrupted_copies_are_all_found_and_mended() {
    for (rooms, changes) in [("1", "logins"), ("3", "data")] {
        let report = check("drift", &["-n", "50", "--rooms", rooms, "--changes", changes]);
        for name in ["drifts", "drifts_found", "drifts_mended", "rosters_sent"] {
            assert_eq!(figure(&report, name), 50.0, "{name}");
        }
    }
}

#[test]
fn slow_compares_with_and_without_those_who_never_read() {
    let report = check("slow", &["-n", "50", "--stuck", "10"]);
    assert!(figure(&report, "p99_with_to_without") > 0.0);
    assert_eq!(report["latencies"].as_array().map(Vec::len), Some(2));
}

#[test]
fn fanout_tells_one_change_at_a_time() {
    let report = check("fanout", &["-n", "10", "--rounds", "25"]);
    assert_eq!(figure(&report, "deliveries"), 250.0);
}

/// The scenarios are the same in rooms, each of which has its own names.
#[test]
fn clients_in_rooms_are_told_of_their_room_and_of_no_other() {
    let report = check("storm", &["-n", "60", "--rooms", "6"]);
    assert_eq!(report["rooms"], 6);
    // Each of sixty is told ten names with those of its room, and not sixty.
    assert!((60.0 * 160.0..60.0 * 600.0).contains(&figure(&report, "bytes_received")), "{report}");
    let report = check("churn", &["-n", "60", "--rooms", "6", "--rate", "100"]);
    assert_eq!(figure(&report, "changes"), 70.0);
    let told = figure(&report, "deliveries") / 10.0;
    assert!((1.0..=70.0).contains(&told), "{told} changes told to everybody in their room");
    // Of three rooms one has four clients.
    let report = check("fanout", &["-n", "10", "--rooms", "3", "--rounds", "9"]);
    assert_eq!(figure(&report, "deliveries"), 90.0);
    check("idle", &["-n", "20", "--rooms", "20"]);
    check("slow", &["-n", "50", "--rooms", "5"]);
    check("echo", &["-n", "5", "--rooms", "100"]);
}

/// Presence data and statuses in place of logins: everybody is told what was set last.
#[test]
fn changes_may_be_data_and_statuses() {
    for rooms in ["1", "4"] {
        let all = ["-n", "20", "--rooms", rooms, "--changes", "data"];
        let report = check("churn", &[&all[..], &["--rate", "100"]].concat());
        assert_eq!(figure(&report, "changes"), 100.0);
        assert!(report["latencies"][0]["count"].as_f64() > Some(0.0));
        let report = check("fanout", &[&all[..], &["--rounds", "12"]].concat());
        assert_eq!(figure(&report, "deliveries"), 240.0);
        check("slow", &[&all[..], &["--stuck", "4"]].concat());
    }
    // As many at once as a commit can take: they come to one change.
    check("churn", &["-n", "2", "--changes", "data", "--rate", "5000"]);
}

#[test]
fn count_is_told_once_a_second_in_a_short_frame() {
    for rooms in ["1", "3"] {
        let arguments = ["-n", "30", "--rooms", rooms, "--visitors", "300", "--rate", "100"];
        let (report, code) = report(&[&["count", "--seconds", "3"], &arguments[..]].concat());
        assert_eq!((&report["is_correct"], code), (&Value::Bool(true), Some(0)), "{report}");
        assert_eq!(figure(&report, "changes"), 300.0);
        // At most once in each second that has begun. Logins go on, so there is something to tell.
        let frames = figure(&report, "frames_per_client_per_second");
        assert!((0.3..=4.0 / 3.0).contains(&frames), "{frames} frames a second");
        let bytes = figure(&report, "largest_frame");
        assert!((20.0..=64.0).contains(&bytes), "{bytes} bytes");
    }
}

#[test]
fn echo_comes_back_as_it_was_sent() {
    let report = check("echo", &["-n", "5", "--size", "70000"]);
    assert!(figure(&report, "bytes_received") > 70_000.0);
}

#[test]
fn report_is_one_page_that_needs_nothing_else() {
    let path = std::env::temp_dir().join(format!("headcount-bench-{}.html", std::process::id()));
    check("churn", &["-n", "10", "--report", path.to_str().expect("UTF-8")]);
    let page = std::fs::read_to_string(&path).expect("it was written");
    std::fs::remove_file(&path).expect("it can be removed");
    assert!(page.matches("<svg").count() >= 4, "plots");
    assert!(page.contains("change to visible") && page.contains("bench churn"));
    for foreign in ["src=", "href=", "@import", "url("] {
        assert!(!page.contains(foreign), "{foreign}");
    }
}

/// A server that answers `/roster` with `document` and sends these frames on every WebSocket.
fn server(document: &'static str, messages: &'static [&'static str]) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("it is bound");
    thread::spawn(move || {
        let mut open = Vec::new();
        for stream in listener.incoming() {
            let mut stream = stream.expect("a connection");
            let head = read_head(&mut stream);
            if head.starts_with("GET /roster") {
                let _ = write!(stream, "HTTP/1.1 200 OK\r\n\r\n{document}");
                continue;
            }
            let key = head.lines().find_map(|line| line.strip_prefix("Sec-WebSocket-Key: "));
            let accept = handshake::accept_key(key.expect("a key").as_bytes());
            let mut answer = b"HTTP/1.1 101 Switching Protocols\r\n".to_vec();
            answer.extend(b"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ");
            answer.extend([&accept[..], b"\r\n\r\n"].concat());
            for message in messages {
                answer.extend([0x81, message.len() as u8]);
                answer.extend(message.as_bytes());
            }
            let _ = stream.write_all(&answer);
            open.push(stream);
        }
    });
    address
}

fn read_head(stream: &mut TcpStream) -> String {
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).is_ok_and(|length| length > 0) {
        head.push(byte[0]);
    }
    String::from_utf8(head).expect("ASCII")
}

/// A run against a server that is wrong: 1, and it says why.
#[track_caller]
fn check_wrong(address: SocketAddr, told: &str) {
    let url = format!("ws://{address}");
    let arguments = ["idle", "-n", "3", "--seconds", "1", "--patience", "1", "--url", &url];
    let (report, code) = report(&arguments);
    assert_eq!((&report["is_correct"], code), (&Value::Bool(false), Some(1)), "{report}");
    assert!(report["mistakes_told"].to_string().contains(told), "{report}");
}

const ADA: &str = r#"["roster",{"epoch":"00000000000000ab","seq":3,
    "digest":"a90740435337e0ea","names":["Ada"]}]"#;
const ONLY_ADA: &str =
    r#"{"epoch":"00000000000000ab","seq":3,"digest":"a90740435337e0ea","names":["Ada"]}"#;
const NOBODY: &str =
    r#"{"epoch":"00000000000000ab","seq":1,"digest":"0000000000000000","names":[]}"#;

#[test]
fn wrong_roster_is_noticed() {
    const BOB: &str =
        r#"{"epoch":"00000000000000ab","seq":3,"digest":"5085c734e8522db7","names":["Bob"]}"#;
    check_wrong(server(BOB, &[ADA]), "3 of 3 rosters");
    const AGAIN: &str =
        r#"{"epoch":"00000000000000ac","seq":3,"digest":"a90740435337e0ea","names":["Ada"]}"#;
    check_wrong(server(AGAIN, &[ADA]), "3 of 3 rosters");
    const IDLE: &str = r#"{"epoch":"00000000000000ab","seq":3,"digest":"cf7642ca29e79a82",
        "names":["Ada"],"status":{"Ada":"idle"}}"#;
    check_wrong(server(IDLE, &[ADA]), "3 of 3 rosters");
    const DATA: &str = r#"{"epoch":"00000000000000ab","seq":3,"digest":"b7d36bbe4f57bb87",
        "names":["Ada"],"data":{"Ada":{}}}"#;
    check_wrong(server(DATA, &[ADA]), "3 of 3 rosters");
    check_wrong(server(ONLY_ADA, &[ADA, r#"["roster",7]"#]), "a message that is none");
}

#[test]
fn gap_in_the_sequence_is_noticed_though_the_rosters_are_equal() {
    const EMPTY: &str = r#"["roster",{"epoch":"00000000000000ab","seq":1,
        "digest":"0000000000000000","names":[]}]"#;
    const GAP: &str =
        r#"["change",{"seq":3,"digest":"a90740435337e0ea","joined":["Ada"],"left":[]}]"#;
    check_wrong(server(ONLY_ADA, &[EMPTY, GAP, ADA]), "a gap: 3 came after 1");
}

/// The rosters are right, and all clients are told the same.
#[test]
fn wrong_digest_is_noticed_with_its_frame() {
    const WRONG: &str = r#"["roster",{"epoch":"00000000000000ab","seq":2,
        "digest":"0000000000000000","names":["Ada"]}]"#;
    let told = "the digest of 2 is 0000000000000000, and that of its roster a90740435337e0ea";
    check_wrong(server(ONLY_ADA, &[WRONG, ADA]), told);
    const EVE: &str =
        r#"["change",{"seq":4,"digest":"a90740435337e0ea","joined":["Eve"],"left":[]}]"#;
    const AGAIN: &str =
        r#"["change",{"seq":5,"digest":"a90740435337e0ea","joined":[],"left":["Eve"]}]"#;
    const ONLY_ADA_AGAIN: &str =
        r#"{"epoch":"00000000000000ab","seq":5,"digest":"a90740435337e0ea","names":["Ada"]}"#;
    let told = "the digest of 4 is a90740435337e0ea, and that of its roster c800f78c51b94e76";
    check_wrong(server(ONLY_ADA_AGAIN, &[ADA, EVE, AGAIN]), told);
    const DOCUMENT: &str =
        r#"{"epoch":"00000000000000ab","seq":3,"digest":"0000000000000001","names":["Ada"]}"#;
    let url = format!("ws://{}", server(DOCUMENT, &[ADA]));
    check_refused(&["idle", "-n", "3", "--url", &url], "the digest of 3 is 0000000000000001");
}

#[test]
fn message_of_another_room_is_noticed() {
    const LEAK: &str = r#"["change",{"room":"a","seq":4,"digest":"0000000000000000",
        "joined":["Eve"],"left":[]}]"#;
    check_wrong(server(ONLY_ADA, &[ADA, LEAK]), "a message of another room came");
}

/// What can't begin says why in one line, and ends at once.
#[track_caller]
pub(crate) fn check_refused(arguments: &[&str], told: &str) {
    let output = bench(arguments);
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{errors}");
    assert!(errors.contains(told) && errors.lines().count() == 1, "{errors}");
    assert!(output.stdout.is_empty());
}

#[test]
fn server_that_is_not_there_is_told_in_one_line() {
    let free = TcpListener::bind("127.0.0.1:0").expect("a free port").local_addr().unwrap();
    check_refused(&["idle", "--url", &format!("ws://{free}")], "connection refused");
    check_refused(&["restart", "--url", &format!("ws://{free}")], "leave out --url");
}

#[test]
fn rooms_in_which_nobody_would_be_are_refused() {
    check_refused(&["storm", "-n", "3", "--rooms", "4"], "3 clients can't be spread over 4 rooms");
    let count = ["count", "-n", "4", "--rooms", "4", "--visitors", "3"];
    let drift = ["drift", "-n", "12", "--rooms", "12"];
    check_refused(&drift, "10 observers can't be spread over 12 rooms");
    check_refused(&count, "3 visitors can't be spread over 4 rooms");
}

/// On most machines `localhost` is `::1` and 127.0.0.1, and the server is at one of the two. (Which
/// is tried when, `bench::url` tests.)
#[test]
fn url_may_name_a_host_that_has_several_addresses() {
    for address in ("localhost", 0).to_socket_addrs().expect("it is known") {
        let listen = address.to_string();
        let program = Program::start(&["--listen", &listen, "--name-changes-per-minute", "100000"]);
        let port = program.addresses[0].port();
        for (scheme, path) in [("ws", ""), ("WS", "/ws"), ("http", "/")] {
            let url = format!("{scheme}://localhost:{port}{path}");
            check("fanout", &["-n", "2", "--rounds", "2", "--url", &url]);
        }
    }
}

#[test]
fn url_that_leads_nowhere_is_told_before_anything_is_done() {
    for (url, words) in [
        ("wss://localhost", "there is no TLS here"),
        ("ws://localhost:99999", "99999 is no port"),
        ("ws://localhost:0", "0 is no port"),
        ("ws://localhost/?x", "leave out ?x"),
        ("localhost:3000", "a URL is written like"),
    ] {
        let output = bench(&["idle", "--url", url]);
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{url}: {errors}");
        assert!(errors.lines().count() == 1 && errors.contains(words), "{errors}");
    }
}

#[test]
fn what_opens_no_websocket_is_told_in_one_line() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("ws://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.expect("a connection");
            let head = read_head(&mut stream);
            let answer = match head.starts_with("GET /roster") {
                true => {
                    "HTTP/1.1 200 OK\r\n\r\n{\"epoch\":\"0000000000000000\",\
                         \"seq\":0,\"digest\":\"0000000000000000\",\"names\":[]}"
                }
                false => "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
            };
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    check_refused(&["storm", "-n", "3", "--url", &url], "404");
}

#[test]
fn server_that_says_nothing_is_not_waited_for_for_ever() {
    // It answers /roster and opens WebSockets, and never sends a roster there.
    let url = format!("ws://{}", server(NOBODY, &[]));
    let output = bench(&["storm", "-n", "3", "--patience", "1", "--url", &url]);
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(text.contains("nothing happens any more"), "{text}");
}

/// A long run, of which something has been measured.
fn start_churn(program: &Program) -> Child {
    let mut watcher = program.watch();
    let url = format!("ws://{}", program.addresses[0]);
    let child = Command::new(PROGRAM)
        .args(["bench", "churn", "-n", "10", "--seconds", "600", "--json", "--url", &url])
        .stdout(Stdio::piped())
        .spawn()
        .expect("the program starts");
    // The first to leave does so when it is measured, and with the next change all have been told.
    while watcher.heard()[1]["left"].as_array().is_none_or(Vec::is_empty) {}
    watcher.heard();
    child
}

#[test]
fn interrupt_prints_what_was_measured_until_then() {
    let program = Program::start(&["--name-changes-per-minute", "100000"]);
    let child = start_churn(&program);
    kill_process(Pid::from_child(&child), Signal::INT).expect("it runs");
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(130));
    let report: Value = serde_json::from_slice(&output.stdout).expect("a report");
    assert!(figure(&report, "deliveries") > 0.0);
    assert!(report["ended_early"].as_str().is_some_and(|why| why.contains("interrupted")));
}

#[test]
fn too_few_descriptors_are_told_before_anything_is_done() {
    let script = format!("ulimit -n 100; exec {PROGRAM} bench idle -n 1000");
    let output = Command::new("sh").args(["-c", &script]).output().expect("sh runs");
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{errors}");
    assert!(errors.contains("1064 open files are needed and 100 allowed"), "{errors}");
}

#[test]
fn doctor_says_what_bounds_the_number_of_clients() {
    let doctor = |clients: &str| {
        let output =
            Command::new(PROGRAM).args(["doctor", "-n", clients]).output().expect("it runs");
        (String::from_utf8(output.stdout).expect("UTF-8"), output.status.code())
    };
    let (text, code) = doctor("4000000000");
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("LOW  open files") && text.contains("LimitNOFILE"), "{text}");
    let script = format!("ulimit -n 1064; exec {PROGRAM} doctor -n 10");
    let output = Command::new("sh").args(["-c", &script]).output().expect("sh runs");
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    assert!(text.contains("ok   open files"), "{text}");
    assert!(text.contains("can hold 1000 clients"), "{text}");
}

/// A server that goes away in the middle: what was measured until then is told, and soon.
#[test]
fn server_that_is_gone_ends_the_run_with_its_figures() {
    let mut program = Program::start(&["--name-changes-per-minute", "100000"]);
    let child = start_churn(&program);
    program.child.kill().expect("it runs");
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(1));
    let report: Value = serde_json::from_slice(&output.stdout).expect("a report");
    assert!(report["ended_early"].as_str().is_some_and(|why| why.contains("lost")), "{report}");
    assert!(figure(&report, "deliveries") > 0.0);
}

/// Pings are no news: with many of them a server that does not do what is asked is given up.
#[test]
fn pings_do_not_keep_a_run_alive() {
    let arguments = ["storm", "-n", "3", "--patience", "1", "--"];
    let flags = ["--ping-interval-ms", "100", "--name-chars-max", "5"];
    let output = bench(&[&arguments[..], &flags[..]].concat());
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(text.contains("nothing happens any more") && text.contains("name_too_long"), "{text}");
}
