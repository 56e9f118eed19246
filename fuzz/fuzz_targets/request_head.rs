#![no_main]
//! A request head, in every split.

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| headcount_support::fuzz::request_head(bytes));
