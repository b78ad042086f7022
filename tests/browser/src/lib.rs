//! A real browser: headless Chromium, driven over WebDriver by the driver that comes with it.

mod browser;
mod recordings;

pub use browser::{Browser, Look};
pub use recordings::{large, page_of, recordings, session};
