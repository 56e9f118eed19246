#![no_main]
//! Frames, whole and in one other split, against a reader that goes over them once.

use headcount_support::fuzz::{self, grammar};

headcount_fuzz::target!(fuzz::frame, grammar::change_frames);
