//! What a peer says of itself first: `hello`, if it offered the subprotocol.

use crate::api::{ApiError, Hello};
use crate::presence::ClientId;

use super::identity::Identity;
use super::phase::Connection;

impl Connection {
    /// The peer has said who it is, or is to.
    pub(crate) fn identify(&mut self, identity: Identity) {
        self.identity = Some(Box::new(identity));
    }

    /// The client that the peer is, if it has an id.
    pub(crate) fn client(&self) -> Option<ClientId> {
        match self.identity.as_deref()? {
            Identity::Known(client) => *client,
            Identity::Awaited | Identity::Waiting(_) | Identity::Carrier(_) => None,
        }
    }

    /// The client that the peer is or waits to be.
    pub(crate) fn claimed(&self) -> Option<ClientId> {
        match self.identity.as_deref()? {
            Identity::Waiting(hello) => hello.client,
            Identity::Awaited | Identity::Known(_) | Identity::Carrier(_) => self.client(),
        }
    }

    /// Whether it waits until it is known whether its id is free, or for its session to come:
    /// nothing more is read by then.
    pub(crate) fn is_waiting(&self) -> bool {
        match self.identity.as_deref() {
            Some(Identity::Waiting(_)) => true,
            Some(Identity::Carrier(_)) => self.has_upgraded(),
            _ => false,
        }
    }

    /// The session that it has requests of, or that is to move to it.
    pub(crate) fn carried(&self) -> Option<u32> {
        match self.identity.as_deref() {
            Some(Identity::Carrier(session)) => Some(*session),
            _ => None,
        }
    }

    /// What it said who waits. From now on it is to say that anew.
    pub(crate) fn take_hello(&mut self) -> Option<Hello> {
        let identity = self.identity.as_deref_mut()?;
        match std::mem::replace(identity, Identity::Awaited) {
            Identity::Waiting(hello) => Some(hello),
            other => {
                *identity = other;
                None
            }
        }
    }

    /// Whether what the peer asks for may come now: `hello` comes first, and once.
    pub(crate) fn check_greeting(&self, is_hello: bool) -> Result<(), ApiError> {
        match (self.identity.as_deref(), is_hello) {
            (Some(Identity::Awaited), false) => Err(ApiError::HelloMissing),
            (None | Some(Identity::Known(_)), true) => Err(ApiError::HelloUnexpected),
            _ => Ok(()),
        }
    }

    /// It is not kept for the requests of this session any more, unless that moves to it.
    pub(crate) fn release_from(&mut self, session: u32) {
        if self.carried() == Some(session) && !self.takes_part() {
            self.forget_identity();
        }
    }

    /// It is nobody any more.
    pub(crate) fn forget_identity(&mut self) {
        self.identity = None;
    }
}
