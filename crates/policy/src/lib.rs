//! Rules that judge shell commands: which ones may run without asking a person.
//!
//! A [`Rule`] judges a [`Command`]: a script, the shell that reads it, and the
//! folder that it runs in. What a rule does not understand to the last character,
//! it does not allow.
//!
//! ```
//! use openai_codex_policy::{Command, Rule, Shell};
//!
//! let rule = Rule::words(["cargo", "test", "**"]).or(Rule::read_only());
//! let command = |script| Command::new(Some(Shell::Bash), script, "/src/project");
//! assert!(rule.allows(&command("cargo test --workspace")));
//! assert!(!rule.allows(&command("cargo test; rm -rf .")));
//! ```
//!
//! **Architecture invariant:** it depends on no other crate, knows nothing of the
//! protocol, and starts nothing. Only rules about folders look at the file system.

mod command;
mod folder;
mod git;
mod glob;
mod line;
mod options;
mod pattern;
mod readers;
mod rule;
mod script;
mod words;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

pub use command::{Command, Shell};
pub use line::CommandLine;
pub use rule::Rule;
