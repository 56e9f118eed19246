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
    /// None: it is a session on no socket, opened by a request.
    Session,
}
