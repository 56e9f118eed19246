//! The bounds of what a client may ask with.

/// The bounds of a request head.
#[derive(Clone, Copy, Debug)]
pub struct HeadLimits {
    /// All of it, in bytes.
    pub head_bytes_max: usize,
    /// Its fields; there is room for 128 whatever this says.
    pub fields_max: usize,
    /// The request target, in bytes.
    pub target_bytes_max: usize,
}
