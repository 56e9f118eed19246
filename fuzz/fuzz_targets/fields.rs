#![no_main]
//! Values of fields, beside what an operator has set.

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| headcount_support::fuzz::fields(bytes));
