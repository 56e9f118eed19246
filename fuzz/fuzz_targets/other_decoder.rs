#![no_main]
//! Frames, against tungstenite's decoder.

use headcount_support::fuzz::{self, grammar};

headcount_fuzz::target!(fuzz::other_decoder, grammar::change_frames);
