//! Who is at the other end of a connection, as far as that was said.

use crate::api::Hello;
use crate::presence::ClientId;

/// Who is at the other end. A connection that speaks nothing of it has none.
#[derive(Debug)]
pub(crate) enum Identity {
    /// It is to say `hello` before anything else.
    Awaited,
    /// It said `hello`, and waits until it is known whether its id is free.
    Waiting(Hello),
    /// It is this client, or one without an id.
    Known(Option<ClientId>),
    /// It has requests of the session of this number, or that is to move to it.
    Carrier(u32),
}
