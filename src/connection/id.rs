//! Handles on connections.

/// A handle on a connection. It is never good for another one, even in the same place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ConnectionId {
    pub(crate) index: u32,
    pub(crate) generation: u32,
}

impl ConnectionId {
    pub(crate) fn new(index: usize, generation: u32) -> ConnectionId {
        ConnectionId { index: index as u32, generation }
    }

    pub(crate) fn generation(self) -> u32 {
        self.generation
    }

    /// The place of the connection: small, and free for another once this one is reaped.
    pub fn index(self) -> usize {
        self.index as usize
    }

    /// The handle of a connection that this process makes itself. No other has one like it.
    pub(crate) fn outgoing(number: u32) -> ConnectionId {
        // The highest generation is that of tokens which mean something else.
        ConnectionId { index: u32::MAX, generation: number % u32::MAX }
    }

    /// Whether it is such a handle.
    pub(crate) fn is_outgoing(self) -> bool {
        self.index == u32::MAX
    }

    /// The handle as one number, for an event queue.
    pub fn to_bits(self) -> u64 {
        u64::from(self.generation) << 32 | u64::from(self.index)
    }

    /// The handle that was [such a number](Self::to_bits).
    pub fn from_bits(bits: u64) -> ConnectionId {
        ConnectionId { index: bits as u32, generation: (bits >> 32) as u32 }
    }
}
