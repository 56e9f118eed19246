//! What a process and the kernel use, as the kernel counts it.

use std::fs;
use std::ops::{Add, Sub};
use std::time::{Duration, Instant};

/// What was used at one time, or between two.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Usage {
    at: Instant,
    /// CPU time of the server, all its processes and threads, if they are known.
    server: Option<Cpu>,
    /// CPU time of this process.
    own: Cpu,
    /// Memory of the server that is in no file, in bytes.
    pub(crate) server_bytes: Option<u64>,
    /// Memory of the kernel for sockets and the like, of everything on this machine, in bytes.
    pub(crate) kernel_bytes: u64,
}

/// CPU time of a process, since it was started.
#[derive(Clone, Copy, Debug, Default)]
struct Cpu {
    used: Duration,
    /// Time in which it could have run and another program did.
    waited: Duration,
}

/// What was used from one time to another.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Span {
    pub(crate) wall: Duration,
    pub(crate) server_cpu: Option<Duration>,
    own_cpu: Duration,
    /// The longer time of the two in which server or generator waited for its CPU.
    waited: Duration,
    /// How much more memory there is now than there was, in bytes.
    pub(crate) server_bytes: Option<i64>,
    pub(crate) kernel_bytes: i64,
}

impl Usage {
    /// What is used now. The server is these processes.
    pub(crate) fn now(pids: &[u32]) -> Usage {
        Usage {
            at: Instant::now(),
            server: pids.iter().filter_map(|pid| cpu(&pid.to_string())).reduce(Cpu::add),
            own: cpu("self").unwrap_or_default(),
            server_bytes: pids.iter().filter_map(|&pid| anonymous_bytes(pid)).reduce(u64::add),
            kernel_bytes: kernel_bytes(),
        }
    }
}

impl Sub for Usage {
    type Output = Span;

    fn sub(self, before: Usage) -> Span {
        let server = self.server.zip(before.server).map(|(now, before)| now - before);
        let own = self.own - before.own;
        Span {
            wall: self.at - before.at,
            server_cpu: server.map(|server| server.used),
            own_cpu: own.used,
            waited: server.unwrap_or_default().waited.max(own.waited),
            server_bytes: self
                .server_bytes
                .zip(before.server_bytes)
                .map(|(now, before)| now as i64 - before as i64),
            kernel_bytes: self.kernel_bytes as i64 - before.kernel_bytes as i64,
        }
    }
}

impl Add for Cpu {
    type Output = Cpu;

    fn add(self, other: Cpu) -> Cpu {
        Cpu { used: self.used + other.used, waited: self.waited + other.waited }
    }
}

impl Sub for Cpu {
    type Output = Cpu;

    fn sub(self, before: Cpu) -> Cpu {
        Cpu {
            used: self.used.saturating_sub(before.used),
            waited: self.waited.saturating_sub(before.waited),
        }
    }
}

impl Span {
    /// The part of the time in which this process was busy, from 0 to 1.
    pub(crate) fn own_load(&self) -> f64 {
        self.own_cpu.as_secs_f64() / self.wall.as_secs_f64().max(1e-9)
    }

    /// The part of the time in which another program had the CPU of the server or the generator.
    pub(crate) fn disturbance(&self) -> f64 {
        self.waited.as_secs_f64() / self.wall.as_secs_f64().max(1e-9)
    }

    /// The part of the time in which the server was busy.
    pub(crate) fn server_load(&self) -> Option<f64> {
        Some(self.server_cpu?.as_secs_f64() / self.wall.as_secs_f64().max(1e-9))
    }
}

/// CPU time of all threads of a process, in nanoseconds and not in ticks of the clock.
fn cpu(process: &str) -> Option<Cpu> {
    let mut all = Cpu::default();
    for thread in fs::read_dir(format!("/proc/{process}/task")).ok()? {
        let text = fs::read_to_string(thread.ok()?.path().join("schedstat")).ok()?;
        let mut numbers = text.split(' ').map_while(|number| number.parse().ok());
        all.used += Duration::from_nanos(numbers.next()?);
        all.waited += Duration::from_nanos(numbers.next()?);
    }
    Some(all)
}

/// Memory of a process that is in no file: heap and stack.
fn anonymous_bytes(pid: u32) -> Option<u64> {
    kibibytes(&fs::read_to_string(format!("/proc/{pid}/status")).ok()?, "RssAnon:")
}

/// What the kernel holds in its own small objects (sockets, event queues), and in the buffers of
/// TCP.
fn kernel_bytes() -> u64 {
    let slab = fs::read_to_string("/proc/meminfo").ok().and_then(|text| kibibytes(&text, "Slab:"));
    let pages = fs::read_to_string("/proc/net/sockstat").ok().and_then(|text| {
        let tcp = text.lines().find(|line| line.starts_with("TCP:"))?;
        tcp.rsplit(' ').next()?.parse::<u64>().ok()
    });
    slab.unwrap_or(0) + pages.unwrap_or(0) * rustix::param::page_size() as u64
}

fn kibibytes(text: &str, field: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(field))?;
    line.trim().strip_suffix(" kB")?.parse::<u64>().ok()?.checked_mul(1024)
}
