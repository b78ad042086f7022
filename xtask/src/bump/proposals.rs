//! Entries for what nobody has decided about yet, each with the careful answer and a mark.

use std::collections::BTreeSet;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::methods_file::MethodsFile;
use crate::reviewed;

/// What stands at the end of a line that a person has to decide about.
pub(super) const MARK: &str = "# decide";

/// `methods.toml` with an entry for each new method, below what it has most in common with, and without those that went.
pub(super) fn methods(text: &str, bundle: &Value) -> Result<String> {
    let file = MethodsFile::parse(text)?;
    let of = |union: &str| -> Vec<String> {
        let branches = bundle["definitions"][union]["oneOf"].as_array();
        let methods = branches.into_iter().flatten();
        let methods = methods.filter_map(|it| it["properties"]["method"]["enum"][0].as_str());
        let left_out = crate::schema::fixups::METHODS_LEFT_OUT;
        methods
            .filter(|it| !left_out.contains(it))
            .map(str::to_owned)
            .collect()
    };
    let mut drafts = file.requests.drafts(&of("ClientRequest"));
    drafts.extend(file.notifications.drafts(&of("ServerNotification")));
    drafts.extend(file.server_requests.drafts(&of("ServerRequest")));
    let mut lines: Vec<Option<String>> = text.lines().map(|it| Some(it.to_owned())).collect();
    let mut below: Vec<(usize, String)> = Vec::new();
    for draft in drafts {
        match draft.entry {
            // Of a method that went.
            None => lines[draft.line - 1] = None,
            Some(entry) => {
                below.push((draft.line, format!("{:?} = {entry}  {MARK}", draft.method)))
            }
        }
    }
    let mut out = String::new();
    for (index, line) in lines.into_iter().enumerate() {
        if let Some(line) = line {
            out += &line;
            out.push('\n');
        }
        for (_, entry) in below.iter().filter(|(at, _)| *at == index + 1) {
            out += entry;
            out.push('\n');
        }
    }
    Ok(out)
}

/// `options.toml` with each new field left to `params`.
pub(super) fn options(text: &str, bundle: &Value) -> Result<String> {
    let mut out = text.to_owned();
    for (params, fields) in reviewed::undecided(text, bundle)? {
        let of_params = format!("params = \"{params}\"");
        let start = out
            .find(&of_params)
            .with_context(|| format!("{params} is not in options.toml"))?;
        // Its section ends with the next one that has params.
        let end = out[start + 1..]
            .find("\nparams = ")
            .map_or(out.len(), |at| start + 1 + at);
        let fields: BTreeSet<_> = fields
            .iter()
            .map(|it| format!("    {it:?},  {MARK}\n"))
            .collect();
        let fields: String = fields.into_iter().collect();
        let Some(left) = out[start..end].find("\nleft = [").map(|at| start + at) else {
            bail!("options.toml has no list `left` for {params}; add one");
        };
        let open = left + "\nleft = [".len();
        let inline = !out[open..].starts_with('\n');
        out.insert_str(
            open,
            &match inline {
                true => format!("\n{fields}    "),
                false => format!("\n{}", fields.trim_end_matches('\n')),
            },
        );
    }
    Ok(out)
}
