#![no_main]
//! The harness for frames, with soketto's codec in it.

use std::cell::RefCell;

use headcount_fuzz::soketto::Soketto;
use headcount_support::fuzz::fast::FrameHarness;
use headcount_support::fuzz::grammar;

thread_local! {
    static HARNESS: RefCell<FrameHarness<Soketto>> = RefCell::default();
}

fn frame(input: &[u8]) {
    HARNESS.with_borrow_mut(|harness| harness.check(input));
}

headcount_fuzz::target!(frame, grammar::change_frames);
