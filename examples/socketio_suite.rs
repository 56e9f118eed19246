//! The server that the official conformance suites of Engine.IO v4 and Socket.IO v5 want to talk
//! to: an echo at `/engine.io/`, and at `/socket.io/` an application of two namespaces.
//!
//! ```sh
//! cargo run --example socketio_suite -- --listen 127.0.0.1:3000
//! ```

use std::error::Error;
use std::fs::File;
use std::io::{Read, Write};
use std::net::SocketAddr;

use clap::Parser;
use headcount::config::{Application, Config, Limits, Secret};
use headcount::server::Server;

/// The server that the conformance suites of Engine.IO and Socket.IO talk to.
#[derive(Parser)]
struct Cli {
    /// Address and port to listen on; port 0 takes a free one
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:3000")]
    listen: SocketAddr,
}

/// What the suites count on. They send no more than a client may.
///
/// All is compressed for those who can take it, as their client in node is: it inflates one frame
/// after the other. Two that come together it would hand to a test at once, and the tests listen
/// for one message at a time.
fn limits() -> Limits {
    Limits {
        ping_interval_ms: 300,
        pong_timeout_ms: 200,
        connect_timeout_ms: 1_000,
        message_bytes_max: 1_000_000,
        frame_bytes_max: 1_000_000,
        deflate_bytes_min: 1,
        ..Limits::default()
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let cli = Cli::parse();
    let mut secret = [0; 32];
    File::open("/dev/urandom")?.read_exact(&mut secret)?;
    let config = Config {
        limits: limits(),
        application: Application::Suite,
        secret: Secret::new(secret),
        ..Config::default()
    };
    let mut server = Server::bind(config, &[cli.listen], None)
        .map_err(|(problem, error)| format!("{problem}: {error}"))?;
    server.handle_signals()?;
    let mut out = std::io::stdout();
    for address in server.addresses() {
        writeln!(out, "headcount listening on http://{address}")?;
    }
    out.flush()?;
    server.run()?;
    Ok(())
}
