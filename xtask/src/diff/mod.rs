//! `diff`: what two schemas differ in, as far as it means something.

pub(crate) mod compare;
mod guess;
mod side;
pub(crate) mod surface;
mod tell;

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;

pub(crate) use self::side::Side;
pub(crate) use self::tell::{markdown, text};
use crate::root;

#[derive(Args)]
pub(crate) struct Options {
    /// A version that is kept, a folder as `codex app-server generate-json-schema --experimental --out` writes it, or a
    /// git revision
    #[arg(value_name = "A")]
    old: String,
    /// The same, to compare it with
    #[arg(value_name = "B")]
    new: String,
    /// Print JSON instead of text
    #[arg(long)]
    json: bool,
    /// The workspace to work in, if it is not this one
    #[arg(long, value_name = "DIR", hide = true)]
    root: Option<PathBuf>,
}

pub(crate) fn run(options: &Options) -> Result<()> {
    let root = options.root.clone().unwrap_or_else(root);
    let old = Side::find(&root, &options.old)?;
    let new = Side::find(&root, &options.new)?;
    let changes = compare::changes(&old.surface, &new.surface);
    if options.json {
        println!("{}", tell::json(&old, &new, &changes)?);
    } else {
        print!("{}", text(&old, &new, &changes));
    }
    Ok(())
}
