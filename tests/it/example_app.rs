//! The example of `docs/app.md` is served by the real program and has all that its pages ask for.
//! That two tabs see each other is checked in a browser: `tests/suites/browser`.

use std::path::Path;

use crate::program::{Client, Program};
use crate::wire;

const PAGES: [(&str, &str); 2] = [
    ("/", include_str!("../../examples/app/index.html")),
    ("/socketio.html", include_str!("../../examples/app/socketio.html")),
];

fn get(program: &Program, path: &str) -> wire::Answer {
    let mut client = program.connect();
    client.send(format!("GET {path} HTTP/1.1\r\nHost: localhost:3000\r\n\r\n").as_bytes());
    client.answer()
}

fn serve() -> Program {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/app");
    Program::start(&["--www", folder.to_str().expect("a path in UTF-8")])
}

/// The path that `page` loads a script from: between `before` and a quotation mark.
fn script<'a>(page: &'a str, before: &str) -> &'a str {
    let (_, rest) = page.split_once(before).expect("the page loads a script");
    rest.split('"').next().expect("a path")
}

#[test]
fn example_is_served_with_the_scripts_that_it_loads() {
    let program = serve();
    for (path, page) in PAGES {
        let response = get(&program, path);
        assert_eq!((response.status, &response.body[..]), (200, page.as_bytes()), "{path}");
        assert_eq!(response.field("content-type"), Some("text/html; charset=utf-8"));
        // Nothing that the server says of the page keeps its own script from running.
        assert_eq!(response.field("content-security-policy"), None);
        assert!(page.lines().count() < 80, "{path}: an example is short");
    }
    let module = script(PAGES[0].1, "from \".");
    let client = script(PAGES[1].1, "<script src=\"");
    for (path, words) in [(module, "export function connect("), (client, "io")] {
        let response = get(&program, path);
        assert_eq!(response.status, 200, "{path}");
        assert_eq!(response.field("content-type"), Some("text/javascript; charset=utf-8"));
        assert!(String::from_utf8_lossy(&response.body).contains(words), "{path}");
    }
}

#[test]
fn example_connects_to_the_roster() {
    let program = serve();
    let mut clients: Vec<Client> = (0..2).map(|_| program.watch()).collect();
    clients[0].login("Ada");
    clients[1].login("Bob");
    for client in &mut clients {
        client.wait_for_names(&["Ada", "Bob"]);
    }
}
