#![no_main]
//! Frames in every split, and against a slow decoder.

use headcount_support::fuzz::{self, grammar};

headcount_fuzz::target!(fuzz::frame_thorough, grammar::change_deflated_frames);
