//! Documentation as attributes.

use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, quote};
use syn::ext::IdentExt;

use crate::codegen::docs::{EXPERIMENTAL, lines, on_the_wire, unmarked};

/// A doc comment: a line for each line.
pub(super) struct Doc(String);

impl Doc {
    /// What the schema says, or else `fallback`.
    pub(super) fn new(schema: Option<&str>, fallback: &str) -> Self {
        let said = schema.map(str::trim).filter(|text| !text.is_empty());
        Self(match said {
            Some(text) => lines(text).join("\n"),
            None => fallback.to_owned(),
        })
    }

    /// A text of ours.
    pub(super) fn text(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// The same of something that may be experimental.
    pub(super) fn marked(schema: Option<&str>, fallback: &str, experimental: bool) -> Self {
        Self::new(unmarked(schema, experimental).as_deref(), fallback)
    }

    /// The same of a name of the wire: where it is the name in Rust too, there is nothing to say.
    pub(super) fn wire(schema: Option<&str>, wire: &str, rust: &Ident, experimental: bool) -> Self {
        let is_same = rust.unraw() == wire;
        let fallback = if is_same {
            String::new()
        } else {
            on_the_wire(wire)
        };
        Self::marked(schema, &fallback, experimental)
    }

    pub(super) fn and(self, paragraph: Option<&str>) -> Self {
        match paragraph {
            Some(text) if self.0.is_empty() => Self(text.to_owned()),
            Some(text) => Self(format!("{}\n\n{text}", self.0)),
            None => self,
        }
    }

    pub(super) fn experimental(self, experimental: bool) -> Self {
        self.and(experimental.then_some(EXPERIMENTAL))
    }
}

impl ToTokens for Doc {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        for line in self.0.lines() {
            let line = if line.is_empty() {
                String::new()
            } else {
                format!(" {line}")
            };
            tokens.extend(quote!(#[doc = #line]));
        }
    }
}
