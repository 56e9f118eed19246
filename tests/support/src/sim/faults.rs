//! What can go wrong, how often it does in one run, and how often it did, by what the connection
//! that it happened to was doing.

use super::choices::Choices;

/// What can go wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    // Of one call, on one connection.
    ShortRead,
    ReadBlocked,
    ReadInterrupted,
    ReadReset,
    ShortWrite,
    WriteBlocked,
    WriteInterrupted,
    BrokenPipe,
    ShutdownFails,
    RegisterFails,
    // Of events.
    SpuriousEvent,
    LateEvent,
    MergedEvent,
    StaleEvent,
    // What peers do.
    Cut,
    Reset,
    Fin,
    HalfClose,
    ZeroWindow,
    SlowReader,
    Vanish,
    // Of the machine, while a connection was in that state.
    AcceptMfile,
    AcceptNfile,
    AcceptNobufs,
    AcceptAborted,
    AcceptInterrupted,
    PollInterrupted,
    Freeze,
    Stall,
    DateJump,
    Sigterm,
}

pub const FAULTS: [Fault; 31] = [
    Fault::ShortRead,
    Fault::ReadBlocked,
    Fault::ReadInterrupted,
    Fault::ReadReset,
    Fault::ShortWrite,
    Fault::WriteBlocked,
    Fault::WriteInterrupted,
    Fault::BrokenPipe,
    Fault::ShutdownFails,
    Fault::RegisterFails,
    Fault::SpuriousEvent,
    Fault::LateEvent,
    Fault::MergedEvent,
    Fault::StaleEvent,
    Fault::Cut,
    Fault::Reset,
    Fault::Fin,
    Fault::HalfClose,
    Fault::ZeroWindow,
    Fault::SlowReader,
    Fault::Vanish,
    Fault::AcceptMfile,
    Fault::AcceptNfile,
    Fault::AcceptNobufs,
    Fault::AcceptAborted,
    Fault::AcceptInterrupted,
    Fault::PollInterrupted,
    Fault::Freeze,
    Fault::Stall,
    Fault::DateJump,
    Fault::Sigterm,
];

/// What a connection is doing, as its client sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// It waits to be accepted.
    Waiting,
    /// It asks for pages, or for a WebSocket.
    Http,
    Watching,
    Present,
    SocketIo,
    /// Its request is answered when there is something to be told to a session.
    Polling,
    /// Its request brings packets of a session.
    Posting,
    /// It is a WebSocket to which a session may move.
    Upgrading,
    Echo,
    /// One side has sent Close.
    Closing,
    /// One side has ended its half, or there is nothing but the last words.
    Ending,
}

pub const STAGES: [Stage; 11] = [
    Stage::Waiting,
    Stage::Http,
    Stage::Watching,
    Stage::Present,
    Stage::SocketIo,
    Stage::Polling,
    Stage::Posting,
    Stage::Upgrading,
    Stage::Echo,
    Stage::Closing,
    Stage::Ending,
];

/// Whether a fault can happen to a connection in that stage at all.
pub fn is_possible(fault: Fault, stage: Stage) -> bool {
    use Fault::*;
    let is_by_peer = matches!(fault, Fin | HalfClose | ZeroWindow | SlowReader | Reset | Vanish);
    let is_of_machine = fault as u8 >= AcceptMfile as u8;
    match stage {
        // Nothing is read, written or told before accept.
        Stage::Waiting => is_by_peer || is_of_machine || fault == Cut,
        // The server ends its half only in the end, and registers only in the beginning; a peer
        // that has ended does not end once more.
        Stage::Ending => !is_by_peer && fault != RegisterFails,
        Stage::Http | Stage::Polling | Stage::Posting | Stage::Upgrading => fault != ShutdownFails,
        _ => !matches!(fault, ShutdownFails | RegisterFails),
    }
}

/// How often each fault happens in this run: one in so many chances, 0 for never. Each run has some
/// of them only, so that some runs have much of one.
#[derive(Clone, Debug)]
pub struct Rates([u32; FAULTS.len()]);

impl Rates {
    pub const NONE: Rates = Rates([0; FAULTS.len()]);

    pub fn draw(choices: &mut Choices) -> Rates {
        let mut rates = Rates::NONE;
        if !choices.chance(16) {
            for rate in &mut rates.0 {
                *rate = choices.pick(&[0, 0, 8, 32, 128]);
            }
            // There are few chances for these.
            rates.0[Fault::ShutdownFails as usize] = choices.pick(&[0, 0, 2]);
        }
        rates
    }

    pub fn of(&self, fault: Fault) -> u32 {
        self.0[fault as usize]
    }
}

/// How often each fault happened in each stage.
#[derive(Clone, Debug)]
pub struct Tally(pub [[u64; STAGES.len()]; FAULTS.len()]);

impl Tally {
    pub const NONE: Tally = Tally([[0; STAGES.len()]; FAULTS.len()]);

    pub fn note(&mut self, fault: Fault, stage: Stage) {
        self.0[fault as usize][stage as usize] += 1;
    }

    pub fn add(&mut self, other: &Tally) {
        for (row, others) in self.0.iter_mut().zip(&other.0) {
            for (count, other) in row.iter_mut().zip(others) {
                *count += other;
            }
        }
    }
}
