//! Standard output: what a command prints, and where the server listens.

use std::io::{self, ErrorKind, Write};
use std::net::SocketAddr;
use std::thread;

use tracing::warn;

use crate::system::describe;

/// Prints `text`. What can't be written is a failure, with the reason in words.
pub(crate) fn print(text: &str) -> Result<(), String> {
    finish(io::stdout().write_all(text.as_bytes()))
}

/// Ends printing that so far came to `written`: nothing is left in a buffer, where an error would
/// go unseen. A reader that has seen enough (`| head -1`) makes no failure.
pub(crate) fn finish(written: io::Result<()>) -> Result<(), String> {
    match written.and_then(|()| io::stdout().flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(format!("can't write to standard output: {}", describe(&error)))
        }
        _ => Ok(()),
    }
}

/// Says where the server listens, for scripts to read.
///
/// Standard output may be a pipe that nobody empties, or a terminal that was paused. So this has a
/// thread of its own, which ends with the words, or never: the server serves meanwhile.
pub(crate) fn announce(addresses: impl Iterator<Item = SocketAddr>) -> io::Result<()> {
    let line = |address| format!("headcount listening on http://{address}\n");
    let text: String = addresses.map(line).collect();
    let write = move || {
        let mut out = io::stdout().lock();
        if let Err(error) = out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
            let reason = describe(&error);
            warn!(reason, "can't write the address to standard output");
        }
    };
    thread::Builder::new().name("stdout".into()).spawn(write).map(drop)
}
