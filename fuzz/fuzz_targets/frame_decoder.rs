#![no_main]
//! Frames in every split, and against a slow decoder.

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| headcount_support::fuzz::frame_decoder(bytes));
