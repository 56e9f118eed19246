//! A folder that is served: what of it, and how its changes are seen.

use std::fs::{self, File, FileTimes, Permissions};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use rustix::fs::{CWD, FileType, Mode, mknodat};

use crate::logs::Logged;
use crate::program::{Client, Program};

/// A folder that is removed when the test is over.
struct Folder(PathBuf);

impl Folder {
    fn new(test: &str) -> Folder {
        let path = std::env::temp_dir().join(format!("headcount-{test}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).unwrap();
        Folder(path)
    }

    fn at(&self, name: impl AsRef<Path>) -> PathBuf {
        self.0.join(name)
    }

    fn write(&self, name: impl AsRef<Path>, content: &str) {
        let path = self.at(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    /// Writes a file that has the date that releases have whose builds can be reproduced.
    fn write_dated(&self, name: &str, content: &str) {
        self.write(name, content);
        let long_ago = SystemTime::UNIX_EPOCH + Duration::from_secs(1);
        let file = File::options().write(true).open(self.at(name)).unwrap();
        file.set_times(FileTimes::new().set_modified(long_ago).set_accessed(long_ago)).unwrap();
    }

    fn link(&self, target: impl AsRef<Path>, name: impl AsRef<Path>) {
        let path = self.at(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        symlink(target, path).unwrap();
    }

    /// Switches a link to another target, as `ln -sfn` and mv do.
    fn switch(&self, target: &str, name: &str) {
        self.link(target, "..tmp");
        fs::rename(self.at("..tmp"), self.at(name)).unwrap();
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn serve(path: &Path) -> (Program, Client) {
    let program = Program::start(&["--www", path.to_str().unwrap()]);
    let client = program.connect();
    (program, client)
}

fn get(client: &mut Client, path: &str) -> (u16, String) {
    client.send(format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n").as_bytes());
    let answer = client.answer();
    (answer.status, String::from_utf8_lossy(&answer.body).into_owned())
}

/// Asks again, on another connection as each has a number of requests, until it is so.
fn wait_for(program: &Program, path: &str, content: Option<&str>) {
    let started = Instant::now();
    loop {
        let (status, body) = get(&mut program.connect(), path);
        if content.map_or(status == 404, |content| status == 200 && body == content) {
            return;
        }
        assert!(started.elapsed() < Duration::from_secs(20), "{path}: {status} {body}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

#[test]
fn files_are_served_under_the_paths_that_browsers_ask_for() {
    let folder = Folder::new("names");
    for name in ["logo@2x.png", "photo (1).png", "$types.js", "[slug].js", "c++.png", "a b/ü.txt"]
    {
        folder.write(name, name);
    }
    folder.write("docs/index.html", "docs");
    folder.write("u\u{308}ber.txt", "decomposed");
    let (_program, mut client) = serve(&folder.0);
    for (path, name) in [
        ("/logo@2x.png", "logo@2x.png"),
        ("/logo%402x.png", "logo@2x.png"),
        ("/photo%20(1).png", "photo (1).png"),
        ("/photo%20%281%29.png", "photo (1).png"),
        ("/$types.js", "$types.js"),
        ("/[slug].js", "[slug].js"),
        ("/%5bslug%5D.js", "[slug].js"),
        ("/c++.png", "c++.png"),
        ("/a%20b/%c3%bc.txt", "a b/ü.txt"),
        ("/a%20b/%C3%BC.txt", "a b/ü.txt"),
        ("/%c3%bcber.txt", "decomposed"),
        ("/docs/", "docs"),
    ] {
        assert_eq!(get(&mut client, path), (200, name.to_owned()), "{path}");
    }
    assert_eq!(get(&mut client, "/docs").0, 301);
}

/// As Kubernetes mounts a ConfigMap.
#[test]
fn folder_of_links_is_served_and_seen_when_it_is_switched() {
    let folder = Folder::new("configmap");
    for (release, content) in [("..2024_1", "one"), ("..2024_2", "two")] {
        for name in ["index.html", "docs/a.html"] {
            folder.write_dated(&format!("{release}/{name}"), content);
        }
    }
    folder.link("..2024_1", "..data");
    for name in ["index.html", "docs"] {
        folder.link(Path::new("..data").join(name), name);
    }
    let (program, mut client) = serve(&folder.0);
    assert_eq!(get(&mut client, "/"), (200, "one".into()));
    assert_eq!(get(&mut client, "/docs/a.html"), (200, "one".into()));
    folder.switch("..2024_2", "..data");
    fs::remove_dir_all(folder.at("..2024_1")).unwrap();
    wait_for(&program, "/", Some("two"));
    wait_for(&program, "/docs/a.html", Some("two"));
    assert_eq!(get(&mut client, "/..data/index.html").0, 404);
}

/// All have the same size and the same date: a link to another release, a file that takes the place
/// of one, and one that is written anew.
#[test]
fn change_is_seen_whatever_the_date_of_a_file_says() {
    let folder = Folder::new("releases");
    for (release, content) in [("1", "one"), ("2", "two")] {
        folder.write_dated(&format!("releases/{release}/index.html"), content);
    }
    folder.link("releases/1", "current");
    let (program, mut client) = serve(&folder.at("current"));
    assert_eq!(get(&mut client, "/"), (200, "one".into()));
    folder.switch("releases/2", "current");
    wait_for(&program, "/", Some("two"));
    folder.write_dated("releases/new.html", "six");
    fs::rename(folder.at("releases/new.html"), folder.at("releases/2/index.html")).unwrap();
    wait_for(&program, "/", Some("six"));
    folder.write_dated("releases/2/index.html", "ten");
    wait_for(&program, "/", Some("ten"));
    folder.write_dated("releases/2/index.html", "elf");
    wait_for(&program, "/", Some("elf"));
    fs::remove_file(folder.at("releases/2/index.html")).unwrap();
    wait_for(&program, "/", None);
}

/// All that can be in a folder and is not served, with links to another one.
fn odd_folder(outside: &Folder) -> Folder {
    let folder = Folder::new("odd");
    outside.write("secret.txt", "secret");
    for name in [
        "index.html",
        ".env",
        ".git/config",
        ".well-known/security.txt",
        ".well-known/.hidden",
        "docs/.htaccess",
        "..data/a.html",
        "ws",
        "roster",
        "healthz",
        "metrics",
        "echo",
        "socket.io/index.html",
        "caf\u{e9}.txt",
        "cafe\u{301}.txt",
    ] {
        folder.write(name, name);
    }
    folder.write(std::ffi::OsStr::from_bytes(b"bad\xff.txt"), "bad");
    folder.write(std::ffi::OsStr::from_bytes(b"bad\xfe/a.txt"), "bad");
    folder.link(outside.at("secret.txt"), "absolute.txt");
    folder.link(Path::new("..").join(outside.0.file_name().unwrap()), "elsewhere");
    folder.link("/proc/self/environ", "environment");
    folder.link("index.html", "docs/nowhere.html");
    folder.link("self", "self");
    folder.link("..", "docs/loop");
    folder.link("../second", "first/x");
    folder.link("../first", "second/y");
    folder.link("../index.html", "docs/good.html");
    folder.link("../docs", "more/docs");
    mknodat(CWD, folder.at("pipe.txt"), FileType::Fifo, Mode::RUSR, 0).unwrap();
    drop(UnixListener::bind(folder.at("socket.txt")).unwrap());
    folder.link("pipe.txt", "to-pipe.txt");
    folder
}

/// One line says what is not served; everything else is.
#[test]
fn what_is_left_out_is_told_in_one_line() {
    let outside = Folder::new("outside");
    let folder = odd_folder(&outside);
    let mut logged = Logged::start(&["--www", folder.0.to_str().unwrap()]);
    let line = logged.find("not all of --www is served");
    assert_eq!(line["level"], "WARN");
    let left_out = line["left_out"].as_str().unwrap();
    for reason in [
        "hidden: 5 ('.env', '.git', '.well-known/.hidden', …)",
        "name is not UTF-8: 2 ('bad\\xfe', 'bad\\xff.txt')",
        "link leads out of the folder: 3 ('absolute.txt', 'elsewhere', 'environment')",
        "link leads nowhere: 3 ('self', 'docs/nowhere.html', 'more/docs/nowhere.html')",
        "link leads back to a folder it is in: ",
        "neither a file nor a folder: 3 ('pipe.txt', 'socket.txt', 'to-pipe.txt')",
        "path is the server's own: 5 ('healthz', 'metrics', 'roster', …)",
        "name is that of another file: 1 ('café.txt')",
    ] {
        assert!(left_out.contains(reason), "{reason}: {left_out}");
    }
    let mut client = logged.program.connect();
    for (path, name) in [
        ("/", "index.html"),
        ("/.well-known/security.txt", ".well-known/security.txt"),
        ("/echo", "echo"),
        ("/docs/good.html", "index.html"),
        ("/healthz", "ok\n"),
    ] {
        assert_eq!(get(&mut client, path), (200, name.to_owned()), "{path}");
    }
    for path in [
        "/.env",
        "/.git/config",
        "/.well-known/.hidden",
        "/docs/.htaccess",
        "/..data/a.html",
        "/absolute.txt",
        "/elsewhere/secret.txt",
        "/environment",
        "/pipe.txt",
        "/to-pipe.txt",
        "/docs/nowhere.html",
        "/docs/loop/index.html",
        "/self",
        "/bad%fe.txt",
    ] {
        assert!([400, 404].contains(&get(&mut client, path).0), "{path}");
    }
    // It is told again when something else is left out, but not when an editor makes a file.
    folder.write(".index.html.swp", "");
    folder.write("index.html", "new");
    assert_eq!(logged.find("files of --www reloaded")["level"], "INFO");
    folder.link("nowhere", "another");
    let line = logged.next();
    assert!(line["left_out"].as_str().unwrap().contains("leads nowhere: 4 ('another', "), "{line}");
}

#[test]
fn file_that_can_not_be_read_keeps_nothing_else_back() {
    let folder = Folder::new("unreadable");
    folder.write("index.html", "one");
    folder.write("closed.html", "closed");
    folder.write("closed/a.html", "closed");
    for name in ["closed.html", "closed"] {
        fs::set_permissions(folder.at(name), Permissions::from_mode(0o000)).unwrap();
    }
    // Nothing is closed to root.
    let is_root = fs::read(folder.at("closed.html")).is_ok();
    let mut logged = Logged::start(&["--www", folder.0.to_str().unwrap()]);
    if !is_root {
        let line = logged.find("not all of --www is served");
        let left_out = line["left_out"].as_str().unwrap();
        assert!(left_out.contains("can't be read: 2 ("), "{left_out}");
    }
    let expected = if is_root { None } else { Some(404) };
    let mut client = logged.program.connect();
    for path in ["/closed.html", "/closed/a.html"] {
        let (status, _) = get(&mut client, path);
        assert!(expected.is_none_or(|expected| status == expected), "{path}: {status}");
    }
    folder.write("index.html", "two");
    wait_for(&logged.program, "/", Some("two"));
    fs::set_permissions(folder.at("closed"), Permissions::from_mode(0o700)).unwrap();
}

#[test]
fn folder_has_a_number_of_files_and_a_size() {
    let folder = Folder::new("large");
    for index in 0..5 {
        folder.write(format!("{index}.txt"), "x");
        folder.write(format!("below/{index}.txt"), "x");
    }
    folder.write("large.mp4", &"x".repeat(1 << 20));
    let path = folder.0.to_str().unwrap();
    for (flag, number, reason, served, left_out) in [
        (
            "--www-files-max",
            "6",
            "no room within --www-files-max: 5 ",
            "/large.mp4",
            "/below/0.txt",
        ),
        ("--www-files-max", "1", "no room within --www-files-max: 10 ", "/0.txt", "/1.txt"),
        (
            "--www-mebibytes-max",
            "1",
            "--www-mebibytes-max: 1 ('large.mp4')",
            "/4.txt",
            "/large.mp4",
        ),
    ] {
        let mut logged = Logged::start(&["--www", path, flag, number]);
        let line = logged.find("not all of --www is served");
        assert!(line["left_out"].as_str().unwrap().contains(reason), "{line}");
        let mut client = logged.program.connect();
        assert_eq!(get(&mut client, served).0, 200, "{number}: {served}");
        assert_eq!(get(&mut client, left_out).0, 404, "{number}: {left_out}");
    }
}
