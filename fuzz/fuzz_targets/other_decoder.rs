#![no_main]
//! Frames, against tungstenite's decoder.

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| headcount_support::fuzz::other_decoder(bytes));
