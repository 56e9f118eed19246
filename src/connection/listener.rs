//! Where connections come in.

/// Which listener a connection came in by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Listener {
    /// One for clients.
    Public,
    /// One for clients, but from this machine, where metrics may be seen.
    Local,
    /// The one for metrics.
    Metrics,
}
