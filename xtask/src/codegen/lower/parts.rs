//! Names for the parts of a type: fields, variants, members.

use std::collections::BTreeSet;

use anyhow::Result;
use proc_macro2::Ident;
use quote::format_ident;

use crate::codegen::model::Literal;
use crate::codegen::names;
use crate::schema::At;

/// The names that the parts of one type have so far.
pub(crate) struct Parts<'a> {
    taken: BTreeSet<String>,
    report: Option<&'a mut Vec<String>>,
}

impl<'a> Parts<'a> {
    /// No parts yet, and names that none may have. With a `report`, a part whose name does not do
    /// gets a number or a letter, and a line in it; without one it is an error.
    pub(crate) fn new(reserved: &[&str], report: Option<&'a mut Vec<String>>) -> Self {
        let taken = reserved.iter().map(|name| (*name).to_owned()).collect();
        Self { taken, report }
    }

    /// The name of a field or a function.
    pub(crate) fn field(&mut self, wire: &str, at: &At) -> Result<Ident> {
        let name = names::field(wire);
        let usable = || format_ident!("{}", names::usable(wire, true));
        self.take(wire, name, usable, at)
    }

    /// The name of a variant, which `given` is if a fixup gives one.
    pub(crate) fn variant(&mut self, wire: &str, given: Option<&str>, at: &At) -> Result<Ident> {
        let name = given.map_or_else(|| names::pascal(wire), str::to_owned);
        let name = names::is_type_name(&name).then(|| format_ident!("{name}"));
        let usable = || format_ident!("{}", names::usable(wire, false));
        self.take(wire, name, usable, at)
    }

    /// A string of the wire with its variant.
    pub(super) fn literal(
        &mut self,
        wire: String,
        doc: Option<String>,
        given: Option<&str>,
        at: &At,
    ) -> Result<Literal> {
        let name = self.variant(&wire, given, at)?;
        Ok(Literal { wire, name, doc })
    }

    /// Leaves a part out, where that is no error.
    pub(crate) fn left_out(&mut self, why: &str, at: &At) -> Result<()> {
        match &mut self.report {
            Some(report) => report.push(format!("{at}: left out, for it is {why}")),
            None => return Err(at.error(why)),
        }
        Ok(())
    }

    fn take(
        &mut self,
        wire: &str,
        name: Option<Ident>,
        usable: impl FnOnce() -> Ident,
        at: &At,
    ) -> Result<Ident> {
        let fault = match &name {
            None => Some(format!("{wire:?} gives no usable name; name it in a fixup")),
            Some(name) if self.taken.contains(&name.to_string()) => Some(format!(
                "two of its parts would be called {name}; rename one in a fixup"
            )),
            Some(_) => None,
        };
        let name = name.unwrap_or_else(usable);
        let Some(fault) = fault else {
            self.taken.insert(name.to_string());
            return Ok(name);
        };
        let Some(report) = &mut self.report else {
            return Err(at.error(fault));
        };
        let numbered = free(&name, |name| !self.taken.contains(name));
        report.push(format!("{at}: {wire:?} is called {numbered}"));
        self.taken.insert(numbered.to_string());
        Ok(numbered)
    }
}

/// `name`, or else the first of `name2`, `name3`, … that is free.
fn free(name: &Ident, is_free: impl Fn(&str) -> bool) -> Ident {
    let text = name.to_string();
    if is_free(&text) {
        return name.clone();
    }
    let plain = text.trim_start_matches("r#");
    format_ident!("{}", numbered(plain, is_free))
}

/// The first of `name2`, `name3`, … that is free.
pub(crate) fn numbered(name: &str, is_free: impl Fn(&str) -> bool) -> String {
    let mut all = (2..).map(|number: u32| format!("{name}{number}"));
    all.find(|name| is_free(name))
        .expect("there are more numbers than names")
}
