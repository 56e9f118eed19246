#![no_main]
//! A request body, in every split and as a slow decoder reads it.

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| headcount_support::fuzz::body(bytes));
