//! `schema/manifest.toml`: what was reviewed about the pinned schema.
//!
//! Generation compares itself with it, so that nothing drops out of the
//! protocol, and nothing changes its shape, without a line in a diff.

use std::collections::BTreeSet;
use std::fmt::Write;

use anyhow::{Context, Result, bail};
use serde::Deserialize;

/// The manifest.
#[derive(Debug, Default, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub(crate) struct Manifest {
    pub(crate) counts: Counts,
    /// Methods that are not generated.
    pub(crate) left_out: BTreeSet<String>,
    /// Definitions that no message reaches.
    pub(crate) pruned: BTreeSet<String>,
    /// Payloads behind a `Box`, which is part of the API.
    pub(crate) boxed: BTreeSet<String>,
}

/// How many of each there are.
#[derive(Debug, Default, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub(crate) struct Counts {
    /// In the schema.
    pub(crate) definitions: usize,
    pub(crate) client_requests: usize,
    pub(crate) server_requests: usize,
    pub(crate) notifications: usize,
    pub(crate) client_notifications: usize,
    /// Rust types generated, inline ones among them.
    pub(crate) types: usize,
}

impl Counts {
    /// Each with its name, and where in the schema it is counted.
    fn each(&self) -> [(&'static str, &'static str, usize); 6] {
        [
            ("definitions", "/definitions", self.definitions),
            (
                "client_requests",
                "/definitions/ClientRequest/oneOf",
                self.client_requests,
            ),
            (
                "server_requests",
                "/definitions/ServerRequest/oneOf",
                self.server_requests,
            ),
            (
                "notifications",
                "/definitions/ServerNotification/oneOf",
                self.notifications,
            ),
            (
                "client_notifications",
                "/definitions/ClientNotification/oneOf",
                self.client_notifications,
            ),
            ("types", "/definitions", self.types),
        ]
    }
}

impl Manifest {
    /// Reads the text of the file.
    pub(crate) fn parse(text: &str) -> Result<Self> {
        toml::from_str(text).context("schema/manifest.toml does not have its form")
    }

    /// The text of the file.
    pub(crate) fn render(&self) -> String {
        let counts = &self.counts;
        let mut out = String::from(
            "# What was reviewed about the pinned schema. `cargo xtask generate-types` fails when it no longer holds;\n# `cargo xtask generate-types --write-manifest` writes it anew, for a review of the difference.\n\n[counts]\n",
        );
        for (name, _, count) in counts.each() {
            let _ = writeln!(out, "{name} = {count}");
        }
        let mut lists = String::new();
        for (about, name, list) in [
            (
                "Methods that are not generated.",
                "left_out",
                &self.left_out,
            ),
            (
                "Definitions that no message reaches, and that are therefore not generated.",
                "pruned",
                &self.pruned,
            ),
            (
                "Payloads behind a `Box`. This is part of the API: decided here, not by a size anew.",
                "boxed",
                &self.boxed,
            ),
        ] {
            let _ = writeln!(lists, "# {about}\n{name} = [");
            for entry in list {
                let _ = writeln!(lists, "    {entry:?},");
            }
            lists.push_str("]\n\n");
        }
        let at = out.find("[counts]").unwrap_or(out.len());
        out.insert_str(at, &lists);
        out
    }

    /// Compares with what was reviewed.
    ///
    /// # Errors
    /// At the first difference, if the schema is the pinned one; of another each is reported.
    pub(crate) fn differences(
        &self,
        reviewed: &Self,
        pinned: bool,
        report: &mut Vec<String>,
    ) -> Result<()> {
        let mut found = Vec::new();
        for (is, was) in self.counts.each().iter().zip(reviewed.counts.each()) {
            let (name, pointer, is, was) = (is.0, is.1, is.2, was.2);
            if is != was {
                found.push(format!(
                    "{pointer} (manifest): {name} is {is}, schema/manifest.toml says {was}"
                ));
            }
        }
        for (name, is, was) in [
            ("left_out", &self.left_out, &reviewed.left_out),
            ("pruned", &self.pruned, &reviewed.pruned),
            ("boxed", &self.boxed, &reviewed.boxed),
        ] {
            let new: Vec<_> = is.difference(was).map(String::as_str).collect();
            let gone: Vec<_> = was.difference(is).map(String::as_str).collect();
            if !new.is_empty() {
                let new = new.join(", ");
                found.push(format!(
                    "/definitions (manifest): `{name}` of schema/manifest.toml lacks {new}"
                ));
            }
            if !gone.is_empty() {
                let gone = gone.join(", ");
                found.push(format!(
                    "/definitions (manifest): `{name}` of schema/manifest.toml has what is gone: {gone}"
                ));
            }
        }
        match found.first() {
            Some(first) if pinned => bail!(
                "{first}; if that is meant, run `cargo xtask generate-types --write-manifest` and review the difference"
            ),
            _ => report.extend(found),
        }
        Ok(())
    }
}
