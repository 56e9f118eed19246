//! The file of `--state`, and the program that is killed.

use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use redb::{Database, TableDefinition};
use rustix::process::Signal;
use serde_json::{Value, json};

use crate::logs::Logged;
use crate::program::{self, Client, Program};
use crate::wire::{self, Told};

const ADA: &str = "00000000000000000000000000000ada";
const HOLD: &str = "--hold-lost-ms=10000";

/// A folder that is gone with the test.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Folder {
        let path = std::env::temp_dir().join(format!("headcount-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).unwrap();
        Folder(path)
    }

    fn file(&self) -> String {
        self.0.join("state").to_str().unwrap().to_owned()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn start(file: &str) -> Program {
    Program::start(&["--state", file, HOLD])
}

/// A client that has said hello.
fn hello(address: SocketAddr, options: &Value) -> Client {
    let mut client = Client::connect(address);
    client.send(&wire::handshake("/ws", "Sec-WebSocket-Protocol: headcount.v2\r\n"));
    assert_eq!(client.answer().status, 101);
    client.send(&wire::text(&json!(["hello", options]).to_string()));
    client
}

/// The next message, with its digest.
fn heard(client: &mut Client) -> Value {
    let Told::Text(text) = client.told() else { panic!("it is a text") };
    serde_json::from_str(&text).unwrap()
}

fn copy(change: &Value) -> Value {
    json!(["0000000000000001", 1, change[1]["digest"]])
}

/// Waits until the file has everything.
fn await_saved(address: SocketAddr) {
    await_metrics(address, "headcount_state_behind 0\n");
    // A group of changes is written within some milliseconds, and nobody is told when.
    thread::sleep(Duration::from_millis(300));
}

fn await_metrics(address: SocketAddr, line: &str) {
    let started = Instant::now();
    while !program::metrics(address).contains(line) {
        assert!(started.elapsed() < Duration::from_secs(30), "no {line}");
        thread::sleep(Duration::from_millis(20));
    }
}

/// Ada is there, and what she was told last is written down.
fn with_ada(program: &Program) -> Value {
    let mut ada = hello(program.addresses[0], &json!({ "client": ADA }));
    ada.send(&wire::text(r#"["login","Ada",{"data":{"a":1}}]"#));
    let change = (0..3).map(|_| heard(&mut ada)).last().unwrap();
    assert_eq!(change[1]["joined"], json!(["Ada"]));
    await_saved(program.addresses[0]);
    change
}

#[test]
fn nobody_sees_that_the_server_was_killed() {
    let folder = Folder::new("kill");
    let mut program = start(&folder.file());
    let change = with_ada(&program);
    for signal in [Signal::KILL, Signal::KILL, Signal::TERM] {
        program.signal(signal);
        program.exit_code();
        program = start(&folder.file());
        let address = program.addresses[0];
        let rooms = json!({ "": copy(&change) });
        let mut other = hello(address, &json!({ "rooms": rooms }));
        let mut ada = hello(address, &json!({ "client": ADA, "rooms": rooms }));
        assert_eq!(heard(&mut ada)[1]["resumed"], json!([""]));
        for client in [&mut other, &mut ada] {
            let first = heard(client);
            let first = if first[0] == "welcome" { heard(client) } else { first };
            assert_eq!((&first[0], &first[1]["joined"]), (&json!("change"), &json!([])));
        }
        // The first that the other hears is of what Ada does now.
        ada.send(&wire::text(r#"["set",{"status":"idle"}]"#));
        assert_eq!(heard(&mut other)[1]["status"], json!({ "Ada": "idle" }));
        ada.send(&wire::text(r#"["set",{"status":"active"}]"#));
        assert_eq!(heard(&mut other)[1]["status"], json!({ "Ada": "active" }));
        await_saved(address);
    }
    let mode = fs::metadata(folder.file()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600, "ids of clients are secrets");
}

#[test]
fn who_does_not_come_back_after_a_restart_leaves_after_the_hold() {
    let folder = Folder::new("hold");
    let program = start(&folder.file());
    let change = with_ada(&program);
    drop(program);
    let started = Instant::now();
    let program = Program::start(&["--state", &folder.file(), "--hold-lost-ms=3000"]);
    let mut other = hello(program.addresses[0], &json!({ "rooms": { "": copy(&change) } }));
    assert_eq!(heard(&mut other)[0], "welcome");
    assert_eq!(heard(&mut other)[1]["left"], json!([]));
    assert_eq!(heard(&mut other)[1]["left"], json!(["Ada"]));
    assert!(started.elapsed() >= Duration::from_secs(3));
}

/// Each way in which a file can be one that this program has not written.
fn damages(file: &Path) -> Vec<(String, Vec<u8>)> {
    let good = fs::read(file).unwrap();
    let mut damages = vec![
        ("text".to_owned(), b"a file of somebody else\n".repeat(1000)),
        ("a byte".to_owned(), b"x".to_vec()),
        ("half".to_owned(), good[..good.len() / 2].to_vec()),
        ("a page".to_owned(), good[..4096].to_vec()),
        ("zeros".to_owned(), vec![0; good.len()]),
    ];
    for page in (0..good.len() / 4096).filter(|page| good[page * 4096..][..4096] != [0; 4096]) {
        let mut flipped = good.clone();
        flipped[page * 4096..][..4096].iter_mut().for_each(|byte| *byte ^= 0x55);
        damages.push((format!("page {page}"), flipped));
    }
    let other = file.with_extension("other");
    let version = TableDefinition::<&str, u64>::new("headcount");
    for (number, what) in [(2, "the next version"), (0, "an earlier version")] {
        fs::write(&other, &good).unwrap();
        let database = Database::open(&other).unwrap();
        let writing = database.begin_write().unwrap();
        writing.open_table(version).unwrap().insert("version", number).unwrap();
        writing.commit().unwrap();
        drop(database);
        damages.push((what.to_owned(), fs::read(&other).unwrap()));
    }
    damages
}

#[test]
fn file_that_cant_be_read_is_kept_for_a_look_and_the_server_starts() {
    let folder = Folder::new("damaged");
    let file = PathBuf::from(folder.file());
    let program = start(&folder.file());
    with_ada(&program);
    drop(program);
    let aside = folder.0.join("state.damaged");
    for (what, bytes) in damages(&file) {
        let _ = fs::remove_file(&aside);
        fs::write(&file, &bytes).unwrap();
        let mut logged = Logged::start(&["--state", &folder.file()]);
        let address = logged.program.addresses[0];
        assert_eq!(logged.next()["message"], "listening");
        let line = logged.next();
        let names = program::names(address);
        if line["message"] == "--state read" {
            // Nothing was in that page, or only the last commit, and the one before it is read.
            assert!(what.starts_with("page ") && names <= 1, "{what}: {line}");
            continue;
        }
        assert_eq!(line["message"], "can't read --state; starting without it", "{what}");
        assert!(line["error"].as_str().unwrap().contains("state.damaged"), "{line}");
        assert_eq!(names, 0, "{what}");
        // A store that is opened notes that in its first page, and in others if it is a good one.
        let kept = fs::read(&aside).unwrap();
        let is_same =
            kept.len() == bytes.len() && kept.iter().skip(4096).eq(bytes.iter().skip(4096));
        assert!(is_same || what.ends_with("version"), "{what}");
        await_metrics(address, "headcount_state_behind 0\n");
    }
    assert!(aside.exists());
}

#[test]
fn empty_file_is_one_in_which_nothing_was_written_yet() {
    let folder = Folder::new("empty");
    fs::write(folder.file(), "").unwrap();
    let mut logged = Logged::start(&["--state", &folder.file()]);
    assert_eq!(logged.find("--state read")["logins"], 0);
}

#[test]
fn second_server_on_one_file_says_so_and_goes_on_without() {
    let folder = Folder::new("second");
    let program = start(&folder.file());
    with_ada(&program);
    let mut second = Logged::start(&["--state", &folder.file()]);
    let line = second.find("can't read --state; starting without it");
    assert_eq!(line["error"], "another server uses it");
    let address = second.program.addresses[0];
    assert_eq!(program::names(address), 0);
    await_metrics(address, "headcount_state_behind 1\n");
    // When the first is gone, the file is the second's, who writes what there is now.
    drop(program);
    second.find("--state is written again");
    await_metrics(address, "headcount_state_behind 0\n");
    drop(second);
    let third = start(&folder.file());
    assert_eq!(program::names(third.addresses[0]), 0, "nobody was on the second");
}

#[test]
fn file_that_cant_be_made_is_done_without() {
    let folder = Folder::new("nowhere");
    let nowhere = folder.0.join("missing/state");
    for path in [nowhere.to_str().unwrap(), folder.0.to_str().unwrap(), "/proc/state"] {
        let mut logged = Logged::start(&["--state", path]);
        assert_eq!(logged.next()["message"], "listening");
        let line = logged.next();
        assert_eq!(line["message"], "can't read --state; starting without it");
        let address = logged.program.addresses[0];
        let mut client = hello(address, &json!({}));
        client.login("Ada");
        await_metrics(address, "headcount_state_behind 1\n");
        assert_eq!(program::names(address), 1, "{path}");
    }
}

/// A small disk, which only root can have.
struct Disk(Folder);

impl Disk {
    fn mount(name: &str, options: &str) -> Option<Disk> {
        let folder = Folder::new(name);
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", options, "none"]).arg(&folder.0);
        let is_there = mount.output().is_ok_and(|output| output.status.success());
        if !is_there {
            eprintln!("SKIPPED: {name} needs the right to mount a disk");
        }
        is_there.then_some(Disk(folder))
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0.0).status();
    }
}

#[test]
fn disk_that_is_full_is_done_without_until_it_has_room_again() {
    let Some(disk) = Disk::mount("full", "size=8m") else { return };
    let file = disk.0.file();
    let mut logged = Logged::start(&["--state", &file, "--hold-lost-ms=60000"]);
    let address = logged.program.addresses[0];
    with_ada(&logged.program);
    let filler = disk.0.0.join("filler");
    let _ = fs::write(&filler, vec![1; 9 << 20]);
    let login = |number: usize| {
        let mut client = hello(address, &json!({}));
        let data = "x".repeat(900);
        let login = json!(["login", format!("Name {number}"), { "data": { "a": data } }]);
        client.send(&wire::text(&login.to_string()));
        client
    };
    let mut clients: Vec<Client> = (0..200).map(login).collect();
    logged.find("can't write --state; going on without it");
    await_metrics(address, "headcount_state_behind 1\n");
    clients.extend((200..210).map(login));
    let started = Instant::now();
    while program::names(address) < 211 {
        assert!(started.elapsed() < Duration::from_secs(10), "it does not go on");
    }
    fs::remove_file(&filler).unwrap();
    logged.find("--state is written again");
    await_saved(address);
    drop(logged);
    let program = start(&file);
    assert_eq!(program::names(program.addresses[0]), 211, "it has all of it again");
}

#[test]
fn disk_that_is_read_only_is_done_without() {
    let Some(disk) = Disk::mount("read-only", "size=1m,ro") else { return };
    let mut logged = Logged::start(&["--state", &disk.0.file()]);
    let line = logged.find("can't read --state; starting without it");
    assert!(line["error"].as_str().unwrap().contains("Read-only"), "{line}");
    assert_eq!(program::names(logged.program.addresses[0]), 0);
}
