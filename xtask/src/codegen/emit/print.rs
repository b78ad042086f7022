//! The text of a file: items by `prettyplease`, our own tables a line for each entry.

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use syn::{File, Item, Macro};

/// The text of a file's items.
pub(crate) fn file(tokens: TokenStream) -> syn::Result<String> {
    let File { attrs, items, .. } = syn::parse2(tokens)?;
    let mut text = part(attrs, Vec::new());
    let mut uses = false;
    for item in items {
        let is_use = matches!(item, Item::Use(_));
        if !(uses && is_use) {
            text += "\n";
        }
        uses = is_use;
        text += &match item {
            Item::Macro(table) => rows(&table.mac),
            item => spaced(&part(Vec::new(), vec![item])),
        };
    }
    Ok(text)
}

fn part(attrs: Vec<syn::Attribute>, items: Vec<Item>) -> String {
    prettyplease::unparse(&File {
        shebang: None,
        frontmatter: None,
        attrs,
        items,
    })
}

/// `prettyplease` puts no empty line between the functions of a block; this does.
fn spaced(item: &str) -> String {
    let mut text = String::new();
    let mut ended = false;
    for line in item.lines() {
        if ended && !line.starts_with('}') {
            text += "\n";
        }
        ended = line == "    }";
        text += line;
        text += "\n";
    }
    text
}

/// A table: `record! { Name {`, a line for each entry, `} }`.
fn rows(table: &Macro) -> String {
    let name = &table.path.segments[0].ident;
    let mut text = format!("{name}! {{ ");
    for token in table.tokens.clone() {
        match token {
            TokenTree::Group(group) if group.delimiter() == Delimiter::Brace => {
                text += "{\n";
                let entries: Vec<TokenTree> = group.stream().into_iter().collect();
                for entry in entries.split_inclusive(is_comma) {
                    text += &format!("    {}\n", line(entry));
                }
                text += "} ";
            }
            token => text += &format!("{token} "),
        }
    }
    text + "}\n"
}

fn is_comma(token: &TokenTree) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == ',')
}

/// An entry on a line: words, and expressions in parentheses as `prettyplease` has them.
fn line(entry: &[TokenTree]) -> String {
    let mut text = String::new();
    for token in entry {
        match token {
            TokenTree::Group(group) => text += &expression(group.stream()),
            token if text.is_empty() || is_comma(token) => text += &token.to_string(),
            token => text += &format!(" {token}"),
        }
    }
    text
}

fn expression(tokens: TokenStream) -> String {
    let text = part(Vec::new(), vec![syn::parse_quote!(const _: () = #tokens;)]);
    let text = text
        .trim_start_matches("const _: () =")
        .trim_end()
        .trim_end_matches(';');
    // Where it was broken, not within a string: there a line break is written as two letters.
    let lines: Vec<&str> = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect();
    format!("({})", lines.join(" ").trim())
}
