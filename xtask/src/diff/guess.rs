//! Guesses which of what went and what came is one thing with another name.
//!
//! A guess is made only where both have one candidate: what two could be is told as it is, gone and come.

use super::surface::{MethodKey, Shape, Surface};

/// How alike two names have to be, from 0 to 1, where little else tells.
const ALIKE: f64 = 0.7;

/// Methods of one kind whose parameters have the same members, or the same name.
pub(super) fn methods(old: &Surface, new: &Surface) -> Vec<(MethodKey, MethodKey)> {
    let gone = old
        .methods
        .keys()
        .filter(|it| !new.methods.contains_key(*it));
    let come = new
        .methods
        .keys()
        .filter(|it| !old.methods.contains_key(*it));
    only_pairs(gone, come, |from, to| {
        let (was, is) = (&old.methods[from], &new.methods[to]);
        let same_params = match (&was.params, &is.params) {
            (Some(was), Some(is)) => {
                was == is
                    || matches!((old.types.get(was), new.types.get(is)), (Some(a), Some(b)) if same(a, b))
            }
            (None, None) => true,
            _ => false,
        };
        from.0 == to.0 && same_params && alike(&from.1, &to.1)
    })
}

/// Types with the same members and variants: several of them, or names that are alike.
pub(super) fn types(old: &Surface, new: &Surface) -> Vec<(String, String)> {
    let gone = old.types.keys().filter(|it| !new.types.contains_key(*it));
    let come = new.types.keys().filter(|it| !old.types.contains_key(*it));
    only_pairs(gone, come, |from, to| {
        let (was, is) = (&old.types[from], &new.types[to]);
        let size = was.members.len() + was.variants.len();
        same(was, is) && size > 0 && (size > 2 || alike(from, to))
    })
}

/// Members of one type, or of one of its kinds, with the same type and alike names.
pub(super) fn members(was: &Shape, is: &Shape) -> Vec<(String, String)> {
    let gone = was
        .members
        .keys()
        .filter(|it| !is.members.contains_key(*it));
    let come = is
        .members
        .keys()
        .filter(|it| !was.members.contains_key(*it));
    only_pairs(gone, come, |from, to| {
        let of_kind = |name: &str| name.rsplit_once('.').map(|(kind, _)| kind.to_owned());
        of_kind(from) == of_kind(to)
            && was.members[from].ty == is.members[to].ty
            && alike(last(from), last(to))
    })
}

/// Variants with alike names and the same within.
pub(super) fn variants(was: &Shape, is: &Shape) -> Vec<(String, String)> {
    let gone = was
        .variants
        .keys()
        .filter(|it| !is.variants.contains_key(*it));
    let come = is
        .variants
        .keys()
        .filter(|it| !was.variants.contains_key(*it));
    let within = |shape: &Shape, variant: &str| -> Vec<(String, String)> {
        let members = shape.members.iter();
        let members = members.filter_map(|(name, member)| {
            let name = name.strip_prefix(variant)?.strip_prefix('.')?;
            Some((name.to_owned(), member.ty.clone()))
        });
        members.collect()
    };
    only_pairs(gone, come, |from, to| {
        let same_type = was.variants[from].ty == is.variants[to].ty;
        same_type && within(was, from) == within(is, to) && alike(from, to)
    })
}

fn last(path: &str) -> &str {
    path.rsplit('.').next().unwrap_or(path)
}

/// Whether two shapes have the same form, members and variants.
fn same(a: &Shape, b: &Shape) -> bool {
    a.form == b.form && a.members == b.members && a.variants == b.variants
}

/// The pairs in which each is the other's only candidate.
fn only_pairs<'a, T: Clone + PartialEq + 'a>(
    gone: impl Iterator<Item = &'a T>,
    come: impl Iterator<Item = &'a T>,
    is_pair: impl Fn(&T, &T) -> bool,
) -> Vec<(T, T)> {
    let come: Vec<_> = come.collect();
    let mut pairs: Vec<(T, T)> = Vec::new();
    for from in gone {
        let candidates = come.iter().filter(|to| is_pair(from, to));
        pairs.extend(candidates.map(|to| (from.clone(), (*to).clone())));
    }
    let is_only = |(from, to): &&(T, T)| {
        let same = pairs.iter().filter(|(a, b)| a == from || b == to);
        same.count() == 1
    };
    pairs.iter().filter(is_only).cloned().collect()
}

/// Whether two names are mostly the same letters in the same order.
fn alike(a: &str, b: &str) -> bool {
    let letters = |text: &str| -> Vec<char> { text.to_lowercase().chars().collect() };
    let (a, b) = (letters(a), letters(b));
    let longest = a.len().max(b.len());
    if longest == 0 {
        return true;
    }
    // The length of their longest common subsequence.
    let mut row = vec![0_usize; b.len() + 1];
    for x in &a {
        let mut diagonal = 0;
        for (at, y) in b.iter().enumerate() {
            let above = row[at + 1];
            row[at + 1] = if x == y {
                diagonal + 1
            } else {
                above.max(row[at])
            };
            diagonal = above;
        }
    }
    #[allow(clippy::cast_precision_loss, reason = "names are short")]
    let share = row[b.len()] as f64 / longest as f64;
    share >= ALIKE
}
