//! Secrets at any place, split anywhere: see `harness/redact.rs`.
//!
//! `cargo +nightly fuzz run redact`
#![no_main]

#[path = "../harness/redact.rs"]
mod harness;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| harness::feed(bytes));
