//! Types that hold themselves, which Rust wants behind a pointer.

use std::collections::{BTreeMap, BTreeSet};

use super::model::{Model, Shape, Ty, TypeName};

/// Puts a `Box` around every part through which a type would hold itself by value.
///
/// Returns their paths: `Type.field`, `Type::Variant`.
pub(crate) fn apply(model: &mut Model) -> Vec<String> {
    let mut search = Search {
        model,
        state: BTreeMap::new(),
        closing: BTreeSet::new(),
    };
    for name in model.types.keys() {
        search.visit(name);
    }
    let closing = search.closing;
    let mut paths = Vec::new();
    for (owner, index) in closing {
        let Some(ty) = model.types.get_mut(&owner) else {
            continue;
        };
        let part = match &mut ty.shape {
            Shape::Struct(it) => {
                let field = &mut it.fields[index];
                field.ty = boxed(&field.ty);
                format!(".{}", field.name)
            }
            Shape::Tagged(it) => {
                let kind = &mut it.kinds[index];
                kind.boxed = true;
                format!("::{}", kind.literal.name)
            }
            Shape::Keyed(it) => {
                let (literal, ty) = &mut it.keys[index];
                *ty = boxed(ty);
                format!("::{}", literal.name)
            }
            Shape::Untagged(it) => {
                let member = &mut it.members[index];
                member.ty = boxed(&member.ty);
                format!("::{}", member.name)
            }
            Shape::StringEnum(_) | Shape::StringNewtype => continue,
        };
        paths.push(format!("{owner}{part}"));
    }
    paths
}

fn boxed(ty: &Ty) -> Ty {
    Ty::Boxed(Box::new(ty.clone()))
}

#[derive(Clone, Copy, PartialEq)]
enum State {
    /// On the way from the root to where the search is.
    Open,
    Done,
}

struct Search<'a> {
    model: &'a Model,
    state: BTreeMap<&'a TypeName, State>,
    /// The parts that lead back to a type on the way, by owner and index.
    closing: BTreeSet<(TypeName, usize)>,
}

impl<'a> Search<'a> {
    /// Depth first, with the way on the heap: a chain of types may be long.
    fn visit(&mut self, root: &'a TypeName) {
        if self.state.contains_key(root) {
            return;
        }
        self.state.insert(root, State::Open);
        let mut way = vec![(root, self.held(root))];
        while let Some((name, parts)) = way.last_mut() {
            let name = *name;
            let Some((index, next)) = parts.pop() else {
                self.state.insert(name, State::Done);
                way.pop();
                continue;
            };
            match self.state.get(next) {
                Some(State::Open) => {
                    self.closing.insert((name.clone(), index));
                }
                Some(State::Done) => {}
                None => {
                    self.state.insert(next, State::Open);
                    way.push((next, self.held(next)));
                }
            }
        }
    }

    /// The types that one holds by value, with the index of the part that each is; the first last.
    fn held(&self, name: &TypeName) -> Vec<(usize, &'a TypeName)> {
        let Some(ty) = self.model.types.get(name) else {
            return Vec::new();
        };
        let by_value = |ty: &'a Ty| match ty {
            Ty::Named(name) => Some(name),
            _ => None,
        };
        let mut parts: Vec<Option<&TypeName>> = match &ty.shape {
            Shape::Struct(it) => it.fields.iter().map(|it| by_value(&it.ty)).collect(),
            Shape::Tagged(it) => {
                let kinds = it.kinds.iter();
                kinds
                    .map(|it| it.payload.as_ref().filter(|_| !it.boxed))
                    .collect()
            }
            Shape::Keyed(it) => it.keys.iter().map(|(_, ty)| by_value(ty)).collect(),
            Shape::Untagged(it) => it.members.iter().map(|it| by_value(&it.ty)).collect(),
            Shape::StringEnum(_) | Shape::StringNewtype => Vec::new(),
        };
        let parts = parts.drain(..).enumerate().rev();
        parts
            .filter_map(|(index, part)| Some((index, part?)))
            .collect()
    }
}
