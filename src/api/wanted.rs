//! What a client has of a room, and what it wants to be told.

use crate::presence::At;

/// What a client has of a room, as it says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Has {
    /// It does not say.
    #[default]
    Unsaid,
    /// No copy, or a wrong one.
    Nothing,
    /// A copy of this state.
    Copy(At),
}

/// What a client wants to be told of a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// `changes`: all of it, change by change.
    Changes,
    /// `names`: the list of names, whenever that is another; of Socket.IO.
    Names,
    /// `presence`: names, status and data, whenever something is another; of Socket.IO.
    Presence,
    /// `count`: how many names there are.
    Count,
    /// `none`: nothing.
    Nothing,
}

impl Wanted {
    /// What a word means.
    pub fn of(word: &str) -> Option<Wanted> {
        Wanted::ALL.iter().find(|(_, known)| *known == word).map(|(wanted, _)| *wanted)
    }

    pub(super) const ALL: [(Wanted, &str); 5] = [
        (Wanted::Changes, "changes"),
        (Wanted::Names, "names"),
        (Wanted::Presence, "presence"),
        (Wanted::Count, "count"),
        (Wanted::Nothing, "none"),
    ];
}
