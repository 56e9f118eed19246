//! What a figure was measured on.

use std::fs;

use serde::Serialize;

/// What a figure was measured on.
#[derive(Debug, Serialize)]
pub(crate) struct Machine {
    pub(crate) processor: String,
    pub(crate) cpus: usize,
    pub(crate) memory_bytes: Option<u64>,
    pub(crate) system: String,
    /// The CPU of the server and that of the clients, if each has one.
    pub(crate) server_cpu: Option<usize>,
    pub(crate) clients_cpu: Option<usize>,
}

impl Machine {
    /// This one.
    pub(crate) fn this(cpus: super::cpus::Cpus) -> Machine {
        let system = rustix::system::uname();
        let text = |part: &std::ffi::CStr| part.to_string_lossy().into_owned();
        Machine {
            processor: processor().unwrap_or_else(|| "unknown".into()),
            cpus: std::thread::available_parallelism().map_or(1, usize::from),
            memory_bytes: crate::system::memory_bytes(),
            system: format!("{} {}", text(system.sysname()), text(system.release())),
            server_cpu: cpus.server,
            clients_cpu: cpus.clients,
        }
    }
}

fn processor() -> Option<String> {
    let text = fs::read_to_string("/proc/cpuinfo").ok()?;
    let line = text.lines().find(|line| line.starts_with("model name"))?;
    Some(line.split_once(':')?.1.trim().into())
}
