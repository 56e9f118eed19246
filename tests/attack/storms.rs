//! Peers that come in thousands and vanish.

use std::io::Write;
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use crate::crowd::half_close;
use crate::meter::{self, Meter};
use crate::program::{Program, reset};
use crate::shown;
use crate::wire;

/// Connections a second, and so many of them at once.
const RATE: u32 = 10_000;
const BURST: u32 = 50;

/// Connects with RST at every stage: before accept or soon after it, in the middle of what it says,
/// behind that, behind a half-close. Goes on until it is over, and says how many it opened in a
/// second.
fn storm(address: SocketAddr, said: &[u8], is_over: &AtomicBool) -> f64 {
    let started = Instant::now();
    let mut count = 0;
    while !is_over.load(Relaxed) {
        let due = started + Duration::from_secs(1) * count / RATE;
        thread::sleep(due.saturating_duration_since(Instant::now()));
        for _ in 0..BURST {
            count += 1;
            let mut stream = TcpStream::connect(address).expect("the server listens");
            match count % 5 {
                0 => {}
                1 => stream.write_all(&said[..40]).unwrap(),
                2 | 3 => stream.write_all(said).unwrap(),
                _ => half_close(&stream),
            }
            reset(stream);
        }
    }
    f64::from(count) / started.elapsed().as_secs_f64()
}

#[test]
#[ignore = "thousands of real sockets: .ci/run runs it"]
fn d8_storm_of_resets_leaves_nothing_behind_and_others_alone() {
    let program = Program::start(&meter::FLAGS);
    let (address, base) = (program.addresses[0], program.open_files());
    let mut meter = Meter::connect(address, 50);
    let handshake = wire::handshake("/ws", "");
    let (others, rate) = meter.withstand(|is_over| storm(address, &handshake, is_over));
    // With a name each, the roster changes all the time, and changes are told every 20 ms at most.
    let login = [handshake, wire::text(r#"["login","Storm"]"#)].concat();
    let (changing, _) = meter.p99_during(|is_over| storm(address, &login, is_over));
    drop(meter);
    let after = program.wait_for_base(base);
    let (rest, ()) = program.usage(|| thread::sleep(Duration::from_secs(2)));
    assert!(rest.wakeups_per_second <= 5.0, "something is not at rest: {rest}");
    shown(
        "D8",
        &format!(
            "{rate:.0} RST a second: {others}; with logins {changing:.1?}; base after \
             {after:.1?}, then {rest}"
        ),
    );
}
