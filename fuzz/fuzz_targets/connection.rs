//! Any bytes from the server: see `harness/connection.rs`.
//!
//! `cargo +nightly fuzz run connection`
#![no_main]

#[path = "../harness/connection.rs"]
mod harness;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| harness::feed(bytes));
