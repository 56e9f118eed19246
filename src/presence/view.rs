//! What one follower wants to be told of a room, and how much of that was sent.
//!
//! A view says what comes next and moves on when that is begun; it holds no frames. Both views are
//! a number: how far its follower has been told. What they mean differs in what they skip.

use crate::shared::Shared;

use super::log::{Form, Seq};

/// What one follower wants to be told, and how much of that was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum View {
    /// All commits, one after the other, or the whole roster for one that is too far behind.
    Changes {
        /// The commit that is needed next.
        next: Seq,
        /// How it is sent.
        form: Form,
    },
    /// Nothing but the newest list of all names.
    Lists {
        /// The commit that makes the last list old.
        next: Seq,
        /// How it is sent.
        form: Form,
        /// The namespace that the list is for, by the number that its client has for it.
        namespace: u32,
    },
}

/// A piece of what is sent: shared bytes, and before them what is for one follower alone.
#[derive(Clone, Copy, Debug)]
pub struct Piece<'a> {
    /// The header and the beginning of a frame, if it differs from one follower to the next.
    pub lead: &'a [u8],
    /// The rest, or all of it.
    pub body: &'a Shared,
}

impl View {
    /// All changes, beginning with the whole roster.
    pub fn changes(form: Form) -> View {
        View::Changes { next: Seq::START, form }
    }

    /// The newest list, in a namespace.
    pub fn lists(namespace: u32, form: Form) -> View {
        View::Lists { next: Seq::START, form, namespace }
    }

    /// How far it was told: the commit that is needed next.
    pub fn cursor(&self) -> Seq {
        match *self {
            View::Changes { next, .. } | View::Lists { next, .. } => next,
        }
    }

    /// The form in which it is sent what many are sent.
    pub fn form(&self) -> Form {
        match *self {
            View::Changes { form, .. } | View::Lists { form, .. } => form,
        }
    }
}
