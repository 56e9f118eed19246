//! What one follower wants to be told of a room, and how much of that was sent.
//!
//! A view says what comes next and moves on when that is begun; it holds no frames. All views are
//! a number: how far their follower has been told. What they mean differs in what they skip.

use crate::shared::Shared;

use super::log::{Form, Seq};

/// What one follower wants to be told, and how much of that was sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum View {
    /// Nothing.
    #[default]
    Nothing,
    /// All commits, one after the other, or the whole roster for one that is too far behind.
    Changes {
        /// The commit that is needed next.
        next: Seq,
        /// How it is sent.
        form: Form,
    },
    /// The newest state, and nothing of what came in between.
    Newest {
        /// What of it.
        summary: Summary,
        /// The commit that makes what was sent last old.
        next: Seq,
        /// How it is sent.
        form: Form,
    },
}

/// What is told of a room as a whole, each time that it is another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Summary {
    /// The list of all names.
    Names,
    /// All names, with their status and data.
    Presence,
    /// How many names there are, at most once in an interval.
    Count,
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

    /// The newest state.
    pub fn newest(summary: Summary, form: Form) -> View {
        View::Newest { summary, next: Seq::START, form }
    }

    /// The same, in another form.
    #[must_use]
    pub fn in_form(mut self, wanted: Form) -> View {
        if let View::Changes { form, .. } | View::Newest { form, .. } = &mut self {
            *form = wanted;
        }
        self
    }

    /// Whether both are of the same kind, however much of them was sent.
    pub fn is_like(&self, other: &View) -> bool {
        match (self, other) {
            (View::Nothing, View::Nothing) | (View::Changes { .. }, View::Changes { .. }) => true,
            (View::Newest { summary, .. }, View::Newest { summary: other, .. }) => summary == other,
            _ => false,
        }
    }

    /// Whether it is told how many there are, and nothing else.
    pub fn is_count(&self) -> bool {
        matches!(self, View::Newest { summary: Summary::Count, .. })
    }
}
